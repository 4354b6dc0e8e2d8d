import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendRequest, SendResultFacts, TickFacts } from "../mt5/mod.ts";
import type { AccountRef } from "../protocol.ts";
import { SimBroker } from "./sim-broker.ts";

/** A Wednesday; SATURDAY is the one after it. */
const NOON = Date.UTC(2026, 2, 4, 12);
const FAR_FUTURE_S = 4_000_000_000;
const SATURDAY = Date.UTC(2026, 2, 7, 12);
const hedging: AccountRef = { login: "5000001", server: "Switchyard-Demo" };
const netting: AccountRef = { login: "5000001", server: "Switchyard-Netting" };
const Buy = 0;
const Sell = 1;
const Fok = 0;
const Ioc = 1;
const Return = 2;

type Wish = Partial<SendRequest>;

function send(broker: SimBroker, account: AccountRef, wish: Wish, utcMs = NOON): SendResultFacts {
  const request = { action: 1, symbol: "EURUSD", type: Buy, volume: 0.1, type_filling: Fok, magic: 7, comment: "sy7" };
  const session = { account, access: "trade", isAutoTradingOn: true } as const;
  return broker.execute(session, { ...request, ...wish }, utcMs);
}

function tick(broker: SimBroker, symbol: string, utcMs = NOON): TickFacts {
  const found = broker.tick(hedging.server, symbol, utcMs);
  assert.ok(found);
  return found;
}

test("execute() answers each refusal with its return code and books nothing", () => {
  const broker = new SimBroker();
  const { bid, ask } = tick(broker, "EURUSD");
  const at = (price: number): number => Number(price.toFixed(5));
  const limit = { action: 5, type: 2, price: at(ask - 0.01), type_filling: Return };
  const rows: [name: string, wish: Wish, retcode: number][] = [
    ["unknown action", { action: 99 }, 10013],
    ["unknown symbol", { symbol: "NOSUCH" }, 10013],
    ["a pending type as a deal", { type: 2 }, 10035],
    ["a market type as a pending order", { ...limit, type: Buy }, 10035],
    ["volume off the step", { volume: 0.015 }, 10014],
    ["volume below the least", { volume: 0 }, 10014],
    ["volume above the most", { volume: 50.01 }, 10014],
    ["buy limit above the market", { ...limit, price: at(ask + 0.01) }, 10015],
    ["pending price off the tick", { ...limit, price: ask - 0.010001 }, 10015],
    ["pending price nearer than the stops level", { ...limit, price: at(ask - 0.00009) }, 10015],
    ["stop limit above its stop", { ...limit, type: 6, price: at(ask + 0.01), stoplimit: at(ask + 0.02) }, 10015],
    ["sl above a buy", { sl: at(bid + 0.01) }, 10016],
    ["sl nearer than the stops level", { sl: at(bid - 0.00009) }, 10016],
    ["tp below a buy", { tp: at(bid - 0.01) }, 10016],
    ["disabled symbol", { symbol: "USDRUB" }, 10017],
    ["no money", { volume: 50 }, 10019],
    ["expiry in the past", { ...limit, type_time: 2, expiration: 1_000_000_000 }, 10022],
    ["expiry kind that does not exist", { ...limit, type_time: 4 }, 10022],
    ["RETURN in market execution", { type_filling: Return }, 10030],
    ["BOC without a book", { ...limit, type_filling: 3 }, 10030],
    ["unknown position", { position: "1" }, 10036],
    ["levels of an unknown position", { action: 6, position: "1" }, 10036],
    ["sell of a long-only symbol", { symbol: "SOLAR", type: Sell, volume: 1 }, 10042],
    ["buy of a short-only symbol", { symbol: "COAL", volume: 1 }, 10043],
    ["opening in a close-only symbol", { symbol: "EURCHF" }, 10044],
    ["pending order in a close-only symbol", { ...limit, symbol: "EURCHF" }, 10044],
  ];
  for (const [name, wish, retcode] of rows) assert.equal(send(broker, hedging, wish).retcode, retcode, name);
  assert.deepEqual(broker.ledger(), []);
});

