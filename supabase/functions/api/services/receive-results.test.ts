import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../_shared/errors/mod.ts";
import type { Outcome, ResultClaims } from "../../_shared/protocol/mod.ts";
import type { CommandToComplete } from "../db/mod.ts";
import { ACCOUNT, COMMAND_ID, makeContext, TIMINGS, TRADE_RESULT, USER_ID } from "../testing/context.ts";
import { receiveResults } from "./receive-results.ts";
import { renderOutcome } from "./render-outcome.ts";

const DONE: Outcome = { state: "done", result: TRADE_RESULT, timings: TIMINGS };
const claims: ResultClaims = {
  iss: "w1",
  jti: COMMAND_ID,
  sub: USER_ID,
  iat: 1,
  kind: "trade",
  account: ACCOUNT,
  command: DONE,
};

/** Each text stands for the claims, or the failure, that its verification gives. */
function world(results: Record<string, ResultClaims | AppError>) {
  const completed: CommandToComplete[] = [];
  const context = makeContext({
    verifyResult: async (jws) => {
      const result = results[jws];
      if (result === undefined || result instanceof AppError) throw result ?? new AppError("invalid_result");
      return result;
    },
    db: {
      completeCommand: async (command) => {
        completed.push(command);
        const { state, executed, status, body } = command;
        return { stored: true, state, executed, status, body };
      },
    },
  });
  return { context, completed };
}

test("a delivered result is stored with the bytes that the first caller would have got", async () => {
  const { context, completed } = world({ good: claims });
  assert.deepEqual(await receiveResults(context, ["good"]), { stored: [COMMAND_ID], rejected: [] });
  const { body } = renderOutcome({ id: COMMAND_ID, kind: "trade", account: ACCOUNT }, DONE);
  assert.deepEqual([completed[0]?.body, completed[0]?.userId, completed[0]?.workerId], [body, USER_ID, "w1"]);
});

test("one bad result does not hold up the others", async () => {
  const { context } = world({ good: claims });
  assert.deepEqual(await receiveResults(context, ["forged", "good"]), {
    stored: [COMMAND_ID],
    rejected: [{ index: 0, code: "invalid_result" }],
  });
});

test("results are stored in the order of the batch", async () => {
  const { context, completed } = world({
    good: claims,
    first: { ...claims, command: { state: "unknown", evidence: {} } },
  });
  await receiveResults(context, ["first", "good"]);
  assert.deepEqual(
    completed.map(({ state }) => state),
    ["unknown", "done"],
  );
});

test("two last words about one command are an error of their own: the first stays, and somebody should look", async () => {
  const stored = { stored: false, executed: false, status: 422, body: "{}" } as const;
  const heard = async (state: "not_executed" | "done"): Promise<string[]> => {
    const context = makeContext({
      verifyResult: async () => claims,
      db: { completeCommand: async () => ({ ...stored, state }) },
    });
    await receiveResults(context, ["good"]);
    return context.logged.map((line) => JSON.parse(line).event);
  };
  assert.deepEqual(await heard("not_executed"), ["command.contradicted"]);
  assert.deepEqual(await heard("done"), ["command.settled"], "the same word again");
});

const refused: [string, ResultClaims][] = [
  ["a read's result", { ...claims, command: undefined, read: { ok: true, value: {} } }],
  ["a refusal for want of room", { ...claims, command: { state: "refused", code: "worker_busy", release: true } }],
  ["a success that names no account", { ...claims, account: undefined }],
];
for (const [what, bad] of refused) {
  test(`${what} is not stored`, async () => {
    const { context, completed } = world({ bad });
    assert.deepEqual(await receiveResults(context, ["bad"]), {
      stored: [],
      rejected: [{ index: 0, code: "invalid_result" }],
    });
    assert.equal(completed.length, 0);
  });
}

test("a ledger that is away, or a command that is gone, is said per result", async () => {
  for (const code of ["database_unavailable", "command_not_found"] as const) {
    const { context } = world({ good: claims });
    context.db.completeCommand = async () => {
      throw new AppError(code);
    };
    assert.deepEqual((await receiveResults(context, ["good"])).rejected, [{ index: 0, code }]);
  }
});
