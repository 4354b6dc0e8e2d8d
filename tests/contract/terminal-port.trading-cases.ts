// TP-20 … TP-43: what orders do at the broker, and what the broker refuses.
import assert from "node:assert/strict";
import { COMMENT_MAX_CHARS, tagComment } from "../../bridge-worker/src/mt5/mod.ts";
import {
  Action,
  assertNothingBooked,
  assertRetcode,
  Buy,
  closing,
  enter,
  execute,
  Filling,
  marketOrder,
  newTag,
  openPosition,
  order,
  positions,
  read,
  resultOf,
  Sell,
  type Wish,
} from "./terminal-port.acts.ts";
import type { Fixture, World } from "./terminal-port.harness.ts";
import type { ContractCase } from "./terminal-port.suite.ts";

const PENDING = [
  { id: "TP-32", name: "buy limit", type: 2, away: -1 },
  { id: "TP-33", name: "sell limit", type: 3, away: 1 },
  { id: "TP-34", name: "buy stop", type: 4, away: 1 },
  { id: "TP-35", name: "sell stop", type: 5, away: -1 },
  { id: "TP-36", name: "buy stop limit", type: 6, away: 1 },
  { id: "TP-37", name: "sell stop limit", type: 7, away: -1 },
] as const;
const FAR_POINTS = 500;

/** A pending order 500 points from the market; its limit, if it has one, 300 points back. */
async function pendingOrder(fixture: Fixture, world: World, type: number, away: number): Promise<Wish> {
  const { symbol, tick } = await read(fixture.port, world.main.account, { symbol: world.symbol });
  assert.ok(symbol && tick);
  const at = (points: number): number => Number((tick.bid + points * symbol.point).toFixed(symbol.digits));
  return {
    action: Action.Pending,
    symbol: world.symbol,
    type,
    volume: 0.02,
    price: at(away * FAR_POINTS),
    type_filling: Filling.Return,
    type_time: 0,
    ...(type >= 6 && { stoplimit: at(away * 200) }),
  };
}

function pendingCase(kind: (typeof PENDING)[number]): ContractCase {
  return {
    id: kind.id,
    promise: `a ${kind.name} order is placed, listed with its prices, and cancelled`,
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const wish = await pendingOrder(fixture, world, kind.type, kind.away);
      const placed = await execute(fixture, account, wish);
      assert.equal(placed.deal, "0");
      const listed = (await read(fixture.port, account, { orders: {} })).orders ?? [];
      assert.deepEqual(
        listed.map((one) => [one.ticket, one.type, one.state, one.price_open, one.price_stoplimit, one.volume_current]),
        [[placed.order, kind.type, 1, wish.price, wish.stoplimit ?? 0, 0.02]],
      );
      const removed = await execute(fixture, account, { action: Action.Remove, order: placed.order });
      assert.equal(removed.order, placed.order);
      assert.deepEqual((await read(fixture.port, account, { orders: {}, positions: {} })).orders, []);
      assert.equal((await fixture.orders()).length, 1);
    },
  };
}

