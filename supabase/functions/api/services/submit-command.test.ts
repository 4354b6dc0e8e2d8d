import assert from "node:assert/strict";
import { test } from "node:test";
import { RiskLimits } from "../../_shared/domain/mod.ts";
import { AppError } from "../../_shared/errors/mod.ts";
import { CommandBody, MAX_RISK_LIMITS_BYTES, type Outcome, type ResultClaims } from "../../_shared/protocol/mod.ts";
import type { Bridge, CommandReply, WorkerCall } from "../bridge/mod.ts";
import type { CommandToComplete, Database, StoredAnswer, SubmittedCommand } from "../db/mod.ts";
import { ACCOUNT, CALLER, COMMAND_ID, makeContext, note, TIMINGS, TRADE_RESULT, USER_ID } from "../testing/context.ts";
import { renderOutcome, renderUnknown } from "./render-outcome.ts";
import { type CommandSubmission, submitCommand } from "./submit-command.ts";

const DONE: Outcome = { state: "done", result: TRADE_RESULT, timings: TIMINGS };
const RENDERED = renderOutcome({ id: COMMAND_ID, kind: "trade", account: ACCOUNT }, DONE);
const submission: CommandSubmission = {
  caller: CALLER,
  accountId: null,
  request: { kind: "trade", params: { symbol: "EURUSD", order_type: "buy", volume: 0.1 } },
  key: "key-1",
  fingerprint: "f".repeat(43),
  timeoutMs: 10_000,
};

type Changes = Omit<Partial<SubmittedCommand>, "command" | "account"> & {
  command?: Partial<SubmittedCommand["command"]>;
  account?: Partial<SubmittedCommand["account"]>;
};
function submitted({ command, account, ...changes }: Changes = {}): SubmittedCommand {
  return {
    created: true,
    remaining_ms: 9_990,
    submitted_ago_ms: 10,
    ...changes,
    account: { ...ACCOUNT, encrypted_password: "jwe", risk_limits: null, pass_magic: false, ...account },
    command: {
      id: COMMAND_ID,
      kind: "trade",
      raw_state: "accepted",
      status: null,
      body: null,
      tag: 2 ** 41,
      worker_id: "w1",
      ...command,
    },
  };
}

function claimsOf(command: Outcome): ResultClaims {
  return { iss: "w1", jti: COMMAND_ID, sub: USER_ID, iat: 1, kind: "trade", command };
}

type World = { answer?: SubmittedCommand; reply?: CommandReply; withdrawn?: boolean; stored?: StoredAnswer | AppError };
function world({ answer = submitted(), reply, withdrawn = true, stored }: World) {
  const calls: WorkerCall[] = [];
  const completed: CommandToComplete[] = [];
  const withdrawals: string[] = [];
  const confirmed: string[] = [];
  const db: Partial<Database> = {
    submitCommand: async () => answer,
    withdrawCommand: async (_userId, id) => {
      withdrawals.push(id);
      return withdrawn;
    },
    completeCommand: async (command) => {
      completed.push(command);
      if (stored instanceof AppError) throw stored;
      const { state, executed, status, body } = command;
      return stored ?? { stored: true, state, executed, status, body };
    },
  };
  const bridge: Partial<Bridge> = {
    confirm: (_workerId, id) => confirmed.push(id),
    ...(reply === undefined ? {} : { runCommand: (call) => note(calls, call, reply) }),
  };
  return { context: makeContext({ db, bridge }), calls, completed, withdrawals, confirmed };
}
const code = (expected: string) => (error: AppError) =>
  error.code === expected && error.extras.command_id === undefined;

test("a new command goes to its account's worker, with what the ledger gave it, and the stored answer comes back", async () => {
  const { context, calls, completed, confirmed } = world({ reply: { type: "outcome", claims: claimsOf(DONE) } });
  const answer = await submitCommand(context, submission);
  assert.deepEqual(answer, { commandId: COMMAND_ID, status: 200, body: RENDERED.body });
  const [call] = calls;
  assert.ok(call);
  assert.deepEqual(
    [call.workerId, call.id, call.userId, call.userToken, call.kind],
    ["w1", COMMAND_ID, USER_ID, "user-token", "trade"],
  );
  assert.deepEqual(call.account, ACCOUNT);
  const body = CommandBody.parse(JSON.parse(call.body));
  assert.deepEqual(body, { request: submission.request, tag: 2 ** 41, credential: "jwe", risk_limits: null });
  assert.deepEqual(completed, [
    {
      userId: USER_ID,
      commandId: COMMAND_ID,
      workerId: "w1",
      evidence: null,
      state: "done",
      executed: true,
      status: 200,
      body: RENDERED.body,
    },
  ]);
  assert.deepEqual(confirmed, [COMMAND_ID]);
});

