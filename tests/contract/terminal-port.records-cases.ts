// TP-85 … TP-90: an account's history, page by page.
import assert from "node:assert/strict";
import type { DealFacts, OrderFacts, RecordsQuery, TerminalPort } from "../../bridge-worker/src/mt5/mod.ts";
import type { AccountRef } from "../../bridge-worker/src/protocol.ts";
import {
  Action,
  Buy,
  enter,
  execute,
  Filling,
  marketOrder,
  openPosition,
  read,
  Sell,
  TIMEOUT_MS,
  until,
} from "./terminal-port.acts.ts";
import type { Fixture, World } from "./terminal-port.harness.ts";
import type { ContractCase } from "./terminal-port.suite.ts";

const DAY_MS = 86_400_000;

/** A day on both sides of the broker's clock. */
async function around(port: TerminalPort, { main, symbol }: World): Promise<{ fromMsc: number; toMsc: number }> {
  const { broker_now_msc } = await read(port, main.account, { symbol });
  assert.ok(broker_now_msc);
  return { fromMsc: broker_now_msc - DAY_MS, toMsc: broker_now_msc + DAY_MS };
}

type Page = { orders: OrderFacts[]; deals: DealFacts[]; truncated: boolean };
async function page(port: TerminalPort, account: AccountRef, query: RecordsQuery): Promise<Page> {
  const reply = await port.records(account, query, TIMEOUT_MS);
  assert.ok(reply.kind === "ok", JSON.stringify(reply));
  assert.deepEqual(reply.account, account);
  return reply;
}

const ticketsOf = (rows: readonly { ticket: string }[]): string[] => rows.map(({ ticket }) => ticket);

/** Three trades; their deals and orders, newest first. */
async function threeTrades(fixture: Fixture, world: World): Promise<{ deals: string[]; orders: string[] }> {
  const { account } = world.main;
  await enter(fixture.port, world.main);
  const made = [];
  for (let nth = 0; nth < 3; nth += 1) made.unshift(await execute(fixture, account, marketOrder(world, Buy, 0.01)));
  return { deals: made.map(({ deal }) => deal), orders: made.map(({ order }) => order) };
}

