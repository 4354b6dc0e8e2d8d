// Reading the ledger: one's own commands only, newest first in stable pages, and what a late command is shown as.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { CommandPage } from "../../supabase/functions/api/db/mod.ts";
import {
  type Answer,
  completion,
  connect,
  openSession,
  type Row,
  refuses,
  type Session,
  submission,
  submit,
} from "./session.ts";

let session: Session;
let alice: string;
let account: Answer;

async function newTrader(): Promise<void> {
  alice = await session.newUser();
  account = await connect(session, alice, { set_as_default: true });
}
const get = (user: string, id: unknown): Promise<Answer> => session.call({ user }, "get_command", { p_command_id: id });
const list = (user: string, args: Row = {}): Promise<Answer> => session.call({ user }, "list_commands", args);
const idsOf = (page: Answer): string[] => page.data.map((command: Answer) => command.id);

/** Puts a command that was accepted some time ago straight into the ledger. */
async function plant(deadline: string, state = "accepted"): Promise<string> {
  const [row] = await session.admin(
    `insert into public.commands (user_id, account_id, login, server, kind, idempotency_key, fingerprint, request, timeout_ms, deadline, state)
     values ($1, $2, $3, 'Demo-Server', 'trade', $4, 'f', '{}', 10000, clock_timestamp() + $5::interval, $6) returning id`,
    [alice, account.id, account.login, randomUUID(), deadline, state],
  );
  return row?.id as string;
}

describe("reading commands", () => {
  before(async () => {
    session = await openSession();
  });
  after(() => session.close());

  test("a command on a login or server that no call can carry is read like any other", async () => {
    await newTrader();
    await session.admin(
      `insert into public.commands (user_id, login, server, kind, idempotency_key, fingerprint, request, timeout_ms, deadline)
       values ($1, '007', '203.0.113.7:443', 'trade', 'k', 'f', '{}', 500, now())`,
      [alice],
    );
    const { data } = CommandPage.parse(await list(alice));
    assert.deepEqual(data[0]?.account, { id: null, login: "007", server: "203.0.113.7:443" });
  });

  test("get_command() gives the request back as sent, and later the answer", async () => {
    await newTrader();
    const { command } = await submit(session, alice);
    const open = await get(alice, command.id);
    assert.deepEqual(Object.keys(open).sort(), [
      ...["account", "acknowledged", "body", "completed_at", "created_at", "deadline", "evidence", "executed", "id"],
      ...["kind", "open"],
      ...["parent_id", "request", "state", "status", "worker_id"],
    ]);
    assert.deepEqual(open.request, submission(alice).p_request);
    assert.deepEqual(open.account, { id: account.id, login: account.login, server: "Demo-Server" });
    assert.deepEqual([open.state, open.open, open.executed, open.completed_at], ["accepted", true, null, null]);
    const answer = { p_user_id: alice, p_command_id: command.id, ...completion("done") };
    await session.call("service_role", "complete_command", answer);
    const done = await get(alice, command.id);
    assert.deepEqual([done.state, done.open, done.executed, done.status], ["done", false, true, 200]);
    assert.equal(done.body, '{"state": "done"}');
    assert.deepEqual(done.evidence, { source: "done" });
    assert.match(done.completed_at, /Z$/);
  });

  test("get_command() of a group lists its children with their answers", async () => {
    await newTrader();
    const { parent, children } = await session.call("service_role", "submit_commands", {
      ...submission(alice, { p_kind: "close_all" }),
      p_children: [
        { kind: "close_position", request: { ticket: "1" } },
        { kind: "close_position", request: { ticket: "2" } },
      ],
    });
    const answer = { p_user_id: alice, p_command_id: children[1].id, ...completion("done") };
    await session.call("service_role", "complete_command", answer);
    const group = await get(alice, parent.id);
    assert.deepEqual(
      group.children.map((child: Answer) => [child.id, child.parent_id, child.state, child.body]),
      [
        [children[0].id, parent.id, "accepted", null],
        [children[1].id, parent.id, "done", '{"state": "done"}'],
      ],
    );
  });

  test("get_command() answers null for a foreign command as for an absent one", async () => {
    await newTrader();
    const { command } = await submit(session, alice);
    const bob = await session.newUser();
    assert.equal(await get(bob, command.id), null);
    assert.equal(await get(bob, randomUUID()), null);
    assert.deepEqual(await list(bob), { data: [], next_cursor: null });
    assert.deepEqual(await list(bob, { p_account_id: account.id }), { data: [], next_cursor: null });
  });

  test("an accepted command is shown as unknown from five seconds past its deadline on, and only shown", async () => {
    await newTrader();
    const before = await plant("-4 seconds");
    const past = await plant("-6 seconds");
    assert.equal((await get(alice, before)).state, "accepted");
    const shown = await get(alice, past);
    assert.deepEqual([shown.state, shown.open, shown.executed], ["unknown", true, null]);
    assert.deepEqual(idsOf(await list(alice, { p_state: "accepted" })), [before]);
    assert.deepEqual(idsOf(await list(alice, { p_state: "unknown" })), [past]);
    const stored = await session.call("service_role", "complete_command", {
      ...{ p_user_id: alice, p_command_id: past },
      ...completion("expired"),
    });
    assert.equal(stored.stored, true);
  });

  test("list_commands() pages newest first, without bodies, each command once", async () => {
    await newTrader();
    const created: string[] = [];
    for (let i = 0; i < 7; i++) created.unshift((await submit(session, alice)).command.id);
    const first = await list(alice, { p_limit: 3 });
    assert.equal("body" in first.data[0], false);
    // A command that arrives between two pages does not shift the second.
    await submit(session, alice);
    const second = await list(alice, { p_limit: 3, p_cursor: first.next_cursor });
    const third = await list(alice, { p_limit: 3, p_cursor: second.next_cursor });
    assert.deepEqual([...idsOf(first), ...idsOf(second), ...idsOf(third)], created);
    assert.equal(third.next_cursor, null);
  });

  test("a last page that is exactly full has no next cursor", async () => {
    await newTrader();
    for (let i = 0; i < 2; i++) await submit(session, alice);
    assert.equal((await list(alice, { p_limit: 2 })).next_cursor, null);
  });

  test("list_commands() filters by account and clamps the limit to 1..200", async () => {
    await newTrader();
    const other = await connect(session, alice);
    const { command } = await submit(session, alice, { p_account_id: other.id });
    await submit(session, alice);
    assert.deepEqual(idsOf(await list(alice, { p_account_id: other.id })), [command.id]);
    assert.equal((await list(alice, { p_limit: 0 })).data.length, 1);
    await session.call("service_role", "submit_commands", {
      ...submission(alice),
      p_children: Array(205).fill({ kind: "close_position", request: {} }),
    });
    assert.equal((await list(alice, { p_limit: 1000 })).data.length, 200);
    assert.equal((await list(alice)).data.length, 50);
  });

  test("a cursor that is none of ours and a state that does not exist are refused", async () => {
    await newTrader();
    for (const p_cursor of ["", "1", "' or true --", randomUUID().toUpperCase()]) {
      await refuses(list(alice, { p_cursor }), "PT422", "invalid_request");
    }
    await refuses(list(alice, { p_state: "sent" }), "PT422", "invalid_request");
  });
});
