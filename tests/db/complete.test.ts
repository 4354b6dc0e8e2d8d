// complete_command and the life of a command: every allowed transition stores, every forbidden one stores nothing and
// returns what is stored, and of several writers exactly one wins.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import {
  type Answer,
  completion,
  connect,
  eventually,
  openSession,
  type Row,
  refuses,
  type Session,
  submit,
} from "./session.ts";

const STATES = ["accepted", "refused", "expired", "cancelled", "done", "rejected", "unknown", "not_executed"];
/** Section "a command's life" of docs/architecture.md, written down a second time. */
const ALLOWED: Record<string, string[]> = {
  accepted: ["refused", "expired", "cancelled", "done", "rejected", "unknown"],
  unknown: ["done", "rejected", "not_executed"],
};
/** How a command gets into each state. */
const WAY: Record<string, string[]> = {
  accepted: [],
  unknown: ["unknown"],
  not_executed: ["unknown", "not_executed"],
  ...Object.fromEntries(["refused", "expired", "cancelled", "done", "rejected"].map((state) => [state, [state]])),
};

let session: Session;
let alice: string;

const complete = (id: unknown, state: string, more: Row = {}, user = alice): Promise<Answer> =>
  session.call("service_role", "complete_command", { p_user_id: user, p_command_id: id, ...completion(state, more) });

async function newCommand(state = "accepted"): Promise<string> {
  const { command } = await submit(session, alice);
  for (const step of WAY[state] ?? []) assert.equal((await complete(command.id, step)).stored, true);
  return command.id;
}

async function rowOf(id: string): Promise<Row> {
  const [row] = await session.admin("select * from public.commands where id = $1", [id]);
  assert.ok(row);
  return row;
}

