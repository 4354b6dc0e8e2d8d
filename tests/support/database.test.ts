// The test database itself: clones are fresh and apart, roles and claims are really set, two users can run at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestDatabase, withDatabase } from "./database.ts";

test("createTestDatabase() gives databases that do not see each other", async () => {
  const [one, two] = [await createTestDatabase(), await createTestDatabase()];
  try {
    await one.query("postgres", null, "create table public.only_here (id int)");
    const [row] = await two.query<{ found: string | null }>(
      "postgres",
      null,
      "select to_regclass('public.only_here') as found",
    );
    assert.equal(row?.found, null);
  } finally {
    await one.drop();
    await two.drop();
  }
});

test("query() runs as the role and with the claims of a request", () =>
  withDatabase(async (database) => {
    const user = await database.createUser();
    const [row] = await database.query<{ who: string; uid: string; role: string }>(
      "authenticated",
      user.claims,
      "select current_user::text as who, auth.uid()::text as uid, auth.role() as role",
    );
    assert.deepEqual(row, { who: "authenticated", uid: user.id, role: "authenticated" });
  }));

test("postgres is no superuser and may reference but not change auth.users", () =>
  withDatabase(async (database) => {
    const [row] = await database.query<{ super: boolean }>(
      "postgres",
      null,
      "select rolsuper as super from pg_roles where rolname = current_user",
    );
    assert.equal(row?.super, false);
    await database.query(
      "postgres",
      null,
      "create table public.owned (user_id uuid references auth.users (id) on delete cascade)",
    );
    await assert.rejects(database.query("postgres", null, "delete from auth.users"), { code: "42501" });
  }));

test("a new table in public is closed to all three client roles", () =>
  withDatabase(async (database) => {
    await database.query("postgres", null, "create table public.fresh (id int)");
    for (const role of ["anon", "authenticated", "service_role"] as const) {
      await assert.rejects(database.query(role, null, "select from public.fresh"), { code: "42501" }, role);
    }
  }));

test("begin() gives two users transactions that wait for each other's locks", () =>
  withDatabase(async (database) => {
    await database.query("postgres", null, "create table public.counter (n int); ");
    await database.query("postgres", null, "insert into public.counter values (0)");
    await database.query("postgres", null, "grant select, update on public.counter to authenticated");
    const one = await database.begin("authenticated", { sub: crypto.randomUUID() });
    const two = await database.begin("authenticated", { sub: crypto.randomUUID() });
    await one.query("update public.counter set n = n + 1");
    const skipped = await two.query("select n from public.counter for update skip locked");
    assert.deepEqual(skipped, []);
    const blocked = two.query("update public.counter set n = n + 1");
    await one.commit();
    await blocked;
    await two.commit();
    const [row] = await database.query<{ n: number }>("postgres", null, "select n from public.counter");
    assert.equal(row?.n, 2);
  }));
