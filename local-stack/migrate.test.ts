// Migrations: what is pending, what is refused, and what a failing one leaves behind.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withDatabase } from "../tests/support/database.ts";
import { withClient } from "./database.ts";
import { applyMigrations, type Migration, pendingMigrations, readMigrations } from "./migrate.ts";

function migration(version: string, ...statements: string[]): Migration {
  return { version, name: "x", file: `${version}_x.sql`, statements };
}

test("readMigrations() takes the CLI's file names in order of version; a missing folder has none", () => {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-migrations-"));
  for (const file of ["20260102000000_b.sql", "20260101000000_a_first.sql", "notes.md", "x.sql"]) {
    writeFileSync(join(folder, file), "select 1; select 2;");
  }
  const found = readMigrations(folder);
  assert.deepEqual(
    found.map(({ version, name }) => [version, name]),
    [
      ["20260101000000", "a_first"],
      ["20260102000000", "b"],
    ],
  );
  assert.deepEqual(found[0]?.statements, ["select 1", "select 2"]);
  writeFileSync(join(folder, "20260102000000_twice.sql"), "");
  assert.throws(() => readMigrations(folder), /Two migrations have the version 20260102000000/);
  rmSync(folder, { recursive: true });
  assert.deepEqual(readMigrations(folder), []);
});

test("pendingMigrations() gives what is not applied", () => {
  const files = [migration("1", "select 1"), migration("2", "select 2")];
  assert.deepEqual(pendingMigrations(files, [{ version: "1", statements: ["select  1;"] }]), [files[1]]);
  assert.deepEqual(pendingMigrations(files, [{ version: "1", statements: null }]), [files[1]]);
});

test("pendingMigrations() refuses a missing, a changed and a late file", () => {
  const files = [migration("1", "select 1"), migration("3", "select 3")];
  assert.throws(() => pendingMigrations(files, [{ version: "2", statements: [] }]), /file is missing/);
  assert.throws(() => pendingMigrations(files, [{ version: "1", statements: ["select 9"] }]), /1_x.sql was changed/);
  assert.throws(
    () => pendingMigrations(files, [{ version: "3", statements: ["select 3"] }]),
    /1_x.sql is older than 3/,
  );
});

suite("applyMigrations()", () => {
  test("applies as postgres, records as the CLI does, and does nothing the second time", () =>
    withDatabase((database) =>
      withClient(database.address, "postgres", async (client) => {
        const { rows: before } = await client.query<{ version: string; statements: string[] }>(
          "select version, statements from supabase_migrations.schema_migrations",
        );
        const known = before.map(({ version, statements }) => migration(version, ...statements));
        const files = [...known, migration("90010101000000", "create table public.t (id int)", "set role anon")];
        assert.deepEqual(await applyMigrations(client, files), ["90010101000000_x.sql"]);
        assert.deepEqual(await applyMigrations(client, files), []);
        const { rows } = await client.query(
          "select version, name, statements, current_user::text as who from supabase_migrations.schema_migrations order by version desc limit 1",
        );
        assert.deepEqual(rows, [
          {
            version: "90010101000000",
            name: "x",
            statements: ["create table public.t (id int)", "set role anon"],
            who: "postgres",
          },
        ]);
      }),
    ));

  test("a failing migration names its statement and leaves no trace", () =>
    withDatabase((database) =>
      withClient(database.address, "postgres", async (client) => {
        const { rows } = await client.query<{ version: string; statements: string[] }>(
          "select version, statements from supabase_migrations.schema_migrations",
        );
        const known = rows.map(({ version, statements }) => migration(version, ...statements));
        const bad = migration("90010101000000", "create table public.half (id int)", "create table auth.mine (id int)");
        await assert.rejects(
          applyMigrations(client, [...known, bad]),
          /90010101000000_x.sql, statement 2: .*\(42501\)/,
        );
        const left = await client.query("select to_regclass('public.half') as half");
        assert.deepEqual(left.rows, [{ half: null }]);
      }),
    ));
});