export const tradingCases: readonly ContractCase[] = [
  {
    id: "TP-20",
    promise: "a market buy is done, with a deal and a position of that side and volume",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      const result = await execute(fixture, world.main.account, marketOrder(world, Buy, 0.1));
      assert.notEqual(result.deal, "0");
      const [position, ...more] = await positions(fixture.port, world.main.account);
      assert.deepEqual(more, []);
      assert.equal(position?.ticket, result.order);
      assert.equal(position?.type, Buy);
      assert.equal(position?.volume, 0.1);
      assert.equal(position?.price_open, result.price);
    },
  },
  {
    id: "TP-21",
    promise: "a market sell opens a second position beside a buy on a hedging account",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      await execute(fixture, world.main.account, marketOrder(world, Buy, 0.1));
      await execute(fixture, world.main.account, marketOrder(world, Sell, 0.1));
      const types = (await positions(fixture.port, world.main.account)).map((one) => one.type);
      assert.deepEqual(types.sort(), [Buy, Sell]);
    },
  },
  {
    id: "TP-22",
    promise: "the tag stands in magic and comment of the order at the broker and of its position",
    run: async (fixture, world) => {
      const { account } = world.main;
      const tag = newTag();
      await enter(fixture.port, world.main);
      const result = await execute(fixture, account, marketOrder(world, Buy, 0.01), { tag });
      const [booked] = await fixture.orders();
      const expected = { ...account, magic: String(tag), comment: tagComment(tag), ticket: result.order };
      assert.partialDeepStrictEqual(booked, expected);
      const [position] = await positions(fixture.port, account);
      assert.equal(position?.magic, String(tag));
      assert.equal(position?.comment, tagComment(tag));
    },
  },
  {
    id: "TP-23",
    promise: "tickets above 2^53 keep every digit on the way out and back",
    run: async (fixture, world) => {
      const { account } = world.bigTickets;
      await enter(fixture.port, world.bigTickets);
      const { order: ticket } = await execute(fixture, account, marketOrder(world, Buy, 0.01));
      assert.ok(BigInt(ticket) > 2n ** 53n);
      assert.equal((await fixture.orders())[0]?.ticket, ticket);
      const [position] = await positions(fixture.port, account);
      assert.ok(position);
      assert.equal(position.ticket, ticket);
      await execute(fixture, account, closing(position));
      assert.deepEqual(await positions(fixture.port, account), []);
    },
  },
  {
    id: "TP-24",
    promise: "stop loss and take profit are set with the order, changed, and removed with 0",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const { tick } = await read(fixture.port, account, { symbol: world.symbol });
      assert.ok(tick);
      const sl = Number((tick.bid - 0.01).toFixed(5));
      const tp = Number((tick.bid + 0.01).toFixed(5));
      const opened = await openPosition(fixture, account, marketOrder(world, Buy, 0.01, { sl, tp }));
      assert.deepEqual([opened.sl, opened.tp], [sl, tp]);
      const lower = Number((sl - 0.001).toFixed(5));
      const change = { action: Action.Levels, symbol: world.symbol, position: opened.ticket };
      await execute(fixture, account, { ...change, sl: lower, tp: 0 });
      const [position] = await positions(fixture.port, account);
      assert.deepEqual([position?.sl, position?.tp], [lower, 0]);
    },
  },
  {
    id: "TP-25",
    promise: "stop levels that are already so are 10025, no change",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const { ticket } = await openPosition(fixture, account, marketOrder(world, Buy, 0.01));
      await assertRetcode(fixture, account, { action: Action.Levels, position: ticket, sl: 0, tp: 0 }, 10025);
    },
  },
  {
    id: "TP-26",
    promise: "a partial close leaves the rest of the position under its ticket",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const opened = await openPosition(fixture, account, marketOrder(world, Buy, 0.3));
      await execute(fixture, account, closing(opened, 0.1));
      const left = await positions(fixture.port, account);
      assert.deepEqual(
        left.map((one) => [one.ticket, one.type, one.volume]),
        [[opened.ticket, Buy, 0.2]],
      );
    },
  },
  {
    id: "TP-27",
    promise: "a full close removes the position, and a second one is 10036",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const opened = await openPosition(fixture, account, marketOrder(world, Sell, 0.1));
      await execute(fixture, account, closing(opened));
      assert.deepEqual(await positions(fixture.port, account), []);
      await assertRetcode(fixture, account, closing(opened), 10036);
      assert.deepEqual(await positions(fixture.port, account), []);
    },
  },
  {
    id: "TP-28",
    promise: "a close of more than the position is 10038, and nothing is turned around",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const opened = await openPosition(fixture, account, marketOrder(world, Buy, 0.1));
      await assertRetcode(fixture, account, closing(opened, 0.2), 10038);
      assert.deepEqual(
        (await positions(fixture.port, account)).map((one) => [one.type, one.volume]),
        [[Buy, 0.1]],
      );
    },
  },
  {
    id: "TP-29",
    promise: "requirePosition: a close of a position that is gone is not sent",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const opened = await openPosition(fixture, account, marketOrder(world, Buy, 0.1));
      await execute(fixture, account, closing(opened));
      const requirePosition = { ticket: opened.ticket, type: Buy, minVolume: 0.1 };
      // Without `position`, so that a broker would open the opposite one.
      const wish = marketOrder(world, Sell, 0.1);
      const reply = await fixture.port.send(order(fixture, account, wish, { requirePosition }));
      assert.deepEqual(reply, { kind: "refused", reason: "position_changed" });
      assert.equal((await fixture.orders()).length, 2);
    },
  },
  {
    id: "TP-30",
    promise: "requirePosition: another side or a smaller volume than required is not sent, the required one is",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const opened = await openPosition(fixture, account, marketOrder(world, Buy, 0.1));
      for (const wrong of [
        { type: Sell, minVolume: 0.1 },
        { type: Buy, minVolume: 0.11 },
      ]) {
        const requirePosition = { ticket: opened.ticket, ...wrong };
        const reply = await fixture.port.send(order(fixture, account, closing(opened), { requirePosition }));
        assert.deepEqual(reply, { kind: "refused", reason: "position_changed" });
      }
      const requirePosition = { ticket: opened.ticket, type: Buy, minVolume: 0.1 };
      await execute(fixture, account, closing(opened), { requirePosition });
      assert.deepEqual(await positions(fixture.port, account), []);
    },
  },
  {
    id: "TP-31",
    promise: "netting: an opposite deal reduces the position, and a larger one turns it around",
    run: async (fixture, world) => {
      const { account } = world.netting;
      await enter(fixture.port, world.netting);
      const shown = async (): Promise<unknown> =>
        (await positions(fixture.port, account)).map((one) => [one.type, one.volume]);
      await execute(fixture, account, marketOrder(world, Buy, 0.03));
      await execute(fixture, account, marketOrder(world, Sell, 0.01));
      assert.deepEqual(await shown(), [[Buy, 0.02]]);
      await execute(fixture, account, marketOrder(world, Sell, 0.03));
      assert.deepEqual(await shown(), [[Sell, 0.01]]);
    },
  },
  ...PENDING.map(pendingCase),
  {
    id: "TP-38",
    promise: "cancelling an unknown order is refused by the broker and cancels no other",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      await execute(fixture, account, await pendingOrder(fixture, world, 2, -1));
      const reply = await fixture.port.send(order(fixture, account, { action: Action.Remove, order: "4242" }));
      assert.ok(![10008, 10009].includes(resultOf(reply).retcode));
      assert.equal((await read(fixture.port, account, { orders: {} })).orders?.length, 1);
    },
  },
  {
    id: "TP-39",
    promise: "a volume off the step, below the least or above the most is 10014",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      for (const volume of [0.015, 0.001, 100_000]) {
        await assertRetcode(fixture, world.main.account, marketOrder(world, Buy, volume), 10014);
      }
    },
  },
  {
    id: "TP-40",
    promise: "a stop on the wrong side, or nearer than the stops level, is 10016",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const { tick, symbol } = await read(fixture.port, account, { symbol: world.iocSymbol });
      assert.ok(tick && symbol && symbol.trade_stops_level > 10);
      const market = marketOrder(world, Buy, 0.01, { symbol: world.iocSymbol, type_filling: Filling.Ioc });
      const near = Number((tick.bid - 5 * symbol.point).toFixed(symbol.digits));
      const above = Number((tick.bid + 5).toFixed(symbol.digits));
      await assertRetcode(fixture, account, { ...market, sl: near }, 10016);
      await assertRetcode(fixture, account, { ...market, sl: above }, 10016);
    },
  },
  {
    id: "TP-41",
    promise: "a filling mode that the symbol does not have is 10030",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      const wish = marketOrder(world, Buy, 0.01, { symbol: world.iocSymbol, type_filling: Filling.Fok });
      await assertRetcode(fixture, world.main.account, wish, 10030);
    },
  },
  {
    id: "TP-42",
    promise: "a symbol that is not traded is 10017, and more than the money allows 10019",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      await assertRetcode(fixture, account, marketOrder(world, Buy, 1, { symbol: world.disabledSymbol }), 10017);
      await assertRetcode(fixture, account, marketOrder(world, Buy, 50), 10019);
    },
  },
  {
    id: "TP-43",
    promise: "an expiry in the broker's past is 10022, and a comment too long never leaves the terminal",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const pending = await pendingOrder(fixture, world, 2, -1);
      await assertRetcode(fixture, account, { ...pending, type_time: 2, expiration: 1_000_000_000 }, 10022);
      const comment = "x".repeat(COMMENT_MAX_CHARS + 1);
      const reply = await fixture.port.send(order(fixture, account, marketOrder(world, Buy, 0.01, { comment })));
      assert.ok(reply.kind === "sent");
      assert.equal(reply.result, null);
      assert.deepEqual(reply.lastError, [-2, 'Invalid "comment" argument']);
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-68",
    promise: "close-by: two opposite positions give up the smaller volume; the rest keeps its ticket",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const buy = await openPosition(fixture, account, marketOrder(world, Buy, 0.3));
      const sell = await openPosition(fixture, account, marketOrder(world, Sell, 0.1));
      await execute(fixture, account, { action: Action.CloseBy, position: buy.ticket, position_by: sell.ticket });
      const left = await positions(fixture.port, account);
      assert.deepEqual(
        left.map((one) => [one.ticket, one.type, one.volume]),
        [[buy.ticket, Buy, 0.2]],
      );
    },
  },
];
