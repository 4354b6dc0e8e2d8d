// Cancelling: only the worker can say that a command has not started, and what it says is what is answered.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../_shared/errors/mod.ts";
import type { QuestionReply, WorkerCall } from "../bridge/mod.ts";
import type { CommandRow } from "../db/mod.ts";
import { ACCOUNT, CALLER, COMMAND_ID, makeContext, USER_ID } from "../testing/context.ts";
import { cancelCommand } from "./cancel-command.ts";

const OPEN: CommandRow = {
  id: COMMAND_ID,
  kind: "trade",
  state: "accepted",
  executed: null,
  account: ACCOUNT,
  request: {},
  status: null,
  body: null,
  evidence: null,
  acknowledged: null,
  worker_id: "w1",
  created_at: "2026-11-22T11:59:59.000Z",
  deadline: "2026-11-22T12:00:09.000Z",
  completed_at: null,
  open: true,
};

function outcome(): QuestionReply {
  const command = { state: "cancelled", code: "command_cancelled" } as const;
  return { type: "outcome", claims: { iss: "w1", jti: COMMAND_ID, sub: USER_ID, iat: 1, kind: "trade", command } };
}

function contextWith(row: CommandRow | null, reply?: QuestionReply) {
  const calls: WorkerCall[] = [];
  const stored: string[] = [];
  const context = makeContext({
    db: {
      getCommand: async () => row,
      completeCommand: async ({ state, executed, status, body }) => {
        stored.push(state);
        return { stored: true, state, executed, status, body };
      },
    },
    bridge: {
      cancelCommand: async (call: WorkerCall) => {
        calls.push(call);
        assert.ok(reply, "nobody is to be asked");
        return reply;
      },
    },
  });
  return { context, calls, stored };
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
  return "none";
};

test("cancelCommand() stores what the worker wrote down, and shows it", async () => {
  const { context, calls, stored } = contextWith(OPEN, outcome());
  const row = await cancelCommand(context, CALLER, COMMAND_ID);
  assert.deepEqual([row.state, row.executed, row.open, stored], ["cancelled", false, false, ["cancelled"]]);
  assert.deepEqual([calls[0]?.kind, calls[0]?.body], ["cancel", JSON.stringify({ command_id: COMMAND_ID })]);
});

test("cancelCommand() shows a command that has ended as it is, and asks nobody", async () => {
  const done: CommandRow = { ...OPEN, state: "done", executed: true, open: false };
  assert.equal((await cancelCommand(contextWith(done).context, CALLER, COMMAND_ID)).state, "done");
});

test("cancelCommand() says when it came too late, and stores nothing", async () => {
  const { context, stored } = contextWith(OPEN, { type: "under_way" });
  assert.equal(await codeOf(cancelCommand(context, CALLER, COMMAND_ID)), "command_started");
  assert.deepEqual(stored, []);
});

test("cancelCommand() does not take silence for a cancellation", async () => {
  const { context, stored } = contextWith(OPEN, { type: "silent" });
  assert.equal(await codeOf(cancelCommand(context, CALLER, COMMAND_ID)), "worker_silent");
  assert.deepEqual(stored, []);
});

test("cancelCommand() asks no worker that may be the wrong one, and knows only the caller's commands", async () => {
  const elsewhere = contextWith({ ...OPEN, worker_id: "w9" });
  assert.equal(await codeOf(cancelCommand(elsewhere.context, CALLER, COMMAND_ID)), "worker_silent");
  assert.equal(await codeOf(cancelCommand(contextWith(null).context, CALLER, COMMAND_ID)), "command_not_found");
});
