// The migrations over the table of the service this project replaces, with the data such a table has: nothing is lost,
// defaults are cleaned, what breaks a rule is reported, and the old policies and grants are gone.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withClient } from "../../local-stack/mod.ts";
import { Login, ServerName } from "../../supabase/functions/_shared/domain/mod.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type Row, refuses, SEALED } from "./session.ts";

const MIGRATIONS = join(import.meta.dirname, "../../supabase/migrations");
const NO_MIGRATIONS = join(import.meta.dirname, "no-such-folder");
const ORIGINAL = readFileSync(join(import.meta.dirname, "original-schema.sql"), "utf8");
const FERNET = "gAAAAABmZXJuZXQtdG9rZW4_of-the_original==";

/** A database with the original table; `migrate()` applies the project's migrations and returns what they reported. */
async function withOriginal(
  work: (database: TestDatabase, migrate: () => Promise<string[]>) => Promise<void>,
): Promise<void> {
  const database = await createTestDatabase(NO_MIGRATIONS);
  try {
    await database.pool().query(ORIGINAL);
    await work(database, () =>
      withClient(database.address, "postgres", async (client) => {
        const reports: string[] = [];
        client.on("notice", ({ severity, message }) => reports.push(`${severity}: ${message}`));
        const files = readdirSync(MIGRATIONS).filter((file) => file.endsWith(".sql"));
        // A file sent as one query is one transaction, as the migration runner makes it.
        for (const file of files.sort()) await client.query(readFileSync(join(MIGRATIONS, file), "utf8"));
        return reports;
      }),
    );
  } finally {
    await database.drop();
  }
}

async function insert(database: TestDatabase, row: Row): Promise<string> {
  const full: Row = { account_name: "old", login: "77", server: "Broker-Live", encrypted_password: FERNET, ...row };
  const columns = Object.keys(full);
  const { rows } = await database
    .pool()
    .query(
      `insert into mt5_accounts (${columns}) values (${columns.map((_, i) => `$${i + 1}`)}) returning id`,
      Object.values(full),
    );
  return rows[0].id;
}

const all = async (database: TestDatabase, sql: string, values: unknown[] = []): Promise<Row[]> =>
  (await database.pool().query(sql, values)).rows;

