// submit_command and submit_commands: one row per key however often and however concurrently it is asked for, the key
// before the account, and withdrawal only of what nobody else holds.
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
  SEALED,
  type Session,
  submission,
  submit,
} from "./session.ts";

let session: Session;
let alice: string;
let account: Answer;

async function newTrader(): Promise<void> {
  alice = await session.newUser();
  account = await connect(session, alice, { set_as_default: true, risk_limits: { max_open_positions: 3 } });
}

const withdraw = (user: string, id: unknown): Promise<Answer> =>
  session.call("service_role", "withdraw_command", { p_user_id: user, p_command_id: id });
const complete = (user: string, id: unknown, state: string): Promise<Answer> =>
  session.call("service_role", "complete_command", { p_user_id: user, p_command_id: id, ...completion(state) });
const submitGroup = (user: string, args: Row = {}): Promise<Answer> =>
  session.call("service_role", "submit_commands", {
    ...submission(user, { p_kind: "close_all" }),
    p_children: [
      { kind: "close_position", request: { ticket: "11" } },
      { kind: "close_position", request: { ticket: "12" } },
      { kind: "cancel_order", request: { ticket: "13" } },
    ],
    ...args,
  });

describe("submitting", () => {
  before(async () => {
    session = await openSession();
  });
  after(() => session.close());

  test("a new command comes back accepted, with tag, deadline, account, sealed credential and limits", async () => {
    await newTrader();
    const answer = await submit(session, alice, { p_key: "key-1" });
    assert.equal(answer.created, true);
    assert.deepEqual(answer.account, {
      id: account.id,
      login: account.login,
      server: "Demo-Server",
      account_name: account.account_name,
      encrypted_password: SEALED,
      risk_limits: { max_open_positions: 3 },
      pass_magic: false,
      worker_id: "worker-1",
    });
    const command = answer.command;
    assert.deepEqual(
      [command.kind, command.state, command.raw_state, command.executed, command.status, command.body, command.key],
      ["trade", "accepted", "accepted", null, null, null, "key-1"],
    );
    assert.equal(command.fingerprint_matches, true);
    assert.match(command.tag, /^\d+$/);
    assert.equal(Date.parse(command.deadline) - Date.parse(command.created_at), 10_000);
    assert.ok(answer.remaining_ms > 5_000 && answer.remaining_ms <= 10_000, String(answer.remaining_ms));
    assert.ok(answer.submitted_ago_ms >= 0 && answer.submitted_ago_ms < 5_000);
  });

  test("the same key and fingerprint give the same command; another fingerprint, kind of call or body is refused", async () => {
    await newTrader();
    const first = await submit(session, alice, { p_key: "k" });
    const again = await submit(session, alice, { p_key: "k", p_timeout_ms: 500 });
    assert.equal(again.created, false);
    assert.equal(again.command.id, first.command.id);
    assert.equal(again.command.tag, first.command.tag);
    assert.equal(again.command.deadline, first.command.deadline);
    assert.equal(again.account.encrypted_password, SEALED);
    await refuses(submit(session, alice, { p_key: "k", p_fingerprint: "other" }), "PT422", "idempotency_key_reused");
    await refuses(submitGroup(alice, { p_key: "k" }), "PT422", "idempotency_key_reused");
    const bob = await session.newUser();
    await connect(session, bob, { set_as_default: true });
    assert.equal((await submit(session, bob, { p_key: "k" })).created, true);
  });

  test("a settled command comes back with its answer byte for byte, and without the credential", async () => {
    await newTrader();
    const { command } = await submit(session, alice, { p_key: "k" });
    const body = '{ "b":1,\n"a" : 1.10, "ü": "\\u0041" }';
    await session.call("service_role", "complete_command", {
      ...{ p_user_id: alice, p_command_id: command.id },
      ...completion("done", { p_body: body }),
    });
    const again = await submit(session, alice, { p_key: "k" });
    assert.deepEqual([again.command.state, again.command.executed, again.command.status], ["done", true, 200]);
    assert.equal(again.command.body, body);
    assert.equal(again.account.encrypted_password, null);
    assert.deepEqual([again.account.id, again.account.login], [account.id, account.login]);
  });

  test("the key is looked up before the account: a removed account does not hide the stored answer", async () => {
    await newTrader();
    const { command } = await submit(session, alice, { p_key: "k", p_account_id: account.id });
    await complete(alice, command.id, "rejected");
    await session.call({ user: alice }, "remove_account", { p_account_id: account.id });
    const again = await submit(session, alice, { p_key: "k", p_account_id: account.id });
    assert.equal(again.command.state, "rejected");
    assert.deepEqual([again.account.id, again.account.login], [null, account.login]);
  });

  test("an open command of a removed account comes back without a credential", async () => {
    await newTrader();
    await submit(session, alice, { p_key: "k" });
    await session.call({ user: alice }, "remove_account", { p_account_id: account.id, p_abandon: true });
    const again = await submit(session, alice, { p_key: "k" });
    assert.equal(again.command.raw_state, "accepted");
    assert.equal(again.account.encrypted_password, null);
  });

  test("no account, a foreign one, an absent one and an inactive one are refused and leave no row", async () => {
    await newTrader();
    const bob = await session.newUser();
    await refuses(submit(session, bob), "PT404", "no_account_connected");
    await refuses(submit(session, bob, { p_account_id: account.id }), "PT404", "account_not_found");
    await refuses(submit(session, bob, { p_account_id: randomUUID() }), "PT404", "account_not_found");
    await session.as({ user: alice }, "update public.mt5_accounts set is_active = false where id = $1", [account.id]);
    await refuses(submit(session, alice, { p_account_id: account.id }), "PT409", "account_inactive");
    await refuses(submit(session, alice), "PT404", "no_account_connected");
    assert.deepEqual(await session.admin("select from public.commands where user_id in ($1, $2)", [alice, bob]), []);
  });

  test("limits: a timeout of 500 to 25000 ms, a key of 1 to 255 characters, a request without a password", async () => {
    await newTrader();
    for (const p_timeout_ms of [500, 25_000]) await submit(session, alice, { p_timeout_ms });
    for (const p_timeout_ms of [499, 25_001, null]) {
      await refuses(submit(session, alice, { p_timeout_ms }), "PT422", "invalid_request");
    }
    await submit(session, alice, { p_key: "k".repeat(255) });
    await refuses(submit(session, alice, { p_key: "k".repeat(256) }), "PT422", "invalid_request");
    await refuses(submit(session, alice, { p_key: "" }), "PT422", "invalid_request");
    await refuses(submit(session, alice, { p_request: { a: { password: "x" } } }), "PT422", "invalid_request");
    const filler = (length: number): Row => ({ p_request: { a: "x".repeat(length) } });
    const room = 65_536 - JSON.stringify({ a: "" }).length - 1; // Postgres writes one blank after the colon
    await submit(session, alice, filler(room));
    await refuses(submit(session, alice, filler(room + 1)), "PT422", "invalid_request");
  });

  test("32 calls at once with one key: one row, created once, the same answer for all", async () => {
    await newTrader();
    const answers = await Promise.all(Array.from({ length: 32 }, () => submit(session, alice, { p_key: "k" })));
    assert.equal(answers.filter((answer) => answer.created).length, 1);
    assert.equal(new Set(answers.map((answer) => answer.command.id)).size, 1);
    assert.equal((await session.admin("select from public.commands where user_id = $1", [alice])).length, 1);
  });

  test("a call with a key that another transaction is inserting waits for it, whether that commits or fails", async () => {
    for (const outcome of ["commit", "rollback"]) {
      await newTrader();
      const one = await session.begin("service_role");
      const two = await session.begin("service_role");
      const created = (await one.call("submit_command", submission(alice, { p_key: "k" }))).command.id;
      const waiting = two.call("submit_command", submission(alice, { p_key: "k" }));
      await eventually(two.isWaiting);
      if (outcome === "rollback") await one.query("rollback");
      await one.commit();
      const answer = await waiting;
      await two.commit();
      assert.equal(answer.created, outcome === "rollback");
      assert.equal(answer.command.id === created, outcome === "commit");
    }
  });

  test("tags are 52-bit, at least 2^40, all different; ids sort by creation", async () => {
    await newTrader();
    const rows = await session.admin(
      "select switchyard.new_tag() as tag, switchyard.uuid_v7() as id from generate_series(1, 3000)",
    );
    const tags = rows.map((row) => BigInt(row.tag as string));
    assert.ok(tags.every((tag) => tag >= 2n ** 40n && tag < 2n ** 52n));
    assert.equal(new Set(tags).size, tags.length);
    // Every one of the 52 bits is drawn: none is the same in 3000 tags.
    assert.equal(
      tags.reduce((all, tag) => all | tag, 0n),
      2n ** 52n - 1n,
    );
    assert.equal(
      tags.reduce((all, tag) => all & tag, 2n ** 52n - 1n),
      0n,
    );
    const ids = rows.map((row) => row.id as string);
    assert.match(ids[0] ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.ok(Math.abs(Number.parseInt((ids[0] ?? "").replaceAll("-", "").slice(0, 12), 16) - Date.now()) < 60_000);
    const one = (await session.admin("select switchyard.uuid_v7() as id"))[0]?.id as string;
    assert.ok(one > (ids[0] ?? ""));
  });

  test("a tag that is taken is drawn again", async () => {
    await newTrader();
    const { command } = await submit(session, alice);
    await session.admin(`create sequence public.draws; grant usage on sequence public.draws to switchyard_owner;
      alter table public.commands alter column tag
        set default case when nextval('public.draws') = 1 then ${command.tag}::bigint else switchyard.new_tag() end`);
    try {
      const next = await submit(session, alice);
      assert.equal(next.created, true);
      assert.notEqual(next.command.tag, command.tag);
    } finally {
      await session.admin(`alter table public.commands alter column tag set default switchyard.new_tag();
        drop sequence public.draws`);
    }
  });

  test("remove_account() waits for a submit that is under way, and then sees its command", async () => {
    await newTrader();
    const submitting = await session.begin("service_role");
    const removing = await session.begin({ user: alice });
    await submitting.call("submit_command", submission(alice));
    const removed = refuses(removing.call("remove_account", { p_account_id: account.id }), "PT409", "account_busy");
    await eventually(removing.isWaiting);
    await submitting.commit();
    await removed;
    await removing.commit();
  });

  test("a submit that meets a removal under way waits, and then finds no account", async () => {
    await newTrader();
    const submitting = await session.begin("service_role");
    const removing = await session.begin({ user: alice });
    await removing.call("remove_account", { p_account_id: account.id });
    const refused = refuses(
      submitting.call("submit_command", submission(alice, { p_account_id: account.id })),
      ...(["PT404", "account_not_found"] as const),
    );
    await eventually(submitting.isWaiting);
    await removing.commit();
    await refused;
    await submitting.commit();
  });

  test("a submit that meets a deactivation under way waits, and then finds the account inactive or none selected", async () => {
    for (const [named, code, message] of [
      [true, "PT409", "account_inactive"],
      [false, "PT404", "no_account_connected"],
    ] as const) {
      await newTrader();
      const submitting = await session.begin("service_role");
      const deactivating = await session.begin({ user: alice });
      await deactivating.query("update public.mt5_accounts set is_active = false where id = $1", [account.id]);
      const args = named ? { p_account_id: account.id } : {};
      const refused = refuses(submitting.call("submit_command", submission(alice, args)), code, message);
      await eventually(submitting.isWaiting);
      await deactivating.commit();
      await refused;
      await submitting.commit();
    }
  });
});

describe("groups and withdrawal", () => {
  before(async () => {
    session = await openSession();
  });
  after(() => session.close());

  test("a group is one parent with the key and one child per element, in order, each with its own tag", async () => {
    await newTrader();
    const answer = await submitGroup(alice, { p_key: "k" });
    assert.equal(answer.created, true);
    assert.equal(answer.parent.key, "k");
    assert.equal(answer.account.encrypted_password, SEALED);
    assert.deepEqual(
      answer.children.map((child: Answer) => [child.kind, child.request, child.key, child.state]),
      [
        ["close_position", { ticket: "11" }, null, "accepted"],
        ["close_position", { ticket: "12" }, null, "accepted"],
        ["cancel_order", { ticket: "13" }, null, "accepted"],
      ],
    );
    assert.equal(new Set([answer.parent, ...answer.children].map((command) => command.tag)).size, 4);
    const again = await submitGroup(alice, { p_key: "k" });
    assert.equal(again.created, false);
    assert.deepEqual(
      again.children.map((child: Answer) => child.id),
      answer.children.map((child: Answer) => child.id),
    );
    assert.equal((await session.admin("select from public.commands where user_id = $1", [alice])).length, 4);
  });

  test("a group may be empty, and refuses children that are no {kind, request} or more than 1000", async () => {
    await newTrader();
    assert.deepEqual((await submitGroup(alice, { p_children: [] })).children, []);
    const child = { kind: "close_position", request: {} };
    for (const p_children of [null, {}, [{ kind: "x" }], [{ request: {} }], [1], Array(1001).fill(child)]) {
      await refuses(submitGroup(alice, { p_children }), "PT422", "invalid_request");
    }
    assert.equal((await submitGroup(alice, { p_children: Array(1000).fill(child) })).children.length, 1000);
  });

  test("withdraw_command() deletes an accepted command, which releases the key", async () => {
    await newTrader();
    const { command } = await submit(session, alice, { p_key: "k" });
    assert.deepEqual(await withdraw(alice, command.id), { withdrawn: true });
    assert.deepEqual(await withdraw(alice, command.id), { withdrawn: false });
    const next = await submit(session, alice, { p_key: "k", p_fingerprint: "other" });
    assert.equal(next.created, true);
    assert.notEqual(next.command.id, command.id);
  });

  test("withdraw_command() leaves what is settled, unknown, or another user's", async () => {
    await newTrader();
    for (const state of ["unknown", "done", "refused"]) {
      const { command } = await submit(session, alice);
      await complete(alice, command.id, state);
      assert.deepEqual(await withdraw(alice, command.id), { withdrawn: false });
    }
    const { command } = await submit(session, alice);
    assert.deepEqual(await withdraw(await session.newUser(), command.id), { withdrawn: false });
    assert.equal((await session.admin("select from public.commands where user_id = $1", [alice])).length, 4);
  });

  test("withdraw_command() leaves a command that a second request was given: that one may have sent it", async () => {
    await newTrader();
    const { command } = await submit(session, alice, { p_key: "k" });
    await submit(session, alice, { p_key: "k" });
    assert.deepEqual(await withdraw(alice, command.id), { withdrawn: false });
    assert.equal((await complete(alice, command.id, "done")).stored, true);
  });

  test("of a withdrawal and a second request at the same time, the later one sees what the first did", async () => {
    await newTrader();
    const { command } = await submit(session, alice, { p_key: "k" });
    const attaching = await session.begin("service_role");
    const withdrawing = await session.begin("service_role");
    await attaching.call("submit_command", submission(alice, { p_key: "k" }));
    const refused = withdrawing.call("withdraw_command", { p_user_id: alice, p_command_id: command.id });
    await eventually(withdrawing.isWaiting);
    await attaching.commit();
    assert.deepEqual(await refused, { withdrawn: false });
    await withdrawing.commit();

    const other = (await submit(session, alice, { p_key: "k2" })).command;
    const first = await session.begin("service_role");
    const second = await session.begin("service_role");
    await first.call("withdraw_command", { p_user_id: alice, p_command_id: other.id });
    const resubmitted = second.call("submit_command", submission(alice, { p_key: "k2" }));
    await eventually(second.isWaiting);
    await first.commit();
    assert.equal((await resubmitted).created, true);
    await second.commit();
  });

  test("a group is withdrawn whole, or not at all once a child is settled", async () => {
    await newTrader();
    const group = await submitGroup(alice);
    assert.deepEqual(await withdraw(alice, group.parent.id), { withdrawn: true });
    assert.deepEqual(await session.admin("select from public.commands where user_id = $1", [alice]), []);
    const other = await submitGroup(alice);
    await complete(alice, other.children[1].id, "done");
    assert.deepEqual(await withdraw(alice, other.parent.id), { withdrawn: false });
    assert.equal((await session.admin("select from public.commands where user_id = $1", [alice])).length, 4);
  });
});
