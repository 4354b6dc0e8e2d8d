import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppError } from "../../_shared/errors/mod.ts";
import { CLOCK_TOLERANCE_S, type Outcome } from "../../_shared/protocol/mod.ts";
import type { WorkerCall } from "../bridge/mod.ts";
import type { CommandRow } from "../db/mod.ts";
import { ACCOUNT, CALLER, COMMAND_ID, makeContext, TIMINGS, TRADE_RESULT, USER_ID } from "../testing/context.ts";
import { readCommand } from "./read-command.ts";

const open: CommandRow = {
  id: COMMAND_ID,
  kind: "trade",
  state: "unknown",
  open: true,
  executed: null,
  account: ACCOUNT,
  request: {},
  status: null,
  body: null,
  evidence: null,
  acknowledged: null,
  worker_id: "w1",
  created_at: "2026-11-22T11:59:00.000Z",
  deadline: "2026-11-22T11:59:10.000Z",
  completed_at: null,
};
const DONE: Outcome = { state: "done", result: TRADE_RESULT, timings: TIMINGS };

function world(row: CommandRow | null, outcome: Outcome | null, workerIds = ["w1"]) {
  const calls: WorkerCall[] = [];
  const context = makeContext({
    workerIds,
    db: {
      getCommand: async () => row,
      completeCommand: async ({ state, executed, status, body }) => ({ stored: true, state, executed, status, body }),
    },
    bridge: {
      askCommand: async (call, id) => {
        calls.push(call);
        return outcome && { iss: "w1", jti: id, sub: USER_ID, iat: 1, kind: "trade", command: outcome };
      },
    },
  });
  return { context, calls };
}

test("readCommand() says command_not_found for what the user cannot see", async () => {
  const { context } = world(null, null);
  await assert.rejects(
    readCommand(context, CALLER, COMMAND_ID),
    (error: AppError) => error.code === "command_not_found",
  );
});

test("readCommand() asks nobody about a finished command", async () => {
  const done: CommandRow = { ...open, state: "done", open: false, executed: true, status: 200, body: "{}" };
  const { context, calls } = world(done, null);
  assert.equal(await readCommand(context, CALLER, COMMAND_ID), done);
  assert.equal(calls.length, 0);
});

test("readCommand() stores what the worker knows of an open command and shows it", async () => {
  const { context } = world(open, DONE);
  const shown = await readCommand(context, CALLER, COMMAND_ID);
  assert.deepEqual([shown.state, shown.executed, shown.open, shown.status], ["done", true, false, 200]);
});

test("readCommand() shows an outcome that somebody else stored meanwhile without this worker's evidence", async () => {
  const { context } = world(open, { state: "unknown", evidence: { phase: "stale" } });
  context.db.completeCommand = async () => ({
    ...{ stored: false, state: "done", executed: true, status: 200, body: "{}" },
  });
  const shown = await readCommand(context, CALLER, COMMAND_ID);
  assert.deepEqual([shown.state, shown.evidence], ["done", null]);
});

test("readCommand() shows the ledger's view when the worker says nothing", async () => {
  const { context } = world(open, null);
  assert.deepEqual(await readCommand(context, CALLER, COMMAND_ID), open);
});

test("readCommand() lets the worker bury a command only when its time is over by the database's clock", async () => {
  const late = world(open, null);
  await readCommand(late.context, CALLER, COMMAND_ID);
  assert.equal(late.calls[0]?.startByMs, late.context.clock.monotonicMs());
  const early = world({ ...open, state: "accepted" }, null);
  await readCommand(early.context, CALLER, COMMAND_ID);
  assert.ok((early.calls[0]?.startByMs ?? 0) >= early.context.clock.monotonicMs() + 25_000);
});

test("readCommand() tells the worker an age that clocks running apart cannot make too young", async () => {
  const { context, calls } = world(open, null);
  await readCommand(context, CALLER, COMMAND_ID);
  assert.equal(calls[0]?.submittedAtMs, context.clock.monotonicMs() - 60_000 - CLOCK_TOLERANCE_S * 1000);
});

test("readCommand() never asks a worker that may be the wrong one: it would bury the command there", async () => {
  for (const [worker_id, workerIds] of [
    ["w9", ["w1"]],
    [null, ["w1", "w2"]],
  ] as const) {
    const { context, calls } = world({ ...open, worker_id }, DONE, [...workerIds]);
    assert.equal((await readCommand(context, CALLER, COMMAND_ID)).state, "unknown");
    assert.equal(calls.length, 0);
  }
});

test("readCommand() does not take a refusal for want of room for an outcome", async () => {
  const { context } = world(open, { state: "refused", code: "worker_busy", release: true });
  assert.equal((await readCommand(context, CALLER, COMMAND_ID)).state, "unknown");
});