describe("completing", () => {
  before(async () => {
    session = await openSession();
    alice = await session.newUser();
    await connect(session, alice, { set_as_default: true });
  });
  after(() => session.close());

  for (const from of STATES) {
    for (const to of STATES) {
      const allowed = ALLOWED[from]?.includes(to) ?? false;
      test(`${from} → ${to} is ${allowed ? "stored" : "not stored, and the stored answer returned"}`, async () => {
        const id = await newCommand(from);
        const before = await rowOf(id);
        const more = { p_body: `second answer, ${to}`, p_evidence: { second: true } };
        const answer = await complete(id, to, more);
        const kept = allowed ? completion(to, more) : before;
        assert.deepEqual(answer, {
          stored: allowed,
          state: allowed ? to : from,
          executed: allowed ? kept.p_executed : kept.executed,
          status: allowed ? kept.p_status : kept.status,
          body: allowed ? "second answer, ".concat(to) : kept.body,
        });
        const after = await rowOf(id);
        if (!allowed) assert.deepEqual(after, before);
        else assert.equal(after.completed_at !== null, to !== "unknown");
      });
    }
  }

  test("even `postgres` cannot make a forbidden transition, rewrite an answer, or alter what was asked", async () => {
    const done = await newCommand("done");
    const accepted = await newCommand();
    const set = (id: string, change: string): Promise<unknown> =>
      session.admin(`update public.commands set ${change} where id = $1`, [id]);
    await refuses(set(done, "state = 'accepted', executed = null"), "23001", "command_transition_forbidden");
    await refuses(set(done, "state = 'unknown', executed = null"), "23001", "command_transition_forbidden");
    await refuses(set(done, "body = 'other'"), "23001", "command_answer_is_immutable");
    await refuses(set(accepted, "evidence = '{}'"), "23001", "command_answer_is_immutable");
    const asked = [
      "tag = tag + 1",
      "request = '{}'",
      "kind = 'x'",
      "login = '1'",
      "server = 'x'",
      "user_id = gen_random_uuid()",
    ];
    const kept = [
      "idempotency_key = 'x'",
      "fingerprint = 'x'",
      "deadline = now()",
      "timeout_ms = 501",
      "created_at = now()",
    ];
    for (const change of [...asked, ...kept]) await refuses(set(accepted, change), "23001", "command_is_immutable");
    await set(accepted, "attached = true");
    await refuses(set(accepted, "attached = false"), "23001", "command_is_immutable");
  });

  test("the table's own checks refuse a state that contradicts `executed`, a final one without answer, a tag out of range", async () => {
    const insert = (columns: string, values: string): Promise<unknown> =>
      session.admin(
        `insert into public.commands (user_id, login, server, kind, idempotency_key, fingerprint, request, timeout_ms, deadline, ${columns})
         values (gen_random_uuid(), '1', 's', 'trade', 'k', 'f', '{}', 500, now(), ${values})`,
      );
    await refuses(insert("state, executed, status, body, completed_at", "'done', false, 200, '', now()"), "23514");
    await refuses(insert("state, executed, status, body, completed_at", "'rejected', null, 422, '', now()"), "23514");
    await refuses(insert("state, executed, status, body, completed_at", "'done', true, 200, null, now()"), "23514");
    await refuses(insert("state", "'sent'"), "23514");
    await refuses(insert("tag", String(2n ** 40n - 1n)), "23514");
    await refuses(insert("tag", String(2n ** 52n)), "23514");
    await insert("tag", String(2n ** 40n));
    await insert("tag", String(2n ** 52n - 1n));
  });

  test("`executed` must agree with the state, and a final state needs status and body", async () => {
    const id = await newCommand();
    for (const state of STATES) {
      const right = completion(state).p_executed;
      for (const wrong of [true, false, null].filter((value) => value !== right)) {
        await refuses(complete(id, state, { p_executed: wrong }), "PT422", "invalid_request");
      }
    }
    for (const more of [
      { p_status: null },
      { p_body: null },
      { p_status: 99 },
      { p_status: 600 },
      { p_state: "sent" },
      { p_state: null },
    ]) {
      await refuses(complete(id, "done", more), "PT422", "invalid_request");
    }
    assert.equal((await rowOf(id)).state, "accepted");
    await complete(id, "unknown", { p_status: null, p_body: null });
  });

  test("an absent command and another user's are not found alike", async () => {
    const id = await newCommand();
    const bob = await session.newUser();
    await refuses(complete(id, "done", {}, bob), "PT404", "command_not_found");
    await refuses(complete(randomUUID(), "done"), "PT404", "command_not_found");
    assert.equal((await rowOf(id)).state, "accepted");
  });

  test("evidence seen while unknown stays when a proof brings none", async () => {
    const id = await newCommand("unknown");
    await complete(id, "not_executed", { p_evidence: null });
    assert.deepEqual((await rowOf(id)).evidence, { source: "unknown" });
  });

  test("a worker says nothing of what another one was given, whatever state it is in", async () => {
    for (const state of ["accepted", "unknown", "done"]) {
      const id = await newCommand(state);
      await refuses(complete(id, "rejected", { p_worker_id: "worker-2" }), "PT401", "invalid_result");
      const { state: still, worker_id } = await rowOf(id);
      assert.deepEqual([still, worker_id], [state, "worker-1"]);
    }
  });

  test("a command from before workers had names belongs to the first one that answers", async () => {
    const bob = await session.newUser();
    const account = await connect(session, bob, { set_as_default: true });
    await session.admin("update public.mt5_accounts set worker_id = null where id = $1", [account.id]);
    const { id } = (await submit(session, bob)).command;
    await complete(id, "unknown", { p_worker_id: "worker-2" }, bob);
    assert.equal((await rowOf(id)).worker_id, "worker-2");
    await refuses(complete(id, "done", {}, bob), "PT401", "invalid_result");
  });

  test("a stale writer's `unknown` that waited while `done` was stored changes nothing, and hears of `done`", async () => {
    const id = await newCommand();
    const outbox = await session.begin("service_role");
    const isolate = await session.begin("service_role");
    const args = (state: string): Row => ({ p_user_id: alice, p_command_id: id, ...completion(state) });
    assert.equal((await outbox.call("complete_command", args("done"))).stored, true);
    const late = isolate.call("complete_command", args("unknown"));
    await eventually(isolate.isWaiting);
    await outbox.commit();
    const { stored, state, body } = await late;
    await isolate.commit();
    assert.deepEqual([stored, state, body], [false, "done", '{"state": "done"}']);
    assert.deepEqual([(await rowOf(id)).state, (await rowOf(id)).evidence], ["done", { source: "done" }]);
  });

  test("a user who is deleted leaves the ledger behind: the outcome of an unknown command is still stored", async () => {
    const carol = await session.newUser();
    await connect(session, carol, { set_as_default: true });
    const { command } = await submit(session, carol);
    await complete(command.id, "unknown", {}, carol);
    await session.deleteUser(carol);
    const orphan = await rowOf(command.id);
    assert.deepEqual([orphan.state, orphan.user_id, orphan.account_id], ["unknown", carol, null]);
    assert.match(String(orphan.login), /^\d+$/);
    assert.equal((await complete(command.id, "done", {}, carol)).stored, true);
    assert.equal((await rowOf(command.id)).state, "done");
  });

  test("of many writers at once one stores, and all return its answer", async () => {
    const id = await newCommand();
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) => complete(id, i % 2 ? "done" : "rejected", { p_body: `answer ${i}` })),
    );
    const winners = answers.filter((answer) => answer.stored);
    assert.equal(winners.length, 1);
    for (const answer of answers) assert.equal(answer.body, winners[0]?.body);
  });

  test("a writer that waits for another sees what that one stored", async () => {
    const id = await newCommand();
    const one = await session.begin("service_role");
    const two = await session.begin("service_role");
    const args = (state: string): Row => ({ p_user_id: alice, p_command_id: id, ...completion(state) });
    assert.equal((await one.call("complete_command", args("unknown"))).stored, true);
    const waiting = two.call("complete_command", args("refused"));
    await eventually(two.isWaiting);
    await one.commit();
    assert.deepEqual(await waiting, {
      stored: false,
      state: "unknown",
      executed: null,
      status: 202,
      body: '{"state": "unknown"}',
    });
    await two.commit();
  });
});