test("the account's wish to pass the caller's magic on goes with the command", async () => {
  const { context, calls } = world({ answer: submitted({ account: { pass_magic: true } }), reply: { type: "silent" } });
  await submitCommand(context, submission);
  assert.equal(CommandBody.parse(JSON.parse(calls[0]?.body ?? "")).pass_magic, true);
});

test("limits that are too large to be sent go as limits that cannot be read", async () => {
  const limitsOf = async (risk_limits: unknown): Promise<unknown> => {
    const { context, calls } = world({ answer: submitted({ account: { risk_limits } }), reply: { type: "silent" } });
    await submitCommand(context, submission);
    return CommandBody.parse(JSON.parse(calls[0]?.body ?? "")).risk_limits;
  };
  const frame = JSON.stringify({ x: "" }).length;
  const largest = { x: "x".repeat(MAX_RISK_LIMITS_BYTES - frame) };
  assert.deepEqual(await limitsOf(largest), largest);
  for (const limits of [{ x: `${largest.x}x` }, { x: "\u{1f600}".repeat(MAX_RISK_LIMITS_BYTES / 4) }]) {
    const sent = await limitsOf(limits);
    assert.equal(sent, "too large");
    assert.equal(RiskLimits.safeParse(sent).success, false);
  }
});

test("times are counted from before the database was asked: its answer's way back cannot lengthen them", async () => {
  const { context, calls } = world({ reply: { type: "silent" } });
  await submitCommand(context, submission);
  const sentAtMs = context.clock.monotonicMs();
  assert.equal(calls[0]?.startByMs, sentAtMs + 9_990);
  assert.equal(calls[0]?.submittedAtMs, sentAtMs - 10);
  assert.equal(calls[0]?.waitUntilMs, sentAtMs + 10_000 + 1_000);
});

test("a finished command answers what is stored, byte for byte, and asks no worker", async () => {
  const stored = { raw_state: "rejected" as const, status: 422, body: '{"odd" : "spacing"}' };
  const { context } = world({ answer: submitted({ created: false, command: stored }) });
  assert.deepEqual(await submitCommand(context, submission), { commandId: COMMAND_ID, status: 422, body: stored.body });
});

test("an open command is attached to: the same id goes to the worker again", async () => {
  for (const raw_state of ["accepted", "unknown"] as const) {
    const answer = submitted({ created: false, command: { raw_state } });
    const { context, calls } = world({ answer, reply: { type: "outcome", claims: claimsOf(DONE) } });
    assert.equal((await submitCommand(context, submission)).status, 200);
    assert.equal(calls[0]?.id, COMMAND_ID);
  }
});

test("what the ledger holds is answered, not what this call rendered", async () => {
  const stored: StoredAnswer = { stored: false, state: "rejected", executed: false, status: 422, body: "{}" };
  const { context } = world({ reply: { type: "outcome", claims: claimsOf(DONE) }, stored });
  assert.deepEqual(await submitCommand(context, submission), { commandId: COMMAND_ID, status: 422, body: "{}" });
});

test("if the ledger is away the signed outcome is answered, and the worker is not told to forget it", async () => {
  const { context, confirmed } = world({
    reply: { type: "outcome", claims: claimsOf(DONE) },
    stored: new AppError("database_unavailable"),
  });
  assert.equal((await submitCommand(context, submission)).body, RENDERED.body);
  assert.deepEqual(confirmed, []);
});

test("an unknown outcome is stored and answered as 202, but not confirmed: a proof may follow", async () => {
  const { context, completed, confirmed } = world({
    reply: { type: "outcome", claims: claimsOf({ state: "unknown", evidence: { seen: 1 } }) },
  });
  assert.deepEqual(await submitCommand(context, submission), {
    commandId: COMMAND_ID,
    status: 202,
    body: renderUnknown(COMMAND_ID),
  });
  assert.deepEqual([completed[0]?.state, completed[0]?.evidence], ["unknown", { seen: 1 }]);
  assert.deepEqual(confirmed, []);
});

test("evidence with characters that the database cannot hold is stored without them, not lost for ever", async () => {
  const evidence = { last_error: [-10005, "IPC\0timeout"], after: { server: "a\ud800b" } };
  const { context, completed } = world({
    reply: { type: "outcome", claims: claimsOf({ state: "unknown", evidence }) },
  });
  await submitCommand(context, submission);
  const stored = { last_error: [-10005, "IPC\ufffdtimeout"], after: { server: "a\ufffdb" } };
  assert.deepEqual(completed[0]?.evidence, stored);
});