test("execute() accepts stops and prices exactly at the stops level", () => {
  const broker = new SimBroker();
  const { bid, ask } = tick(broker, "EURUSD");
  const at = (price: number): number => Number(price.toFixed(5));
  assert.equal(send(broker, hedging, { sl: at(bid - 0.0001), tp: at(bid + 0.0001) }).retcode, 10009);
  const limit = { action: 5, type: 2, price: at(ask - 0.0001), type_filling: Return };
  assert.equal(send(broker, hedging, limit).retcode, 10009);
});

test("execute() refuses with AutoTrading off, and for the investor password", () => {
  const broker = new SimBroker();
  const request = { action: 1, symbol: "EURUSD", type: Buy, volume: 0.1, magic: 7, comment: "" };
  const off = { account: hedging, access: "trade", isAutoTradingOn: false } as const;
  const investor = { account: hedging, access: "read", isAutoTradingOn: true } as const;
  assert.equal(broker.execute(off, request, NOON).retcode, 10027);
  assert.equal(broker.execute(investor, request, NOON).retcode, 10017);
});

test("execute() requotes in instant execution when the price is further off than the deviation", () => {
  const broker = new SimBroker();
  const { ask } = tick(broker, "GBPUSD");
  const off = (points: number): Wish => ({
    symbol: "GBPUSD",
    price: Number((ask - points * 1e-5).toFixed(5)),
    deviation: 5,
  });
  assert.equal(send(broker, hedging, off(6)).retcode, 10004);
  assert.equal(send(broker, hedging, off(5)).retcode, 10009);
  assert.equal(send(broker, hedging, { symbol: "GBPUSD", deviation: 5 }).retcode, 10015);
});

test("execute() fills by the symbol's own modes", () => {
  const broker = new SimBroker();
  const fills = (symbol: string, filling: number): number =>
    send(broker, hedging, { symbol, type_filling: filling, volume: symbol === "US500" ? 0.1 : 0.01 }).retcode;
  assert.deepEqual(
    [Fok, Ioc, Return].map((one) => fills("EURUSD", one)),
    [10009, 10009, 10030],
  );
  assert.deepEqual(
    [Fok, Ioc, Return].map((one) => fills("XAUUSD", one)),
    [10030, 10009, 10030],
  );
  assert.deepEqual(
    [Fok, Ioc, Return].map((one) => fills("US500", one)),
    [10030, 10030, 10009],
  );
});

test("markets rest at the broker's weekend when they are told to, all but the ones that never do", () => {
  const resting = new SimBroker({ weekends: "closed" });
  const bitcoin = { symbol: "BTCUSD", volume: 0.01 };
  assert.equal(send(resting, hedging, {}, SATURDAY).retcode, 10018);
  assert.equal(send(resting, hedging, bitcoin, SATURDAY).retcode, 10009);
  assert.equal(send(resting, hedging, {}, NOON).retcode, 10009);
  assert.equal(tick(resting, "EURUSD", SATURDAY).time_msc, tick(resting, "EURUSD", SATURDAY + 3_600_000).time_msc);
  assert.equal(send(new SimBroker(), hedging, {}, SATURDAY).retcode, 10009);
});

test("tick() carries the clock of its server", () => {
  const broker = new SimBroker();
  const time = (server: string): number | undefined => broker.tick(server, "EURUSD", NOON)?.time_msc;
  assert.equal(time("Switchyard-Demo"), NOON + 180 * 60_000);
  assert.equal(time("Switchyard-Netting"), NOON + 120 * 60_000);
});

test("pending orders count up to the account's limit", () => {
  const broker = new SimBroker();
  const limit = { action: 5, type: 2, price: 1, type_filling: Return, volume: 0.01 };
  for (let count = 0; count < 10; count += 1) assert.equal(send(broker, netting, limit).retcode, 10009);
  assert.equal(send(broker, netting, limit).retcode, 10033);
});

