// One default per user, whichever way it is set and however many set it at once.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect, eventually, openSession, type Row, refuses, SEALED, type Session } from "./session.ts";

let session: Session;

async function defaultsOf(user: string): Promise<unknown[]> {
  const rows = await session.admin("select id from public.mt5_accounts where user_id = $1 and is_default", [user]);
  return rows.map((row) => row.id);
}

const SET_DEFAULT = "update public.mt5_accounts set is_default = true where id = $1";

describe("the default account", () => {
  before(async () => {
    session = await openSession();
  });
  after(() => session.close());

  test("a user's own update of is_default unsets the other in the same statement", async () => {
    const user = await session.newUser();
    await connect(session, user, { set_as_default: true });
    const second = await connect(session, user);
    await session.as({ user }, SET_DEFAULT, [second.id]);
    assert.deepEqual(await defaultsOf(user), [second.id]);
  });

  test("an administrator without claims unsets the other as well", async () => {
    const user = await session.newUser();
    await connect(session, user, { set_as_default: true });
    const second = await connect(session, user);
    await session.admin(SET_DEFAULT, [second.id]);
    assert.deepEqual(await defaultsOf(user), [second.id]);
    await session.admin(
      `insert into public.mt5_accounts (user_id, account_name, login, server, encrypted_password, is_default)
       values ($1, 'by hand', '7', 'Demo-Server', $2, true)`,
      [user, SEALED],
    );
    assert.equal((await defaultsOf(user)).length, 1);
  });

  test("the default of one user is not touched by another's", async () => {
    const alice = await session.newUser();
    const bob = await session.newUser();
    const hers = await connect(session, alice, { set_as_default: true });
    await connect(session, bob, { set_as_default: true });
    assert.deepEqual(await defaultsOf(alice), [hers.id]);
  });

  test("the unique index refuses a second default even without the trigger", async () => {
    const user = await session.newUser();
    await connect(session, user, { set_as_default: true });
    const second = await connect(session, user);
    await session.admin("alter table public.mt5_accounts disable trigger mt5_accounts_keep_one_default");
    try {
      await refuses(session.admin(SET_DEFAULT, [second.id]), "23505");
    } finally {
      await session.admin("alter table public.mt5_accounts enable trigger mt5_accounts_keep_one_default");
    }
  });

  test("a user's own update cannot make an inactive account the default", async () => {
    const user = await session.newUser();
    const account = await connect(session, user);
    await session.as({ user }, "update public.mt5_accounts set is_active = false where id = $1", [account.id]);
    await refuses(session.as({ user }, SET_DEFAULT, [account.id]), "PT409", "account_inactive");
  });

  const ways: { name: string; sql: string }[] = [
    { name: "table updates", sql: SET_DEFAULT },
    { name: "update_account()", sql: `select public.update_account($1, '{"is_default": true}')` },
  ];
  for (const way of ways) {
    test(`of two transactions that set a default by ${way.name}, the later one wins and neither fails`, async () => {
      const user = await session.newUser();
      // The old default is one of the two: setting what is set already must not cross the other's locks either.
      const first = await connect(session, user, { set_as_default: true });
      const second = await connect(session, user);
      const one = await session.begin({ user });
      const two = await session.begin({ user });
      await one.query(way.sql, [second.id]);
      const waiting = two.query(way.sql, [first.id]);
      await eventually(two.isWaiting);
      await one.commit();
      await waiting;
      await two.commit();
      assert.deepEqual(await defaultsOf(user), [first.id]);
    });
  }

  test("many at once, by every way, leave exactly one default and nobody gets an error", async () => {
    const user = await session.newUser();
    const accounts = await Promise.all(
      Array.from({ length: 8 }, () => connect(session, user, { set_as_default: true })),
    );
    const work: Promise<unknown>[] = accounts.flatMap((account) => [
      session.as({ user }, SET_DEFAULT, [account.id]),
      session.call({ user }, "update_account", { p_account_id: account.id, p_changes: { is_default: true } }),
      connect(session, user, { login: account.login, set_as_default: true } as Row),
    ]);
    await Promise.all(work);
    assert.equal((await defaultsOf(user)).length, 1);
  });

  test("updated_at moves with every update", async () => {
    const user = await session.newUser();
    const { id } = await connect(session, user);
    const read = (): Promise<Row[]> =>
      session.admin("select updated_at::text from public.mt5_accounts where id = $1", [id]);
    const before = await read();
    await session.as({ user }, "update public.mt5_accounts set account_name = account_name where id = $1", [id]);
    assert.notDeepEqual(await read(), before);
  });
});
