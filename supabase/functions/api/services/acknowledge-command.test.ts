// Acknowledging: the worker lifts the block before the ledger says so, and a command that has ended stays what it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../_shared/errors/mod.ts";
import { AcknowledgeQuery, type Outcome } from "../../_shared/protocol/mod.ts";
import type { QuestionReply, WorkerCall } from "../bridge/mod.ts";
import type { CommandRow } from "../db/mod.ts";
import { ACCOUNT, CALLER, COMMAND_ID, makeContext, TIMINGS, TRADE_RESULT, USER_ID } from "../testing/context.ts";
import { acknowledgeCommand } from "./acknowledge-command.ts";

const REASON = "looked at the account";
const UNKNOWN: CommandRow = {
  ...{ id: COMMAND_ID, kind: "trade", state: "unknown", open: true, executed: null, account: ACCOUNT, request: {} },
  ...{ status: 202, body: "{}", evidence: { phase: "sent" }, acknowledged: null, worker_id: "w1" },
  ...{ created_at: "2026-11-22T11:59:00.000Z", deadline: "2026-11-22T11:59:10.000Z", completed_at: null },
};
const ACKNOWLEDGED: CommandRow = { ...UNKNOWN, acknowledged: { at: "2026-11-22T11:59:30.000Z", reason: "first" } };
const DONE_ROW: CommandRow = { ...UNKNOWN, state: "done", open: false, executed: true, status: 200 };
const STILL_UNKNOWN: Outcome = { state: "unknown", evidence: {} };
const DONE: Outcome = { state: "done", result: TRADE_RESULT, timings: TIMINGS };

function world(row: CommandRow | null, reply?: QuestionReply | Outcome, ledger: "writable" | "away" = "writable") {
  const steps: string[] = [];
  const calls: WorkerCall[] = [];
  const context = makeContext({
    db: {
      getCommand: async () => row,
      completeCommand: async ({ state, executed, status, body }) => {
        steps.push(`stored ${state}`);
        return { stored: true, state, executed, status, body };
      },
      acknowledgeCommand: async (_userId, _id, reason) => {
        if (ledger === "away") throw new AppError("database_unavailable");
        steps.push(`acknowledged: ${reason}`);
        return { ...UNKNOWN, acknowledged: { at: "2026-11-22T12:00:00.000Z", reason } };
      },
    },
    bridge: {
      acknowledgeCommand: async (call) => {
        calls.push(call);
        assert.ok(reply, "nobody is to be asked");
        steps.push("worker");
        if ("type" in reply) return reply;
        const claims = { iss: "w1", jti: COMMAND_ID, sub: USER_ID, iat: 1, kind: "trade" };
        return { type: "outcome", claims: { ...claims, command: reply } };
      },
    },
  });
  return { context, steps, calls };
}
const run = ({ context }: ReturnType<typeof world>) => acknowledgeCommand(context, CALLER, COMMAND_ID, REASON);
const code = (expected: string) => (error: AppError) => error.code === expected;

test("acknowledgeCommand() lets the worker lift the block first, then writes it to the ledger", async () => {
  const asked = world(UNKNOWN, STILL_UNKNOWN);
  const row = await run(asked);
  assert.deepEqual(asked.steps, ["worker", "stored unknown", `acknowledged: ${REASON}`]);
  assert.deepEqual([row.state, row.acknowledged?.reason], ["unknown", REASON]);
  const [call] = asked.calls;
  assert.equal(call?.kind, "acknowledge");
  assert.deepEqual(AcknowledgeQuery.parse(JSON.parse(call?.body ?? "")), { command_id: COMMAND_ID, reason: REASON });
});

test("acknowledgeCommand() stores an outcome that the worker has meanwhile, and acknowledges nothing", async () => {
  const asked = world(UNKNOWN, DONE);
  const row = await run(asked);
  assert.deepEqual([row.state, row.acknowledged, asked.steps], ["done", null, ["worker", "stored done"]]);
});

test("acknowledgeCommand() shows a command that has ended as it is, whatever its worker still believes", async () => {
  for (const reply of [STILL_UNKNOWN, { type: "silent" }, { type: "under_way" }] as const) {
    const asked = world(DONE_ROW, reply);
    assert.equal(await run(asked), DONE_ROW);
    assert.deepEqual(asked.steps, ["worker"]);
  }
});

test("acknowledgeCommand() has nothing to lift while the command is under way", async () => {
  const asked = world({ ...UNKNOWN, state: "accepted" }, { type: "under_way" });
  await assert.rejects(run(asked), code("command_under_way"));
  assert.deepEqual(asked.steps, ["worker"]);
});

test("acknowledgeCommand() writes nothing when the worker is silent; a repeated one needs no worker", async () => {
  const silent = world(UNKNOWN, { type: "silent" });
  await assert.rejects(run(silent), code("worker_silent"));
  assert.deepEqual(silent.steps, ["worker"]);
  assert.equal(await run(world(ACKNOWLEDGED, { type: "silent" })), ACKNOWLEDGED);
});

test("acknowledgeCommand() does not claim what the ledger could not take", async () => {
  await assert.rejects(run(world(UNKNOWN, STILL_UNKNOWN, "away")), code("database_unavailable"));
});

test("acknowledgeCommand() asks no worker that may be the wrong one, and knows only the caller's commands", async () => {
  await assert.rejects(run(world({ ...UNKNOWN, worker_id: "w9" })), code("worker_silent"));
  await assert.rejects(run(world(null)), code("command_not_found"));
});