test("the volume limit of a symbol counts positions and orders of one direction", () => {
  const broker = new SimBroker();
  const bitcoin = { symbol: "BTCUSD", volume: 0.5 };
  const limit = { ...bitcoin, action: 5, type: 2, price: 1, type_filling: Return, volume: 9.5 };
  assert.equal(send(broker, { ...hedging, login: "5000003" }, bitcoin).retcode, 10009);
  assert.equal(send(broker, { ...hedging, login: "5000003" }, { ...limit, volume: 9.501 }).retcode, 10034);
});

test("closing books the profit that the position showed, and gives the margin back", () => {
  const broker = new SimBroker();
  const opened = send(broker, hedging, { volume: 1 });
  const later = NOON + 3_600_000;
  const before = broker.account(hedging, "trade", later);
  assert.ok(before.margin > 0);
  assert.equal(before.equity, Number((before.balance + before.profit).toFixed(2)));
  assert.equal(send(broker, hedging, { type: Sell, volume: 1, position: opened.order }, later).retcode, 10009);
  const after = broker.account(hedging, "trade", later);
  assert.equal(after.balance, before.equity);
  assert.deepEqual([after.margin, after.profit, after.margin_free], [0, 0, after.balance]);
});

test("a hedging account keeps one position per order; a named position cannot be enlarged", () => {
  const broker = new SimBroker();
  const opened = send(broker, hedging, {});
  send(broker, hedging, { type: Sell });
  assert.equal(broker.positions(hedging, NOON).length, 2);
  assert.equal(send(broker, hedging, { position: opened.order }).retcode, 10013);
  assert.equal(send(broker, hedging, { position: opened.order, symbol: "USDJPY", type: Sell }).retcode, 10013);
});

test("a netting account merges, reduces, closes and turns its one position", () => {
  const broker = new SimBroker();
  const shown = (): unknown[] =>
    broker.positions(netting, NOON).map((one) => [one.ticket, one.identifier, one.type, one.volume]);
  const first = send(broker, netting, { volume: 0.1 }).order;
  send(broker, netting, { volume: 0.2 });
  assert.deepEqual(shown(), [[first, first, Buy, 0.3]]);
  send(broker, netting, { type: Sell, volume: 0.1 });
  assert.deepEqual(shown(), [[first, first, Buy, 0.2]]);
  const turning = send(broker, netting, { type: Sell, volume: 0.3 }).order;
  assert.deepEqual(shown(), [[turning, first, Sell, 0.1]]);
  assert.equal(send(broker, netting, { volume: 0.2, position: turning }).retcode, 10038);
  send(broker, netting, { volume: 0.1, position: turning });
  assert.deepEqual(shown(), []);
  const entries = broker.history(netting, { tag: 7, from: 0, to: FAR_FUTURE_S }, NOON).deals.map((deal) => deal.entry);
  assert.deepEqual(entries, [0, 0, 1, 2, 1]);
});

test("closeBy needs two opposite positions of one symbol on a hedging account", () => {
  const broker = new SimBroker();
  const buy = send(broker, hedging, { volume: 0.3 }).order;
  const sell = send(broker, hedging, { type: Sell }).order;
  const balance = broker.account(hedging, "trade", NOON).balance;
  const by = (position: string, position_by: string): number =>
    send(broker, hedging, { action: 10, position, position_by }).retcode;
  assert.equal(by(buy, buy), 10013);
  assert.equal(by(buy, "1"), 10036);
  assert.equal(by(buy, sell), 10009);
  const { bid, ask } = tick(broker, "EURUSD");
  const spread = Number(((ask - bid) * 0.1 * 100_000).toFixed(2));
  assert.equal(broker.account(hedging, "trade", NOON).balance, Number((balance - spread).toFixed(2)));
  assert.deepEqual(
    broker.positions(hedging, NOON).map((one) => [one.ticket, one.volume]),
    [[buy, 0.2]],
  );
  assert.deepEqual(
    broker
      .history(hedging, { tag: 7, from: 0, to: FAR_FUTURE_S }, NOON)
      .deals.slice(-2)
      .map((deal) => [deal.entry, deal.volume]),
    [
      [3, 0.1],
      [3, 0.1],
    ],
  );
});

