// Who reaches which row and column: each policy and grant with two users, both keys, nobody, and the functions' own role.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  type Answer,
  type Caller,
  completion,
  connect,
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
let hers: Answer;
let her_command: string;

const READABLE = [
  ...["account_name", "account_type", "broker_name", "created_at", "credential_status", "currency", "id", "is_active"],
  ...[
    "is_default",
    "login",
    "pass_magic",
    "risk_limits",
    "server",
    "trade_mode",
    "updated_at",
    "user_id",
    "verified_at",
    "worker_id",
  ],
];
const WRITABLE = ["account_name", "is_active", "is_default", "pass_magic", "risk_limits"];
const TABLES = ["mt5_accounts", "mt5_current_account", "commands"];

const clients = (): [string, Caller][] => [
  ["anon", "anon"],
  ["authenticated", { user: alice }],
  ["service_role", "service_role"],
];

describe("access", () => {
  before(async () => {
    session = await openSession();
    alice = await session.newUser();
    bob = await session.newUser();
    hers = await connect(session, alice, { set_as_default: true });
    await session.call("service_role", "switch_account", { p_user_id: alice, p_account_id: hers.id });
    her_command = (await submit(session, alice)).command.id;
    await connect(session, bob);
  });
  after(() => session.close());

  test("every table in public has row security, and client roles hold exactly these column rights", async () => {
    const tables = await session.admin(
      "select relname as name, relrowsecurity as secured from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')",
    );
    assert.deepEqual(
      tables.map((table) => [table.name, table.secured]).sort(),
      TABLES.map((name) => [name, true]).sort(),
    );
    const held = await session.admin(
      `select grantee || ' ' || lower(privilege_type) || ' ' || table_name || '.' || column_name as held
       from information_schema.column_privileges
       where table_schema in ('public', 'switchyard') and grantee in ('anon', 'authenticated', 'service_role', 'PUBLIC')`,
    );
    const expected = [
      ...READABLE.map((column) => `authenticated select mt5_accounts.${column}`),
      ...WRITABLE.map((column) => `authenticated update mt5_accounts.${column}`),
    ];
    assert.deepEqual(held.map((row) => row.held).sort(), expected.sort());
    const whole = await session.admin(
      `select * from information_schema.table_privileges
       where table_schema in ('public', 'switchyard') and grantee in ('anon', 'authenticated', 'service_role', 'PUBLIC')`,
    );
    assert.deepEqual(whole, []);
  });

  test("a user reads one's own accounts only; the ciphertext and the other tables not at all", async () => {
    const own = await session.as({ user: alice }, `select ${READABLE.join(", ")} from public.mt5_accounts`);
    assert.deepEqual(
      own.map((row) => row.user_id),
      [alice],
    );
    for (const sql of [
      "select encrypted_password from public.mt5_accounts",
      "select credential_kid from public.mt5_accounts",
      "select * from public.mt5_accounts",
      "select a from public.mt5_accounts a",
      "select 1 from public.mt5_accounts where encrypted_password like 'e%'",
      "update public.mt5_accounts set account_name = 'x' returning encrypted_password",
      "select * from public.commands",
      "select * from public.mt5_current_account",
    ]) {
      await refuses(session.as({ user: alice }, sql), "42501");
    }
  });

  test("a user updates one's own rows only, and only the five columns", async () => {
    const rows = await session.as(
      { user: bob },
      "update public.mt5_accounts set account_name = 'bob was here' returning user_id",
    );
    assert.deepEqual(
      rows.map((row) => row.user_id),
      [bob],
    );
    assert.deepEqual(
      await session.as({ user: bob }, "update public.mt5_accounts set is_default = false where id = $1 returning id", [
        hers.id,
      ]),
      [],
    );
    const closed = [...READABLE, "encrypted_password", "credential_kid"].filter((column) => !WRITABLE.includes(column));
    for (const column of closed) {
      await refuses(session.as({ user: alice }, `update public.mt5_accounts set ${column} = null`), "42501");
    }
  });

  test("no client role inserts or deletes, and anon and service_role do not even read", async () => {
    for (const [, caller] of clients()) {
      for (const table of TABLES) {
        await refuses(session.as(caller, `delete from public.${table}`), "42501");
        await refuses(session.as(caller, `insert into public.${table} (user_id) values (gen_random_uuid())`), "42501");
        await refuses(session.as(caller, `truncate public.${table}`), "42501");
      }
    }
    for (const caller of ["anon", "service_role"] as const) {
      for (const table of TABLES) await refuses(session.as(caller, `select user_id from public.${table}`), "42501");
    }
  });

  test("inside the functions a query that forgets its user finds the acting user's rows, and none without one", async () => {
    for (const table of TABLES) {
      const all = await session.as({ owner: alice }, `select user_id from public.${table}`);
      assert.deepEqual(new Set(all.map((row) => row.user_id)), new Set([alice]), table);
      assert.deepEqual(await session.as({ owner: null }, `select from public.${table}`), []);
      assert.deepEqual(await session.as({ owner: "not-a-uuid" }, `select from public.${table}`), []);
    }
    const foreign = { owner: bob };
    assert.deepEqual(
      await session.as(foreign, "update public.mt5_accounts set account_name = 'x' where id = $1 returning id", [
        hers.id,
      ]),
      [],
    );
    assert.deepEqual(
      await session.as(foreign, "delete from public.mt5_accounts where id = $1 returning id", [hers.id]),
      [],
    );
    assert.deepEqual(
      await session.as(
        foreign,
        "update public.mt5_current_account set account_id = null where user_id = $1 returning user_id",
        [alice],
      ),
      [],
    );
    assert.deepEqual(
      await session.as(foreign, "update public.commands set attached = true where id = $1 returning id", [her_command]),
      [],
    );
    assert.deepEqual(
      await session.as(foreign, "delete from public.commands where id = $1 returning id", [her_command]),
      [],
    );
  });

  test("inside the functions nobody writes a row for somebody else", async () => {
    const foreign = { owner: bob };
    await refuses(
      session.as(
        foreign,
        `insert into public.mt5_accounts (user_id, account_name, login, server, encrypted_password) values ($1, 'x', '9', 's', $2)`,
        [alice, SEALED],
      ),
      "42501",
    );
    const carol = await session.newUser();
    await refuses(
      session.as(foreign, "insert into public.mt5_current_account (user_id) values ($1)", [carol]),
      "42501",
    );
    await refuses(
      session.as(
        foreign,
        `insert into public.commands (user_id, login, server, kind, idempotency_key, fingerprint, request, timeout_ms, deadline)
         values ($1, '1', 's', 'trade', 'k', 'f', '{}', 500, now())`,
        [alice],
      ),
      "42501",
    );
  });

  test("inside the functions a command begins as accepted", async () => {
    await refuses(
      session.as(
        { owner: alice },
        `insert into public.commands (user_id, login, server, kind, idempotency_key, fingerprint, request, timeout_ms, deadline,
                                      state, executed, status, body, completed_at)
         values ($1, '1', 's', 'trade', 'born done', 'f', '{}', 500, now(), 'done', true, 200, '', now())`,
        [alice],
      ),
      "42501",
    );
  });

  test("inside the functions a settled command can be neither changed nor deleted, nor an attached one deleted", async () => {
    const owner = { owner: alice };
    const { command } = await submit(session, alice);
    await session.call("service_role", "complete_command", {
      ...{ p_user_id: alice, p_command_id: command.id },
      ...completion("done"),
    });
    assert.deepEqual(
      await session.as(owner, "update public.commands set body = 'x' where id = $1 returning id", [command.id]),
      [],
    );
    assert.deepEqual(
      await session.as(owner, "delete from public.commands where id = $1 returning id", [command.id]),
      [],
    );
    const other = (await submit(session, alice)).command;
    await session.as(owner, "update public.commands set attached = true where id = $1", [other.id]);
    assert.deepEqual(await session.as(owner, "delete from public.commands where id = $1 returning id", [other.id]), []);
  });

  test("a trusted function acts for the named user only as long as it runs", async () => {
    const own = JSON.stringify({ role: "authenticated", sub: bob });
    const transaction = await session.begin("service_role");
    const claims = async (): Promise<unknown> =>
      (await transaction.query("select current_setting('request.jwt.claims', true) as claims"))[0]?.claims;
    await transaction.query("select set_config('request.jwt.claims', $1, true)", [own]);
    await transaction.call("resolve_account", { p_user_id: alice });
    assert.equal(await claims(), own);
    await transaction.query("savepoint before_the_error");
    await refuses(
      transaction.call("resolve_account", { p_user_id: alice, p_account_id: bob }),
      "PT404",
      "account_not_found",
    );
    await transaction.query("rollback to savepoint before_the_error");
    assert.equal(await claims(), own);
    // Nor does a trigger that acts as the row's user, for an administrator in the same transaction.
    await transaction.query("select set_config('role', 'postgres', true)");
    await transaction.query("update public.mt5_accounts set is_active = false where user_id = $1", [alice]);
    await transaction.query("update public.mt5_accounts set is_active = true, is_default = true where user_id = $1", [
      alice,
    ]);
    assert.equal(await claims(), own);
    // A caller without any claims has none afterwards.
    await transaction.query(
      "select set_config('role', 'service_role', true), set_config('request.jwt.claims', '', true)",
    );
    await transaction.call("resolve_account", { p_user_id: alice, p_account_id: hers.id });
    assert.equal(await claims(), "");
    await transaction.commit();
  });

  test("every trusted function puts its caller's claims back", async () => {
    await session.admin("update public.mt5_accounts set is_active = true where id = $1", [hers.id]);
    const onHers = { p_account_id: hers.id };
    const { command } = await submit(session, alice, onHers);
    const unknown = (await submit(session, alice, onHers)).command;
    await session.call("service_role", "complete_command", {
      ...{ p_user_id: alice, p_command_id: unknown.id },
      ...completion("unknown"),
    });
    const account = { account_name: "x", login: "77", server: "Demo-Server", encrypted_password: SEALED };
    const calls: Record<string, object> = {
      acknowledge_command: { p_command_id: unknown.id, p_reason: "seen" },
      complete_command: { p_command_id: command.id, ...completion("done") },
      connect_account: { p_account: account },
      find_worker: { p_login: "77", p_server: "Demo-Server" },
      replace_credential: { ...onHers, p_credential: { encrypted_password: SEALED } },
      resolve_account: onHers,
      submit_command: submission(alice, onHers),
      submit_commands: { ...submission(alice, onHers), p_children: [] },
      switch_account: onHers,
      withdraw_command: { p_command_id: command.id },
    };
    const trusted = await session.admin(
      `select proname as name from pg_proc
       where pronamespace = 'public'::regnamespace and has_function_privilege('service_role', oid, 'execute') order by 1`,
    );
    assert.deepEqual(
      trusted.map((row) => row.name),
      Object.keys(calls),
    );
    const own = JSON.stringify({ role: "service_role" });
    for (const [name, args] of Object.entries(calls)) {
      const transaction = await session.begin("service_role");
      await transaction.call(name, { p_user_id: alice, ...args });
      const [row] = await transaction.query("select current_setting('request.jwt.claims', true) as claims");
      await transaction.commit();
      assert.equal(row?.claims, own, name);
    }
  });

  test("no user function returns the ciphertext, with or without a command", async () => {
    const user = { user: alice };
    const answers = [
      await session.call(user, "list_accounts", { p_include_inactive: true }),
      await session.call(user, "get_account", { p_account_id: hers.id }),
      await session.call(user, "update_account", { p_account_id: hers.id, p_changes: { account_name: "renamed" } }),
      await session.call(user, "get_command", { p_command_id: her_command }),
      await session.call(user, "list_commands"),
      await session.call(user, "remove_account", { p_account_id: hers.id, p_abandon: true }),
    ];
    for (const answer of answers) assert.equal(JSON.stringify(answer).includes(SEALED), false);
  });

  test("an error of a user's own update does not quote the row", async () => {
    const account = await connect(session, bob);
    const error = await session
      .as({ user: bob }, "update public.mt5_accounts set account_name = '' where id = $1", [account.id])
      .then(
        () => undefined,
        (caught: unknown) => caught,
      );
    assert.equal((error as { code?: string }).code, "23514");
    assert.equal(JSON.stringify(error).includes(SEALED), false);
  });
});