describe("the original table", () => {
  test("sound rows keep every original value, and every rule is validated", () =>
    withOriginal(async (database, migrate) => {
      const user = await database.createUser();
      await insert(database, {
        user_id: user.id,
        login: "1",
        broker_name: "B",
        risk_limits: { a: 1 },
        is_default: true,
      });
      await insert(database, { user_id: user.id, login: "2", is_active: false, account_type: "live" });
      const columns = (await all(database, "select * from mt5_accounts limit 1"))[0] ?? {};
      const original = `select ${Object.keys(columns)} from mt5_accounts order by login`;
      const before = await all(database, original);
      const reports = await migrate();
      assert.deepEqual(await all(database, original), before);
      assert.deepEqual(
        reports.filter((report) => report.startsWith("WARNING")),
        [],
      );
      const open = await all(
        database,
        "select conname from pg_constraint where conrelid = 'public.mt5_accounts'::regclass and not convalidated",
      );
      assert.deepEqual(open, []);
      const nullable = await all(
        database,
        `select column_name from information_schema.columns
         where table_schema = 'public' and table_name = 'mt5_accounts' and is_nullable = 'NO' order by 1`,
      );
      assert.deepEqual(
        nullable.map((row) => row.column_name),
        [
          ...["account_name", "created_at", "credential_status", "encrypted_password", "id", "is_active", "is_default"],
          ...["login", "pass_magic", "server", "updated_at", "user_id"],
        ],
      );
    }));

  test("of several defaults the newest active one stays, and the others are reported", () =>
    withOriginal(async (database, migrate) => {
      const user = await database.createUser();
      const add = (login: string, day: number, is_active = true): Promise<string> =>
        insert(database, {
          user_id: user.id,
          login,
          is_active,
          is_default: true,
          created_at: `2025-01-0${day}T00:00:00Z`,
        });
      const oldest = await add("1", 1);
      const newest = await add("2", 3);
      const middle = await add("3", 2);
      const inactive = await add("4", 4, false);
      const reports = await migrate();
      assert.deepEqual(await all(database, "select id from mt5_accounts where is_default"), [{ id: newest }]);
      const report = reports.find((line) => line.includes("no longer a default")) ?? "";
      for (const id of [oldest, middle, inactive]) assert.ok(report.includes(id), report);
      assert.equal(report.includes(newest), false);
    }));

  test("rows that break a rule are kept and reported; the rule holds for new rows", () =>
    withOriginal(async (database, migrate) => {
      const user = await database.createUser();
      const broken: [string, Row][] = [
        ["mt5_accounts_user_id_required", { user_id: null }],
        ["mt5_accounts_login_check", { login: "00123" }],
        ["mt5_accounts_server_check", { server: " Broker " }],
        ["mt5_accounts_account_name_check", { account_name: "n".repeat(101) }],
        ["mt5_accounts_encrypted_password_check", { encrypted_password: "hunter2" }],
        ["mt5_accounts_account_type_check", { account_type: "contest" }],
        ["mt5_accounts_risk_limits_check", { risk_limits: '"none"' }],
      ];
      const ids: string[] = [];
      for (const [i, [, row]] of broken.entries()) {
        ids.push(await insert(database, { user_id: user.id, login: `50${i}`, ...row }));
      }
      const reports = await migrate();
      assert.equal((await all(database, "select from mt5_accounts")).length, broken.length);
      for (const [i, [rule]] of broken.entries()) {
        const report = reports.find((line) => line.includes(`break ${rule} `)) ?? "";
        assert.ok(
          report.startsWith("WARNING: mt5_accounts: 1 rows") && report.includes(ids[i] ?? "?"),
          `${rule}: ${report}`,
        );
      }
      assert.equal(reports.filter((report) => report.startsWith("WARNING")).length, broken.length);
      await refuses(insert(database, { user_id: user.id, login: "0" }), "23514");
      await refuses(insert(database, { user_id: null, login: "8" }), "23514");
      assert.equal(JSON.stringify(reports).includes("hunter2"), false);
    }));

  test("a broken row that was the default does not block the choice of another one", () =>
    withOriginal(async (database, migrate) => {
      const user = await database.createUser();
      await insert(database, { user_id: user.id, login: "abc", is_default: true });
      const sound = await insert(database, { user_id: user.id, login: "5" });
      await migrate();
      await database.query("authenticated", user.claims, "update mt5_accounts set is_default = true where id = $1", [
        sound,
      ]);
      assert.deepEqual(await all(database, "select id from mt5_accounts where is_default"), [{ id: sound }]);
    }));

  test("null flags mean no, null times are filled, a Fernet token shows as an invalid credential", () =>
    withOriginal(async (database, migrate) => {
      const user = await database.createUser();
      const id = await insert(database, {
        ...{ user_id: user.id, is_active: null, is_default: null, created_at: null, updated_at: null },
      });
      await migrate();
      const [row] = await all(
        database,
        "select is_active, is_default, created_at, updated_at, credential_status from mt5_accounts",
      );
      assert.deepEqual([row?.is_active, row?.is_default, row?.credential_status], [false, false, "invalid"]);
      assert.ok(row?.created_at instanceof Date && row.updated_at instanceof Date);
      await database.pool().query("update mt5_accounts set is_active = true");
      const [account] = await database.query<{ account: Row }>(
        "authenticated",
        user.claims,
        "select get_account($1) as account",
        [id],
      );
      assert.equal(account?.account.status, "credential_invalid");
    }));

  test("an account with a server that no broker has is kept and shown, and no command of it gets into the ledger", () =>
    withOriginal(async (database, migrate) => {
      const user = await database.createUser();
      const id = await insert(database, { user_id: user.id, server: "203.0.113.7:443", is_default: true });
      await migrate();
      const trusted = (sql: string, values: unknown[]): Promise<Row[]> =>
        database.query("service_role", null, sql, values);
      const submit = "select submit_command($1, $2, 'trade', 'k', 'f', '{}', 500, 'r')";
      for (const account of [id, null]) {
        await refuses(trusted("select resolve_account($1, $2)", [user.id, account]), "PT409", "credential_invalid");
        await refuses(trusted(submit, [user.id, account]), "PT409", "credential_invalid");
      }
      await refuses(trusted("select switch_account($1, $2)", [user.id, id]), "PT409", "credential_invalid");
      assert.deepEqual(await all(database, "select from commands"), []);
      const mine = (sql: string, values: unknown[] = []): Promise<Row[]> =>
        database.query("authenticated", user.claims, `select ${sql} as answer`, values);
      assert.deepEqual(await mine("list_accounts() -> 0 ->> 'id'"), [{ answer: id }]);
      assert.deepEqual(await mine("remove_account($1) -> 'removed'", [id]), [{ answer: true }]);
    }));

  test("which logins and servers are usable is what the function's own schemas say", () =>
    withOriginal(async (database, migrate) => {
      await migrate();
      const logins = ["1", "999999999999999", "0", "0123", "1".repeat(16), "", "12a", "1\n", "١"];
      const servers = [
        ...["A", "MetaQuotes-Demo", "Broker Ltd. Live_2", "a".repeat(63), "1Broker", "", "-x", " x", "x ", "x."],
        ...["a".repeat(64), "10.0.0.5", "127.1", "host:443", "a/b", "a\nb", "a\n", "Bröker", "x;y", "$(x)", "7"],
      ];
      for (const login of logins) {
        for (const server of servers) {
          const [row] = await all(database, "select switchyard.is_usable($1, $2) as usable", [login, server]);
          const expected = Login.safeParse(login).success && ServerName.safeParse(server).success;
          assert.equal(row?.usable, expected, JSON.stringify([login, server]));
        }
      }
    }));

  test("the old policies and grants are gone, also ones with names of their own", () =>
    withOriginal(async (database, migrate) => {
      await database.pool().query('create policy "left over" on mt5_accounts for select using (true)');
      const [alice, bob] = [await database.createUser(), await database.createUser()];
      await insert(database, { user_id: alice.id });
      const reports = await migrate();
      assert.equal(reports.filter((report) => report.includes("replaced policy")).length, 5);
      assert.deepEqual(await database.query("authenticated", bob.claims, "select id from mt5_accounts"), []);
      assert.equal((await database.query("authenticated", alice.claims, "select id from mt5_accounts")).length, 1);
      await refuses(
        database.query("authenticated", alice.claims, "select encrypted_password from mt5_accounts"),
        "42501",
      );
      for (const role of ["anon", "service_role"] as const) {
        await refuses(database.query(role, null, "select id from mt5_accounts"), "42501");
      }
    }));

  test("a key to auth.users without cascade is replaced, and one that does not hold is reported", () =>
    withOriginal(async (database, migrate) => {
      const user = await database.createUser();
      await database.pool().query("alter table mt5_accounts drop constraint mt5_accounts_user_id_fkey");
      await insert(database, { user_id: user.id });
      await insert(database, { user_id: randomUUID(), login: "6" });
      await database
        .pool()
        .query(
          "alter table mt5_accounts add constraint old_key foreign key (user_id) references auth.users (id) not valid",
        );
      const reports = await migrate();
      assert.equal(reports.filter((report) => report.includes("a user that does not exist")).length, 1);
      assert.equal((await all(database, "select from mt5_accounts")).length, 2);
      await database.pool("supabase_auth_admin").query("delete from auth.users where id = $1", [user.id]);
      assert.deepEqual(await all(database, "select login from mt5_accounts"), [{ login: "6" }]);
    }));

  test("a migrated row is revived by connecting the same login and server again", () =>
    withOriginal(async (database, migrate) => {
      const user = await database.createUser();
      const id = await insert(database, { user_id: user.id, login: "9", is_active: false });
      await migrate();
      const [row] = await database.query<{ answer: { created: boolean; account: Row } }>(
        "service_role",
        null,
        "select connect_account($1, $2) as answer",
        [
          user.id,
          JSON.stringify({ account_name: "new", login: "9", server: "Broker-Live", encrypted_password: SEALED }),
        ],
      );
      assert.equal(row?.answer.created, false);
      assert.deepEqual([row?.answer.account.id, row?.answer.account.status], [id, "active"]);
    }));
});