test("a pending order is changed, unchanged (10025) and removed", () => {
  const broker = new SimBroker();
  const placed = send(broker, hedging, { action: 5, type: 2, price: 1, type_filling: Return });
  const change = { action: 7, order: placed.order, price: 1.01, sl: 0.9, tp: 0 };
  assert.equal(send(broker, hedging, change).retcode, 10009);
  assert.equal(send(broker, hedging, change).retcode, 10025);
  const [order] = broker.orders(hedging, NOON);
  assert.deepEqual([order?.price_open, order?.sl], [1.01, 0.9]);
  assert.equal(send(broker, hedging, { action: 8, order: placed.order }).retcode, 10009);
  assert.equal(send(broker, hedging, { action: 8, order: placed.order }).retcode, 10013);
  assert.equal(send(broker, hedging, { ...change, price: 1.02 }).retcode, 10013);
});

test("toJSON() and fromJSON() carry accounts, history and tickets over, through text", () => {
  const broker = new SimBroker({ seed: 9, weekends: "closed" });
  const live = { login: "5000001", server: "Switchyard-Live" };
  const opened = send(broker, live, {});
  send(broker, live, { action: 5, type: 2, price: 1, type_filling: Return });
  const again = SimBroker.fromJSON(JSON.parse(JSON.stringify(broker)));
  assert.deepEqual(again.toJSON(), broker.toJSON());
  assert.deepEqual(again.account(live, "trade", NOON), broker.account(live, "trade", NOON));
  assert.deepEqual(again.ledger(), broker.ledger());
  const next = send(again, live, {});
  assert.ok(BigInt(next.order) > BigInt(opened.order));
  assert.equal(next.order, send(broker, live, {}).order);
});

test("fromJSON() takes deals that were written down without their money", () => {
  const broker = new SimBroker();
  send(broker, hedging, {});
  const state = JSON.parse(JSON.stringify(broker));
  const [deal] = state.accounts[0].book.deals;
  for (const name of ["profit", "swap", "commission", "fee"]) delete deal[name];
  const [read] = SimBroker.fromJSON(state).toJSON().accounts[0]?.book.deals ?? [];
  assert.deepEqual([read?.profit, read?.swap, read?.commission, read?.fee], [0, 0, 0, 0]);
});

test("fromJSON() refuses what is no state, and accounts that do not exist", () => {
  const state = JSON.parse(JSON.stringify(new SimBroker()));
  const book = { balance: 1, positions: [], pending: [], orders: [], deals: [] };
  assert.throws(() => SimBroker.fromJSON({ ...state, version: 2 }));
  assert.throws(() => SimBroker.fromJSON({ ...state, accounts: [{ login: "1", server: "Switchyard-Demo", book }] }));
});

test("a broker that was written down does not change with the one it was written from", () => {
  const broker = new SimBroker();
  send(broker, hedging, {});
  const written = broker.toJSON();
  send(broker, hedging, {});
  const again = SimBroker.fromJSON(written);
  assert.equal(again.ledger().length, 1);
  send(again, hedging, {});
  assert.equal(SimBroker.fromJSON(written).ledger().length, 1);
});

test("history() takes both ends of its time, in seconds of the broker's clock", () => {
  const broker = new SimBroker();
  send(broker, hedging, {}, NOON + 999);
  const second = (NOON + 180 * 60_000) / 1000;
  const count = (from: number, to: number): number => broker.history(hedging, { tag: 7, from, to }, NOON).deals.length;
  assert.deepEqual([count(second, second), count(second + 1, second + 9), count(second - 9, second - 1)], [1, 0, 0]);
});

test("history() goes by magic or by comment, and by no other number", () => {
  const broker = new SimBroker();
  send(broker, hedging, { magic: 7, comment: "" });
  send(broker, hedging, { magic: 0, comment: "sy7" });
  send(broker, hedging, { magic: 77, comment: "sy77" });
  assert.equal(broker.history(hedging, { tag: 7, from: 0, to: FAR_FUTURE_S }, NOON).orders.length, 2);
});
