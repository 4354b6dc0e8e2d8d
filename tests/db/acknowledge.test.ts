// acknowledge_command: who may say that an unknown outcome is no longer waited for, once, and what that leaves untouched.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
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

const acknowledge = (id: unknown, reason: unknown = "looked at the account", user = alice): Promise<Answer> =>
  session.call("service_role", "acknowledge_command", { p_user_id: user, p_command_id: id, p_reason: reason });
const complete = (id: unknown, state: string): Promise<Answer> =>
  session.call("service_role", "complete_command", { p_user_id: alice, p_command_id: id, ...completion(state) });

async function newUnknown(args: Row = {}): Promise<string> {
  const { command } = await submit(session, alice, args);
  await complete(command.id, "unknown");
  return command.id;
}

async function rowOf(id: string): Promise<Row> {
  const [row] = await session.admin("select * from public.commands where id = $1", [id]);
  assert.ok(row);
  return row;
}

describe("acknowledging", () => {
  before(async () => {
    session = await openSession();
    alice = await session.newUser();
    await connect(session, alice, { set_as_default: true });
  });
  after(() => session.close());

  test("notes when and why, and leaves state and answer as they are", async () => {
    const id = await newUnknown();
    const before = await rowOf(id);
    const answer = await acknowledge(id, "  looked at the account ");
    assert.deepEqual([answer.id, answer.state, answer.open, answer.executed], [id, "unknown", true, null]);
    assert.equal(answer.acknowledged.reason, "looked at the account");
    assert.match(answer.acknowledged.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(answer.body, before.body);
    const { acknowledged_at, acknowledge_reason, updated_at, ...kept } = await rowOf(id);
    const { acknowledged_at: _at, acknowledge_reason: _reason, updated_at: _updated, ...was } = before;
    assert.deepEqual(kept, was);
    const { data } = await session.call({ user: alice }, "list_commands", { p_limit: 1 });
    assert.deepEqual(data[0].acknowledged, answer.acknowledged);
  });

  test("the first of two counts, also when both come at once", async () => {
    const id = await newUnknown();
    const first = await acknowledge(id, "first");
    assert.deepEqual(await acknowledge(id, "second"), first);
    const other = await newUnknown();
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => acknowledge(other, `reason ${i}`)));
    assert.equal(new Set(answers.map((answer) => answer.acknowledged.reason)).size, 1);
  });

  test("the same key answers the same as before: nothing new is made", async () => {
    const p_key = randomUUID();
    const id = await newUnknown({ p_key });
    await acknowledge(id);
    const { created, command } = await session.call("service_role", "submit_command", submission(alice, { p_key }));
    assert.deepEqual([created, command.id, command.raw_state, command.status], [false, id, "unknown", 202]);
  });

  test("a proof still ends an acknowledged command, which stays acknowledged", async () => {
    for (const state of ["done", "rejected", "not_executed"]) {
      const id = await newUnknown();
      const { acknowledged } = await acknowledge(id);
      assert.equal((await complete(id, state)).stored, true);
      const after = await acknowledge(id, "again");
      assert.deepEqual([after.state, after.acknowledged], [state, acknowledged]);
    }
  });

  test("a command that has ended is shown and not acknowledged; one that was merely accepted is under way", async () => {
    for (const state of ["done", "rejected", "refused", "expired", "cancelled"]) {
      const { command } = await submit(session, alice);
      await complete(command.id, state);
      const shown = await acknowledge(command.id);
      assert.deepEqual([shown.state, shown.acknowledged], [state, null]);
    }
    const { command } = await submit(session, alice);
    await refuses(acknowledge(command.id), "PT409", "command_under_way");
    assert.equal((await rowOf(command.id)).acknowledged_at, null);
  });

  test("an absent command and another user's are not found alike", async () => {
    const id = await newUnknown();
    const bob = await session.newUser();
    await refuses(acknowledge(id, "mine", bob), "PT404", "command_not_found");
    await refuses(acknowledge(randomUUID()), "PT404", "command_not_found");
    assert.equal((await rowOf(id)).acknowledged_at, null);
  });

  test("a reason has 1 to 500 characters", async () => {
    const id = await newUnknown();
    for (const reason of [null, "", "   ", "r".repeat(501)]) {
      await refuses(acknowledge(id, reason), "PT422", "invalid_request");
    }
    assert.equal((await acknowledge(id, "ä".repeat(500))).acknowledged.reason.length, 500);
  });

  test("even `postgres` cannot acknowledge what is not unknown, or change an acknowledgement", async () => {
    const set = (id: string, change: string): Promise<unknown> =>
      session.admin(`update public.commands set ${change} where id = $1`, [id]);
    const now = "acknowledged_at = now(), acknowledge_reason = 'x'";
    const { command } = await submit(session, alice);
    await refuses(set(command.id, now), "23001", "command_acknowledgement_is_immutable");
    await refuses(set(command.id, `${now}, state = 'unknown'`), "23001", "command_acknowledgement_is_immutable");
    await refuses(
      session.admin(
        `insert into public.commands (user_id, login, server, kind, idempotency_key, fingerprint, request, timeout_ms,
           deadline, acknowledged_at, acknowledge_reason)
         values ($1, '1', 's', 'trade', 'k', 'f', '{}', 500, now(), now(), 'x')`,
        [alice],
      ),
      "23514",
    );
    await complete(command.id, "done");
    await refuses(set(command.id, now), "23001", "command_acknowledgement_is_immutable");
    const id = await newUnknown();
    await refuses(set(id, "acknowledged_at = now()"), "23514");
    await refuses(set(id, "acknowledge_reason = 'x'"), "23514");
    await refuses(
      set(id, `${now}, state = 'done', executed = true, status = 200, body = '', completed_at = now()`),
      "23001",
      "command_acknowledgement_is_immutable",
    );
    await acknowledge(id);
    for (const change of [now, "acknowledged_at = null, acknowledge_reason = null", "acknowledge_reason = 'x'"]) {
      await refuses(set(id, change), "23001", "command_acknowledgement_is_immutable");
    }
  });
});