test("silence is 202 and stores nothing: only the worker may finish a dispatched command", async () => {
  const { context, completed, withdrawals } = world({ reply: { type: "silent" } });
  assert.equal((await submitCommand(context, submission)).status, 202);
  assert.deepEqual([completed, withdrawals], [[], []]);
});

test("nothing written: the row is withdrawn, the key is free, 503 says not executed", async () => {
  const { context, withdrawals } = world({ reply: { type: "unsent" } });
  await assert.rejects(submitCommand(context, submission), code("worker_unreachable"));
  assert.deepEqual(withdrawals, [COMMAND_ID]);
});

test("nothing written by us, but another request may have: 202", async () => {
  const { context } = world({ reply: { type: "unsent" }, withdrawn: false });
  assert.equal((await submitCommand(context, submission)).status, 202);
});

test("a request that attached never withdraws", async () => {
  const release: Outcome = { state: "refused", code: "worker_busy", release: true };
  const replies: CommandReply[] = [
    { type: "unsent" },
    { type: "refused", code: "worker_busy" },
    { type: "outcome", claims: claimsOf(release) },
  ];
  for (const reply of replies) {
    const { context, withdrawals, completed } = world({ answer: submitted({ created: false }), reply });
    assert.equal((await submitCommand(context, submission)).status, 202);
    assert.deepEqual([withdrawals, completed], [[], []]);
  }
});

test("a refusal for want of room releases the key and says when to come back; it is never stored", async () => {
  const release: Outcome = { state: "refused", code: "worker_busy", release: true, retry_after_ms: 3_000 };
  const { context, withdrawals, completed } = world({ reply: { type: "outcome", claims: claimsOf(release) } });
  await assert.rejects(
    submitCommand(context, submission),
    (error: AppError) => error.code === "worker_busy" && error.extras.retryAfterMs === 3_000,
  );
  assert.deepEqual([withdrawals.length, completed.length], [1, 0]);
});

test("a worker's refusal of the frame releases the key; faults between us and it are worker_unreachable", async () => {
  for (const [given, expected] of [
    ["too_many_requests", "too_many_requests"],
    ["proof_refused", "worker_unreachable"],
    ["bad_frame", "worker_unreachable"],
  ] as const) {
    const { context, withdrawals } = world({ reply: { type: "refused", code: given } });
    await assert.rejects(submitCommand(context, submission), code(expected));
    assert.equal(withdrawals.length, 1);
  }
});

test("a refusal that does not say that nothing happened keeps the row: 202", async () => {
  const { context, withdrawals } = world({ reply: { type: "refused", code: "internal_error" } });
  assert.equal((await submitCommand(context, submission)).status, 202);
  assert.deepEqual(withdrawals, []);
});

test("without a known worker nothing is sent", async () => {
  const { context } = world({ answer: submitted({ created: false, command: { worker_id: "w9" } }) });
  assert.equal((await submitCommand(context, submission)).status, 202);
});

test("an open command of an account that is gone cannot be sent, but its worker is asked how it ended", async () => {
  for (const account of [{ encrypted_password: null }, { id: null }]) {
    const { context, completed } = world({ answer: submitted({ created: false, account }) });
    const asked: WorkerCall[] = [];
    context.bridge.askCommand = (call) => note(asked, call, claimsOf(DONE));
    assert.deepEqual((await submitCommand(context, submission)).status, 200);
    assert.deepEqual([asked[0]?.kind, asked[0]?.body], ["status", JSON.stringify({ command_id: COMMAND_ID })]);
    // A worker that has not seen it may bury it only when its time is over.
    assert.equal(asked[0]?.startByMs, context.clock.monotonicMs() + 9_990);
    assert.equal(completed[0]?.state, "done");
    context.bridge.askCommand = async () => null;
    assert.equal((await submitCommand(context, submission)).status, 202);
  }
});

test("a proof that overtook its unknown is stored in two steps", async () => {
  const outcome: Outcome = { state: "not_executed", code: "not_executed", evidence: { absent: true } };
  const { context, completed } = world({ reply: { type: "outcome", claims: claimsOf(outcome) } });
  let state = "accepted";
  context.db.completeCommand = async (command) => {
    completed.push(command);
    const stored = !(state === "accepted" && command.state === "not_executed");
    if (stored) state = command.state;
    const answer = stored ? command : { state: "accepted" as const, executed: null, status: null, body: null };
    return { stored, state: answer.state, executed: answer.executed, status: answer.status, body: answer.body };
  };
  const answer = await submitCommand(context, submission);
  assert.deepEqual(
    completed.map((command) => command.state),
    ["not_executed", "unknown", "not_executed"],
  );
  assert.equal(answer.status, 422);
});
