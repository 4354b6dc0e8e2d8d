// The terminal port on a real RPyC server: what it reads.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NAMESAKE, ONE, order, TAG, TIMEOUT_MS, TWO, useDouble } from "../../../tests/support/mt5/double-process.ts";
import { requirePython } from "../../../tests/support/python.ts";

describe("RpycTerminal, reading", { skip: requirePython() ?? false }, () => {
  const { execute, control, loggedIn } = useDouble();

  test("read() gives rules, tick, positions and orders with every digit, in one round trip", async () => {
    const terminal = await loggedIn();
    await terminal.send(order(TAG, { request: { symbol: "USDJPY" } }));
    const pending = { action: 5, type: 2, price: 1.05, type_filling: 2, type_time: 0 };
    await terminal.send(order(TAG + 1, { request: pending }));
    const trips = terminal.roundTrips;
    const reply = await terminal.read(ONE, { symbol: "EURUSD", positions: {}, orders: {} }, TIMEOUT_MS);
    assert.equal(terminal.roundTrips, trips + 1);
    assert.ok(reply.kind === "ok");
    assert.equal(reply.positions?.[0]?.ticket, "9007199254740993");
    assert.equal(reply.positions?.[0]?.magic, String(TAG));
    assert.equal(reply.positions?.[0]?.swap, 0);
    assert.equal(reply.orders?.[0]?.price_open, 1.05);
    assert.equal(reply.symbol?.digits, 5);
    assert.equal(reply.symbol?.volume_limit, 0);
    assert.ok(reply.tick !== undefined && reply.tick !== null && reply.tick.ask > reply.tick.bid);
    assert.equal(reply.broker_now_msc, reply.tick.time_msc);
    const only = await terminal.read(ONE, { positions: { symbol: "EURUSD" } }, TIMEOUT_MS);
    assert.ok(only.kind === "ok");
    assert.deepEqual([only.positions, only.orders, only.symbol], [[], undefined, undefined]);
  });

  test("read() learns the broker's time from the symbols of the positions", async () => {
    const terminal = await loggedIn();
    const none = await terminal.read(ONE, { positions: {} }, TIMEOUT_MS);
    assert.ok(none.kind === "ok");
    assert.equal(none.broker_now_msc, null);
    await terminal.send(order(TAG));
    const one = await terminal.read(ONE, { positions: {} }, TIMEOUT_MS);
    assert.ok(one.kind === "ok" && one.broker_now_msc !== null);
    assert.ok(Math.abs(one.broker_now_msc - Date.now() - 3 * 3_600_000) < 60_000);
  });

  test("read() tells an unknown symbol, one that never ticked, and one that had to be selected apart", async () => {
    const terminal = await loggedIn();
    const read = async (symbol: string) => {
      const reply = await terminal.read(ONE, { symbol }, TIMEOUT_MS);
      assert.ok(reply.kind === "ok");
      return [reply.symbol?.name ?? null, reply.tick?.bid ?? null];
    };
    assert.deepEqual(await read("NOPE"), [null, null]);
    assert.deepEqual(await read("MUTE"), ["MUTE", null]);
    const [name, bid] = await read("GBPUSD.x");
    assert.equal(name, "GBPUSD.x");
    assert.ok(Number(bid) > 1);
  });

  test("read() never takes None for an empty list", async () => {
    const terminal = await loggedIn();
    for (const call of ["positions_get", "orders_get"]) {
      await control({ fail: { [call]: [-10004, "No IPC connection"] } });
      const reply = await terminal.read(ONE, { positions: {}, orders: {} }, TIMEOUT_MS);
      assert.deepEqual(reply, { kind: "failed", call, lastError: [-10004, "No IPC connection"] });
    }
  });

  test("read() refuses another account, the same login elsewhere, and none", async () => {
    const terminal = await loggedIn();
    assert.deepEqual(await terminal.read(NAMESAKE, {}, TIMEOUT_MS), { kind: "wrong_account", actual: ONE });
    await control({ switch: NAMESAKE });
    assert.deepEqual(await terminal.read(ONE, {}, TIMEOUT_MS), { kind: "wrong_account", actual: NAMESAKE });
    await control({ switch: null });
    assert.deepEqual(await terminal.read(ONE, {}, TIMEOUT_MS), { kind: "wrong_account", actual: null });
  });

  test("history() finds what carries the tag, in magic or in the comment, and nothing else", async () => {
    const terminal = await loggedIn();
    await terminal.send(order(TAG));
    await terminal.send(order(TAG + 1));
    const from = Math.floor(Date.now() / 1000) - 86_400;
    const find = async (tag: number) => {
      const reply = await terminal.history(ONE, { tag, from, to: from + 3 * 86_400 }, TIMEOUT_MS);
      assert.ok(reply.kind === "ok");
      return reply;
    };
    const found = await find(TAG);
    assert.deepEqual([found.orders.length, found.deals.length, found.open_orders.length], [1, 1, 0]);
    assert.equal(found.orders[0]?.magic, String(TAG));
    assert.equal(found.deals[0]?.order, found.orders[0]?.ticket);
    await execute("for o in mt5._t.account.old_orders: o['magic'] = 0");
    assert.equal((await find(TAG)).orders.length, 1);
    await execute("for o in mt5._t.account.old_orders: o['comment'] += 'z'");
    assert.equal((await find(TAG)).orders.length, 0);
    // Before the first deal history_deals_get gives None with a fine last_error: an empty period.
    const before = await terminal.history(ONE, { tag: TAG, from: 0, to: 1 }, TIMEOUT_MS);
    assert.ok(before.kind === "ok");
    await control({ connected: false });
    assert.equal((await terminal.history(ONE, { tag: TAG, from: 0, to: 1 }, TIMEOUT_MS)).kind, "failed");
    await control({ connected: true, switch: TWO });
    assert.equal((await terminal.history(ONE, { tag: TAG, from: 0, to: 1 }, TIMEOUT_MS)).kind, "wrong_account");
  });
});
