// The account functions: what each returns, refuses and leaves behind, and that one user never meets another's rows.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { type SqlFault, toDatabaseError } from "../../supabase/functions/api/db/mod.ts";
import {
  type Answer,
  completion,
  connect,
  eventually,
  openSession,
  refuses,
  SEALED,
  type Session,
  submission,
  submit,
} from "./session.ts";

let session: Session;
let alice: string;
let bob: string;

async function newUsers(): Promise<void> {
  alice = await session.newUser();
  bob = await session.newUser();
}

const list = (user: string, all = false): Promise<Answer> =>
  session.call({ user }, "list_accounts", { p_include_inactive: all });
const update = (user: string, id: unknown, changes: object): Promise<Answer> =>
  session.call({ user }, "update_account", { p_account_id: id, p_changes: changes });
const resolve = (user: string, id: string | null = null): Promise<Answer> =>
  session.call("service_role", "resolve_account", { p_user_id: user, p_account_id: id });
const switchTo = (user: string, id: unknown): Promise<Answer> =>
  session.call("service_role", "switch_account", { p_user_id: user, p_account_id: id });

describe("accounts", () => {
  before(async () => {
    session = await openSession();
  });
  after(() => session.close());

  test("list_accounts() shows the fields of one's own active accounts, oldest first, without the ciphertext", async () => {
    await newUsers();
    const first = await connect(session, alice, { broker_name: "Broker", risk_limits: { reduce_only: true } });
    const second = await connect(session, alice);
    await connect(session, bob);
    await update(alice, second.id, { is_active: false });
    const accounts = await list(alice);
    assert.equal(accounts.length, 1);
    assert.deepEqual(Object.keys(accounts[0]).sort(), [
      ...["account_name", "account_type", "broker_name", "created_at", "currency", "id", "is_active", "is_current"],
      ...["is_default", "login", "pass_magic", "risk_limits", "server", "status", "trade_mode", "updated_at"],
    ]);
    assert.equal(accounts[0].id, first.id);
    assert.match(accounts[0].created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const everything = await list(alice, true);
    assert.deepEqual(
      everything.map((account: Answer) => [account.id, account.status]),
      [
        [first.id, "active"],
        [second.id, "inactive"],
      ],
    );
  });

  test("get_account() answers null for a foreign id as for an absent one", async () => {
    await newUsers();
    const account = await connect(session, alice);
    assert.equal((await session.call({ user: alice }, "get_account", { p_account_id: account.id })).id, account.id);
    assert.equal(await session.call({ user: bob }, "get_account", { p_account_id: account.id }), null);
    assert.equal(await session.call({ user: bob }, "get_account", { p_account_id: randomUUID() }), null);
  });

  test("the credential's status shows as credential_invalid and read_only", async () => {
    await newUsers();
    assert.equal((await connect(session, alice, { credential_status: "invalid" })).status, "credential_invalid");
    assert.equal((await connect(session, alice, { credential_status: "read_only" })).status, "read_only");
  });

  test("update_account() changes the five fields, and null removes the limits", async () => {
    await newUsers();
    const { id } = await connect(session, alice, { risk_limits: { reduce_only: true } });
    const changed = await update(alice, id, {
      account_name: "new",
      risk_limits: { max_open_positions: 2 },
      is_default: true,
      pass_magic: true,
    });
    assert.equal(changed.account_name, "new");
    assert.equal(changed.pass_magic, true);
    assert.deepEqual(changed.risk_limits, { max_open_positions: 2 });
    assert.equal(changed.is_default, true);
    assert.equal((await update(alice, id, { risk_limits: null })).risk_limits, null);
    assert.equal((await update(alice, id, {})).account_name, "new");
    assert.equal((await update(alice, id, { is_default: false })).is_default, false);
  });

  test("update_account() refuses other fields, wrong types and values that break a rule", async () => {
    await newUsers();
    const { id } = await connect(session, alice);
    const wrong = [
      ...[
        { login: "1" },
        { server: "x" },
        { encrypted_password: SEALED },
        { user_id: bob },
        { credential_status: "ok" },
      ],
      ...[
        { account_name: 1 },
        { account_name: null },
        { risk_limits: [] },
        { pass_magic: null },
        { is_default: "true" },
        { is_active: null },
      ],
      ...[{ account_name: "" }, { account_name: "x".repeat(101) }, []],
    ];
    for (const changes of wrong) await refuses(update(alice, id, changes), "PT422", "invalid_request");
    assert.equal((await update(alice, id, { account_name: "x".repeat(100) })).account_name.length, 100);
  });

  test("update_account() and remove_account() answer a foreign id as an absent one", async () => {
    await newUsers();
    const { id } = await connect(session, alice);
    for (const target of [id, randomUUID()]) {
      await refuses(update(bob, target, { account_name: "mine" }), "PT404", "account_not_found");
      await refuses(
        session.call({ user: bob }, "remove_account", { p_account_id: target }),
        "PT404",
        "account_not_found",
      );
    }
    assert.equal((await list(alice)).length, 1);
  });

  test("deactivating the default account takes the default away, and an inactive account cannot become it", async () => {
    await newUsers();
    const { id } = await connect(session, alice, { set_as_default: true });
    assert.equal((await update(alice, id, { is_active: false })).is_default, false);
    await refuses(update(alice, id, { is_default: true }), "PT409", "account_inactive");
    await refuses(update(alice, id, { is_default: true, is_active: false }), "PT409", "account_inactive");
    const revived = await update(alice, id, { is_default: true, is_active: true });
    assert.deepEqual([revived.is_active, revived.is_default], [true, true]);
  });

  test("connect_account() with the same login and server keeps the id, revives, and replaces the credential", async () => {
    await newUsers();
    const first = await connect(session, alice, { login: "55", risk_limits: { reduce_only: true } });
    await update(alice, first.id, { is_active: false });
    const again = await session.call("service_role", "connect_account", {
      p_user_id: alice,
      p_account: {
        account_name: "again",
        login: "55",
        server: "Demo-Server",
        encrypted_password: `${SEALED}2`,
        credential_kid: "k2",
      },
    });
    assert.equal(again.created, false);
    assert.equal(again.account.id, first.id);
    assert.equal(again.account.is_active, true);
    assert.deepEqual(again.account.risk_limits, { reduce_only: true });
    const resolved = await resolve(alice, first.id);
    assert.equal(resolved.encrypted_password, `${SEALED}2`);
    const other = await session.call("service_role", "connect_account", {
      p_user_id: bob,
      p_account: { account_name: "b", login: "55", server: "Demo-Server", encrypted_password: SEALED },
    });
    assert.equal(other.created, true);
    assert.notEqual(other.account.id, first.id);
  });

  test("find_worker() names the worker of one's own account, active or not, and of nobody else's", async () => {
    await newUsers();
    const { id, login } = await connect(session, alice, { worker_id: "worker-2" });
    await connect(session, bob, { login, server: "Other-Server" });
    const find = async (user: string, server = "Demo-Server"): Promise<unknown> =>
      (await session.call("service_role", "find_worker", { p_user_id: user, p_login: login, p_server: server }))
        .worker_id;
    assert.deepEqual([await find(alice), await find(alice, "Other-Server"), await find(bob)], ["worker-2", null, null]);
    await update(alice, id, { is_active: false });
    assert.equal(await find(alice), "worker-2");
  });

  test("find_worker() of a removed account names the worker of what is still open on it", async () => {
    await newUsers();
    const { id, login } = await connect(session, alice, { worker_id: "worker-2" });
    const { command } = await submit(session, alice, { p_account_id: id });
    const args = { p_user_id: alice, p_login: login, p_server: "Demo-Server" };
    const find = async (): Promise<unknown> => (await session.call("service_role", "find_worker", args)).worker_id;
    await session.call({ user: alice }, "remove_account", { p_account_id: id, p_abandon: true });
    assert.equal(await find(), "worker-2");
    const ended = { p_user_id: alice, p_command_id: command.id, ...completion("done", { p_worker_id: null }) };
    await session.call("service_role", "complete_command", ended);
    assert.equal(await find(), null);
  });

  test("of two first connects of one account at once the later one finds the row of the first", async () => {
    await newUsers();
    const one = await session.begin("service_role");
    const two = await session.begin("service_role");
    const args = {
      p_user_id: alice,
      p_account: { account_name: "A", login: "56", server: "Demo-Server", encrypted_password: SEALED },
    };
    const first = await one.call("connect_account", args);
    const waiting = two.call("connect_account", args);
    await eventually(two.isWaiting);
    await one.commit();
    const second = await waiting;
    await two.commit();
    assert.deepEqual([first.created, second.created, second.account.id], [true, false, first.account.id]);
  });

  test("connect_account() leaves the caller's magic at home unless asked, and a known account keeps its choice", async () => {
    await newUsers();
    assert.equal((await connect(session, alice)).pass_magic, false);
    const asked = await connect(session, alice, { pass_magic: true });
    assert.equal(asked.pass_magic, true);
    assert.equal((await connect(session, alice, { login: asked.login })).pass_magic, true);
    assert.equal((await connect(session, alice, { login: asked.login, pass_magic: false })).pass_magic, false);
  });

  test("connect_account() makes an account the default only when asked, and then the only one", async () => {
    await newUsers();
    assert.equal((await connect(session, alice)).is_default, false);
    const second = await connect(session, alice, { set_as_default: true });
    const third = await connect(session, alice, { set_as_default: true });
    const accounts = await list(alice);
    assert.deepEqual(
      accounts.filter((account: Answer) => account.is_default).map((account: Answer) => account.id),
      [third.id],
    );
    assert.equal((await connect(session, alice, { login: second.login, set_as_default: true })).is_default, true);
  });

  test("connect_account() refuses what breaks a rule of the table, a password as typed above all", async () => {
    await newUsers();
    const wrong = [
      ...[{ encrypted_password: "hunter2" }, { encrypted_password: "a.b.c" }, { encrypted_password: null }],
      ...[{ login: "0123" }, { login: "1".repeat(16) }, { login: "12a" }, { login: null }],
      ...[{ server: " Demo" }, { server: "Demo\n" }, { server: "" }, { server: "s".repeat(65) }],
      ...[{ account_name: "" }, { account_type: "contest" }, { trade_mode: "live" }, { credential_status: "fine" }],
      ...[{ risk_limits: [] }],
    ];
    for (const account of wrong) await refuses(connect(session, alice, account), "PT422", "invalid_request");
    assert.deepEqual(await list(alice, true), []);
    await connect(session, alice, { login: "1".repeat(15), server: "s".repeat(64), account_name: "n".repeat(100) });
  });

  test("replace_credential() keeps the id and everything else, and only for the owner", async () => {
    await newUsers();
    const { id } = await connect(session, alice, { credential_status: "invalid" });
    const credential = { encrypted_password: `${SEALED}9`, credential_kid: "k9", credential_status: "ok" };
    const replace = (user: string): Promise<Answer> =>
      session.call("service_role", "replace_credential", {
        p_user_id: user,
        p_account_id: id,
        p_credential: credential,
      });
    await refuses(replace(bob), "PT404", "account_not_found");
    const { account } = await replace(alice);
    assert.deepEqual([account.id, account.status, account.currency], [id, "active", "USD"]);
    assert.equal((await resolve(alice, id as string)).encrypted_password, `${SEALED}9`);
  });

  test("resolve_account() takes the named account, with its credential, and nobody else's", async () => {
    await newUsers();
    const account = await connect(session, alice);
    const resolved = await resolve(alice, account.id);
    assert.equal(resolved.encrypted_password, SEALED);
    assert.equal(resolved.worker_id, "worker-1");
    assert.equal(resolved.status, "active");
    await refuses(resolve(bob, account.id), "PT404", "account_not_found");
    await refuses(resolve(bob, randomUUID()), "PT404", "account_not_found");
    await update(alice, account.id, { is_active: false });
    await refuses(resolve(alice, account.id), "PT409", "account_inactive");
  });

  test("resolve_account() without an id: the current account, else the default if the user never switched, else none", async () => {
    await newUsers();
    const first = await connect(session, alice);
    await refuses(resolve(alice), "PT404", "no_account_connected");
    const second = await connect(session, alice, { set_as_default: true });
    assert.equal((await resolve(alice)).id, second.id);
    await switchTo(alice, first.id);
    const resolved = await resolve(alice);
    assert.deepEqual([resolved.id, resolved.is_current], [first.id, true]);
    await refuses(resolve(bob), "PT404", "no_account_connected");
  });

  test("a current account that is deleted leaves none, never the default", async () => {
    await newUsers();
    const account = await connect(session, alice);
    await connect(session, alice, { set_as_default: true });
    await switchTo(alice, account.id);
    await session.call({ user: alice }, "remove_account", { p_account_id: account.id });
    await refuses(resolve(alice), "PT404", "no_account_connected");
  });

  test("a current account that is deactivated leaves none until the next switch, even when it is activated again", async () => {
    for (const way of ["function", "table"]) {
      await newUsers();
      const account = await connect(session, alice);
      await connect(session, alice, { set_as_default: true });
      await switchTo(alice, account.id);
      if (way === "function") await update(alice, account.id, { is_active: false });
      else
        await session.as({ user: alice }, "update public.mt5_accounts set is_active = false where id = $1", [
          account.id,
        ]);
      await refuses(resolve(alice), "PT404", "no_account_connected");
      await update(alice, account.id, { is_active: true });
      await refuses(resolve(alice), "PT404", "no_account_connected");
      assert.equal((await switchTo(alice, account.id)).account.is_current, true);
    }
  });

  test("switch_account() says where it came from and refuses foreign, absent and inactive accounts", async () => {
    await newUsers();
    const first = await connect(session, alice);
    const second = await connect(session, alice);
    assert.equal((await switchTo(alice, first.id)).previous_account_id, null);
    const switched = await switchTo(alice, second.id);
    assert.equal(switched.previous_account_id, first.id);
    assert.equal(switched.account.is_current, true);
    assert.deepEqual(
      (await list(alice)).map((account: Answer) => account.is_current),
      [false, true],
    );
    await refuses(switchTo(bob, first.id), "PT404", "account_not_found");
    await refuses(switchTo(alice, randomUUID()), "PT404", "account_not_found");
    await refuses(switchTo(alice, null), "PT422", "invalid_request");
    await update(alice, first.id, { is_active: false });
    await refuses(switchTo(alice, first.id), "PT409", "account_inactive");
    assert.equal((await resolve(alice)).id, second.id);
  });

  test("a switch that meets a deactivation under way waits, and then finds the account inactive", async () => {
    await newUsers();
    const { id } = await connect(session, alice);
    const switching = await session.begin("service_role");
    const deactivating = await session.begin({ user: alice });
    await deactivating.query("update public.mt5_accounts set is_active = false where id = $1", [id]);
    const args = { p_user_id: alice, p_account_id: id };
    const refused = refuses(switching.call("switch_account", args), "PT409", "account_inactive");
    await eventually(switching.isWaiting);
    await deactivating.commit();
    await refused;
    await switching.commit();
    await update(alice, id, { is_active: true });
    assert.equal((await list(alice))[0].is_current, false);
  });

  test("remove_account() refuses while a command is open, unless it is abandoned; the command stays in the ledger", async () => {
    await newUsers();
    const { id, login } = await connect(session, alice);
    const remove = (abandon: boolean): Promise<Answer> =>
      session.call({ user: alice }, "remove_account", { p_account_id: id, p_abandon: abandon });
    const accepted = (await submit(session, alice, { p_account_id: id })).command;
    await refuses(remove(false), "PT409", "account_busy");
    const finish = (state: string): Promise<Answer> =>
      session.call("service_role", "complete_command", {
        p_user_id: alice,
        p_command_id: accepted.id,
        ...completion(state),
      });
    await finish("unknown");
    await refuses(remove(false), "PT409", "account_busy");
    assert.deepEqual(await remove(true), { id, removed: true, abandoned_commands: 1 });
    const command = await session.call({ user: alice }, "get_command", { p_command_id: accepted.id });
    assert.deepEqual(command.account, { id: null, login, server: "Demo-Server" });
    assert.equal((await finish("done")).stored, true);
  });

  test("remove_account() of an account whose commands are settled counts none", async () => {
    await newUsers();
    const { id } = await connect(session, alice);
    const { command } = await submit(session, alice, { p_account_id: id });
    await session.call("service_role", "complete_command", {
      p_user_id: alice,
      p_command_id: command.id,
      ...completion("done"),
    });
    assert.deepEqual(await session.call({ user: alice }, "remove_account", { p_account_id: id }), {
      id,
      removed: true,
      abandoned_commands: 0,
    });
  });

  test("a group does not keep its account busy once its children are settled", async () => {
    await newUsers();
    const { id } = await connect(session, alice);
    const { children } = await session.call("service_role", "submit_commands", {
      ...submission(alice, { p_account_id: id, p_kind: "close_all" }),
      p_children: [{ kind: "close_position", request: { ticket: "1" } }],
    });
    await refuses(session.call({ user: alice }, "remove_account", { p_account_id: id }), "PT409", "account_busy");
    await session.call("service_role", "complete_command", {
      ...{ p_user_id: alice, p_command_id: children[0].id },
      ...completion("done"),
    });
    assert.equal((await session.call({ user: alice }, "remove_account", { p_account_id: id })).abandoned_commands, 0);
  });

  test("deleting a user deletes accounts and selection, and keeps the ledger", async () => {
    await newUsers();
    const { id } = await connect(session, alice);
    await switchTo(alice, id);
    await submit(session, alice);
    await session.deleteUser(alice);
    assert.deepEqual(await session.admin("select from public.mt5_accounts where user_id = $1", [alice]), []);
    assert.deepEqual(await session.admin("select from public.mt5_current_account where user_id = $1", [alice]), []);
    assert.deepEqual(await session.admin("select account_id from public.commands where user_id = $1", [alice]), [
      { account_id: null },
    ]);
  });

  test("a user who is deleted connects nothing any more, and the function says that the token no longer counts", async () => {
    await newUsers();
    await session.deleteUser(alice);
    await assert.rejects(connect(session, alice), (thrown: SqlFault) => {
      assert.equal(toDatabaseError(thrown).code, "unauthenticated");
      return true;
    });
    assert.deepEqual(await session.admin("select from public.mt5_accounts where user_id = $1", [alice]), []);
  });

  test("the trusted functions refuse a call without a user", async () => {
    await refuses(session.call("service_role", "resolve_account", { p_user_id: null }), "PT422", "invalid_request");
  });
});