export const recordsCases: readonly ContractCase[] = [
  {
    id: "TP-85",
    promise: "records come newest first, and page after page every one of them once",
    run: async (fixture, world) => {
      const { port } = fixture;
      const { account } = world.main;
      const { deals, orders } = await threeTrades(fixture, world);
      const query: RecordsQuery = { ...(await around(port, world)), list: "deals", limit: 2 };
      const first = await page(port, account, query);
      assert.deepEqual([ticketsOf(first.deals), first.orders, first.truncated], [deals.slice(0, 2), [], true]);
      const last = first.deals[1];
      assert.ok(last);
      const before = { timeMsc: last.time_msc, ticket: last.ticket };
      const second = await page(port, account, { ...query, before });
      assert.deepEqual([ticketsOf(second.deals), second.truncated], [deals.slice(2), false]);
      const done = await page(port, account, { ...query, list: "orders", limit: 3 });
      assert.deepEqual([ticketsOf(done.orders), done.deals, done.truncated], [orders, [], false]);
    },
  },
  {
    id: "TP-86",
    promise: "records of one time are in the order of their tickets, which are numbers",
    run: async (fixture, world) => {
      const { port } = fixture;
      const { account } = world.main;
      const { deals } = await threeTrades(fixture, world);
      const query: RecordsQuery = { ...(await around(port, world)), list: "deals", limit: 9 };
      const [newest] = (await page(port, account, query)).deals;
      assert.ok(newest && newest.ticket === deals[0]);
      const at = async (ticket: bigint | string): Promise<boolean> => {
        const before = { timeMsc: newest.time_msc, ticket: String(ticket) };
        return ticketsOf((await page(port, account, { ...query, before })).deals).includes(newest.ticket);
      };
      const shown = [await at(BigInt(newest.ticket) + 1n), await at(newest.ticket), await at("9")];
      assert.deepEqual(shown, [true, false, false]);
    },
  },
  {
    id: "TP-87",
    promise: "a period begins with its first millisecond and ends before its last",
    run: async (fixture, world) => {
      const { port } = fixture;
      const { account } = world.main;
      await enter(port, world.main);
      await execute(fixture, account, marketOrder(world, Buy, 0.01));
      for (const list of ["deals", "orders"] as const) {
        const query: RecordsQuery = { ...(await around(port, world)), list, limit: 9 };
        const { deals, orders } = await page(port, account, query);
        const earliest = deals[0]?.time_msc ?? orders[0]?.time_setup_msc ?? 0;
        const latest = deals[0]?.time_msc ?? orders[0]?.time_done_msc ?? 0;
        const count = async (fromMsc: number, toMsc: number): Promise<number> => {
          const found = await page(port, account, { ...query, fromMsc, toMsc });
          return found.deals.length + found.orders.length;
        };
        assert.deepEqual(
          [
            await count(earliest, latest + 1),
            await count(latest + 1, query.toMsc),
            await count(query.fromMsc, earliest),
          ],
          [1, 0, 0],
          list,
        );
      }
    },
  },
  {
    id: "TP-88",
    promise: "records of a position are its own alone: what opened it and what closed it, with the money of the close",
    run: async (fixture, world) => {
      const { port } = fixture;
      const { account } = world.main;
      await enter(port, world.main);
      const { ticket } = await openPosition(fixture, account, marketOrder(world, Buy, 0.02));
      await execute(fixture, account, marketOrder(world, Buy, 0.01));
      const closed = await execute(fixture, account, marketOrder(world, Sell, 0.02, { position: ticket }));
      const query: RecordsQuery = { ...(await around(port, world)), list: "deals", limit: 9, position: ticket };
      const { deals } = await page(port, account, query);
      assert.deepEqual(
        deals.map(({ position_id, entry, type, volume }) => [position_id, entry, type, volume]),
        [
          [ticket, 1, Sell, 0.02],
          [ticket, 0, Buy, 0.02],
        ],
      );
      assert.ok(deals.every((deal) => [deal.profit, deal.swap, deal.commission, deal.fee].every(Number.isFinite)));
      const { orders } = await page(port, account, { ...query, list: "orders" });
      assert.deepEqual(ticketsOf(orders), [closed.order, ticket]);
    },
  },
  {
    id: "TP-89",
    promise: "a pending order is no record before it is done, and then stands where it was done",
    run: async (fixture, world) => {
      const { port } = fixture;
      const { account } = world.main;
      await enter(port, world.main);
      const { tick } = await read(port, account, { symbol: world.symbol });
      assert.ok(tick);
      const price = Number((tick.bid - 0.01).toFixed(5));
      const limit = { action: Action.Pending, symbol: world.symbol, type: 2, volume: 0.01, price };
      const placed = await execute(fixture, account, { ...limit, type_filling: Filling.Return });
      const query: RecordsQuery = { ...(await around(port, world)), list: "orders", limit: 9 };
      assert.deepEqual((await page(port, account, query)).orders, []);
      const bought = await execute(fixture, account, marketOrder(world, Buy, 0.01));
      const [market] = (await page(port, account, query)).orders;
      // Another millisecond: or the tickets would decide.
      await until(async () => {
        const { broker_now_msc } = await read(port, account, { symbol: world.symbol });
        return broker_now_msc !== null && broker_now_msc > (market?.time_done_msc ?? 0);
      });
      await execute(fixture, account, { action: Action.Remove, order: placed.order });
      assert.deepEqual(ticketsOf((await page(port, account, query)).orders), [placed.order, bought.order]);
    },
  },
  {
    id: "TP-90",
    promise:
      "records that cannot be read are a failure, never an empty page; those of another account are wrong_account",
    run: async (fixture, world) => {
      const { port } = fixture;
      const { main, second } = world;
      await enter(port, main);
      const query: RecordsQuery = { ...(await around(port, world)), list: "deals", limit: 9 };
      const foreign = await port.records(second.account, query, TIMEOUT_MS);
      assert.deepEqual(foreign, { kind: "wrong_account", actual: main.account });
      await fixture.failNextRead("history_deals_get", [-10004, "No IPC connection"]);
      const failed = await port.records(main.account, query, TIMEOUT_MS);
      const lastError = [-10004, "No IPC connection"];
      assert.deepEqual(failed, { kind: "failed", call: "history_deals_get", lastError });
      await fixture.set({ connected: false });
      assert.equal((await port.records(main.account, query, TIMEOUT_MS)).kind, "failed");
    },
  },
];
