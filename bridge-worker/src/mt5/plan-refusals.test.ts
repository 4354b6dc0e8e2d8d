// What a plan refuses before the broker is asked: each fault with its code and field, at its edge.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CommandRequest, TradeParams } from "../protocol.ts";
import { isRefusal, type PlanContext, planCommand, type Refusal } from "./plan.ts";
import {
  accountFacts,
  OFFSET_MS,
  orderFacts,
  positionFacts,
  reading,
  symbolFacts,
  terminalFacts,
  tickFacts,
  UTC_MS,
} from "./testdata/facts.ts";

function context(change: Partial<PlanContext> = {}): PlanContext {
  return {
    ...{ tag: 2 ** 41, reading: reading(), brokerOffsetMs: OFFSET_MS, utcMs: UTC_MS },
    ...{ refusedFillings: new Set<number>(), ...change },
  };
}
const tradeOf = (params: Partial<TradeParams>): CommandRequest => ({
  kind: "trade",
  params: { symbol: "EURUSD", order_type: "buy", volume: 0.1, ...params },
});
const limit = (params: Partial<TradeParams>): Partial<TradeParams> => ({
  order_type: "buy_limit",
  price: 1.09,
  ...params,
});

function refusal(request: CommandRequest, at = context()): Refusal {
  const plan = planCommand(request, at);
  if (!isRefusal(plan)) assert.fail(`not refused: ${JSON.stringify(plan)}`);
  return plan;
}
function passes(request: CommandRequest, at = context()): void {
  const plan = planCommand(request, at);
  if (isRefusal(plan)) assert.fail(`refused: ${plan.code} ${plan.detail}`);
}
/** The faulty fields of a refused order. */
function faults(params: Partial<TradeParams>, symbol = symbolFacts(), change: Partial<PlanContext> = {}): string[] {
  const refused = refusal(tradeOf(params), context({ reading: reading({ symbol }), ...change }));
  assert.equal(refused.code, "order_refused");
  assert.ok(refused.fields?.every(({ path, message }) => refused.detail.includes(`${path} ${message}`)));
  return refused.fields?.map(({ path }) => path) ?? [];
}
const fits = (params: Partial<TradeParams>, symbol = symbolFacts()): void =>
  passes(tradeOf(params), context({ reading: reading({ symbol }) }));

describe("an account or terminal that cannot trade", () => {
  const cases: Record<string, [Partial<PlanContext["reading"]>, RegExp]> = {
    "no connection": [{ terminal: terminalFacts({ connected: false }) }, /no connection/],
    "Python switched off": [{ terminal: terminalFacts({ tradeapi_disabled: true }) }, /Python API/],
    "AutoTrading off": [{ terminal: terminalFacts({ trade_allowed: false }) }, /AutoTrading/],
    "a read-only account": [{ account: accountFacts({ trade_allowed: false }) }, /read-only/],
    "no automated trading": [{ account: accountFacts({ trade_expert: false }) }, /automated/],
  };
  const requests: CommandRequest[] = [
    tradeOf({}),
    { kind: "close_position", params: { ticket: positionFacts().ticket } },
    { kind: "cancel_order", params: { ticket: orderFacts().ticket } },
  ];
  for (const [name, [change, message]] of Object.entries(cases)) {
    it(`is refused with its reason: ${name}`, () => {
      const at = context({ reading: reading({ positions: [positionFacts()], orders: [orderFacts()], ...change }) });
      for (const request of requests) {
        const refused = refusal(request, at);
        assert.equal(refused.code, "trading_not_allowed");
        assert.match(refused.detail, message);
      }
    });
  }
});

describe("a symbol without rules or quote", () => {
  it("is not found when the broker has none, or was not asked", () => {
    const { symbol: _symbol, ...unasked } = reading();
    for (const at of [reading({ symbol: null }), unasked]) {
      assert.equal(refusal(tradeOf({}), context({ reading: at })).code, "symbol_not_found");
    }
  });

  it("is refused when it has never ticked", () => {
    assert.equal(refusal(tradeOf({}), context({ reading: reading({ tick: null }) })).code, "order_refused");
  });
});

describe("volume", () => {
  it("lies on the step and between minimum and maximum, both included", () => {
    for (const volume of [0.01, 50]) fits({ volume });
    for (const volume of [0.015, 50.01, 0.001]) assert.deepStrictEqual(faults({ volume }), ["volume"]);
    assert.deepStrictEqual(faults({ volume: 0.1 }, symbolFacts({ volume_min: 0.2 })), ["volume"]);
  });
});

describe("prices", () => {
  for (const path of ["price", "stop_loss", "take_profit"] as const) {
    it(`${path} lies on the tick size`, () => {
      const good = limit({ stop_loss: 1.08, take_profit: 1.1 });
      assert.deepStrictEqual(faults({ ...good, [path]: (good[path] ?? 0) + 0.000005 }), [path]);
    });
  }

  it("stop_limit_price lies on the tick size", () => {
    const order = { order_type: "buy_stop_limit", price: 1.11 } as const;
    assert.deepStrictEqual(faults({ ...order, stop_limit_price: 1.105005 }), ["stop_limit_price"]);
  });

  it("that are next to nothing are not left out: that order would have no stop", () => {
    assert.deepStrictEqual(faults({ order_type: "buy", stop_loss: 1e-12 }), ["stop_loss"]);
    assert.deepStrictEqual(faults({ order_type: "sell", take_profit: 1e-12 }), ["take_profit"]);
  });

  it("follow the tick size and not the point, and the point where there is no tick size", () => {
    const coarse = { trade_stops_level: 0, trade_tick_size: 0.00025 };
    fits(limit({ price: 1.09025 }), symbolFacts(coarse));
    assert.deepStrictEqual(faults(limit({ price: 1.0903 }), symbolFacts(coarse)), ["price"]);
    fits(limit({ price: 1.0903 }), symbolFacts({ trade_tick_size: 0 }));
    assert.deepStrictEqual(faults(limit({ price: 1.090305 }), symbolFacts({ trade_tick_size: 0 })), ["price"]);
  });
});

describe("stops", () => {
  // A buy is measured from the bid 1.10000, a sell from the ask 1.10002; 10 points are the least distance.
  const edges: [Partial<TradeParams>, keyof TradeParams, number, number][] = [
    [{ order_type: "buy" }, "stop_loss", 1.0999, 1.09991],
    [{ order_type: "buy" }, "take_profit", 1.1001, 1.10009],
    [{ order_type: "sell" }, "stop_loss", 1.10012, 1.10011],
    [{ order_type: "sell" }, "take_profit", 1.09992, 1.09993],
    [limit({}), "stop_loss", 1.0899, 1.08991],
    [limit({}), "take_profit", 1.0901, 1.09009],
    [{ order_type: "sell_stop", price: 1.09 }, "stop_loss", 1.0901, 1.09009],
    [{ order_type: "sell_stop", price: 1.09 }, "take_profit", 1.0899, 1.08991],
    [{ order_type: "buy_stop_limit", price: 1.11, stop_limit_price: 1.105 }, "stop_loss", 1.1049, 1.10491],
    [{ order_type: "sell_stop_limit", price: 1.09, stop_limit_price: 1.095 }, "take_profit", 1.0949, 1.09491],
  ];
  for (const [order, path, farEnough, tooNear] of edges) {
    it(`${order.order_type}: ${path} at the broker's distance passes, one point nearer does not`, () => {
      fits({ ...order, [path]: farEnough });
      assert.deepStrictEqual(faults({ ...order, [path]: tooNear }), [path]);
    });
  }

  const wrongSides: [Partial<TradeParams>, string[]][] = [
    [{ order_type: "buy", stop_loss: 1.2, take_profit: 1.0 }, ["stop_loss", "take_profit"]],
    [{ order_type: "sell", stop_loss: 1.0, take_profit: 1.2 }, ["stop_loss", "take_profit"]],
    [limit({ stop_loss: 1.095 }), ["stop_loss"]],
  ];
  for (const [order, fields] of wrongSides) {
    it(`${order.order_type}: ${fields.join(" and ")} on the wrong side, also where the broker names no distance`, () => {
      assert.deepStrictEqual(faults(order, symbolFacts({ trade_stops_level: 0 })), fields);
    });
  }
});

describe("the symbol's own masks", () => {
  const modes: [number, ("buy" | "sell")[]][] = [
    [0, []],
    [1, ["buy"]],
    [2, ["sell"]],
    [3, []],
    [4, ["buy", "sell"]],
  ];
  for (const [trade_mode, allowed] of modes) {
    it(`trade mode ${trade_mode} opens ${allowed.join(" and ") || "nothing"}`, () => {
      for (const order_type of ["buy", "sell"] as const) {
        if (allowed.includes(order_type)) fits({ order_type }, symbolFacts({ trade_mode }));
        else assert.deepStrictEqual(faults({ order_type }, symbolFacts({ trade_mode })), ["symbol"]);
      }
    });
  }

  const orders: [Partial<TradeParams>, number][] = [
    [{ order_type: "buy" }, 1],
    [{ order_type: "sell" }, 1],
    [limit({}), 2],
    [{ order_type: "sell_limit", price: 1.11 }, 2],
    [{ order_type: "buy_stop", price: 1.11 }, 4],
    [{ order_type: "sell_stop", price: 1.09 }, 4],
    [{ order_type: "buy_stop_limit", price: 1.11, stop_limit_price: 1.105 }, 8],
    [{ order_type: "sell_stop_limit", price: 1.09, stop_limit_price: 1.095 }, 8],
  ];
  for (const [order, bit] of orders) {
    it(`${order.order_type} needs bit ${bit} of the order mode`, () => {
      fits(order, symbolFacts({ order_mode: bit }));
      assert.deepStrictEqual(faults(order, symbolFacts({ order_mode: 127 - bit })), ["order_type"]);
    });
  }

  const lives: [Partial<TradeParams>, number][] = [
    [limit({}), 1],
    [limit({ time_in_force: "gtc" }), 1],
    [limit({ time_in_force: "day" }), 2],
    [limit({ time_in_force: "specified", expires_at: "2026-03-03T10:00:00Z" }), 4],
    [limit({ time_in_force: "specified_day", expires_at: "2026-03-03T10:00:00Z" }), 8],
  ];
  for (const [order, bit] of lives) {
    it(`${order.time_in_force ?? "no time in force"} needs bit ${bit} of the expiration mode`, () => {
      fits(order, symbolFacts({ expiration_mode: bit }));
      assert.deepStrictEqual(faults(order, symbolFacts({ expiration_mode: 15 - bit })), ["time_in_force"]);
    });
  }

  it("says nothing about the life of a market order", () => fits({}, symbolFacts({ expiration_mode: 0 })));

  it("refuses a magic of the caller's own that could be taken for a tag", () => {
    for (const magic of [2 ** 40, "1099511627776", "18446744073709551615"]) {
      assert.deepStrictEqual(faults({ magic }, symbolFacts(), { passMagic: true }), ["magic"]);
    }
    fits({ magic: "18446744073709551615" });
  });

  it("refuses an order whose every filling mode was refused before", () => {
    assert.deepStrictEqual(faults({}, symbolFacts(), { refusedFillings: new Set([0, 1, 2]) }), ["filling"]);
  });
});

describe("times", () => {
  it("an expiry needs the broker's clock", () => {
    const order = limit({ time_in_force: "specified", expires_at: "2026-03-03T10:00:00Z" });
    assert.deepStrictEqual(faults(order, symbolFacts(), { brokerOffsetMs: undefined }), ["expires_at"]);
  });

  it("a quote may be exactly as old as allowed", () => {
    const aged = (ms: number): PlanContext =>
      context({ reading: reading({ tick: tickFacts({ time_msc: UTC_MS + OFFSET_MS - ms }) }) });
    passes(tradeOf({ max_quote_age_ms: 500 }), aged(500));
    passes(tradeOf({ max_quote_age_ms: 500 }), aged(-50));
    passes(tradeOf({}), aged(3_600_000));
    const refused = refusal(tradeOf({ max_quote_age_ms: 500 }), aged(501));
    assert.equal(refused.code, "quote_too_old");
    assert.match(refused.detail, /501 ms old, 500 ms/);
  });

  it("the age of a quote is not guessed while the broker's clock is not known", () => {
    const refused = refusal(tradeOf({ max_quote_age_ms: 600_000 }), context({ brokerOffsetMs: undefined }));
    assert.equal(refused.code, "quote_too_old");
    passes(tradeOf({}), context({ brokerOffsetMs: undefined }));
  });
});

it("all faults of an order are named at once", () => {
  const order = limit({ volume: 0.015, price: 1.090005, stop_loss: 1.2, time_in_force: "day" });
  const fields = faults(order, symbolFacts({ trade_mode: 3, order_mode: 1, expiration_mode: 1 }));
  assert.deepStrictEqual(fields, ["volume", "price", "stop_loss", "symbol", "order_type", "time_in_force"]);
});

describe("closing and cancelling", () => {
  const close = (ticket: string, volume?: number): CommandRequest => ({
    kind: "close_position",
    params: volume === undefined ? { ticket } : { ticket, volume },
  });
  const position = positionFacts();
  const held = (change: Partial<PlanContext["reading"]> = {}): PlanContext =>
    context({ reading: reading({ positions: [position], ...change }) });

  it("an unknown position is not found, nor one whose symbol or list was not read", () => {
    assert.equal(refusal(close("5"), held()).code, "position_not_found");
    const { positions: _positions, ...unread } = reading();
    assert.equal(refusal(close(position.ticket), context({ reading: unread })).code, "position_not_found");
    assert.equal(refusal(close(position.ticket), held({ symbol: null })).code, "position_not_found");
  });

  it("more than the position's volume would reverse it and is refused, as is a volume off the grid", () => {
    for (const volume of [0.51, 0.255, 1e-12]) {
      const refused = refusal(close(position.ticket, volume), held());
      assert.equal(refused.code, "order_refused");
      assert.deepStrictEqual(
        refused.fields?.map(({ path }) => path),
        ["volume"],
      );
    }
  });

  it("a position without a quote is not closed", () => {
    assert.equal(refusal(close(position.ticket), held({ tick: null })).code, "order_refused");
  });

  it("a close is sent although every filling mode was refused before", () => {
    for (const filling_mode of [0, 1, 2, 3]) {
      const refusedFillings = new Set([0, 1, 2]);
      passes(close(position.ticket), { ...held({ symbol: symbolFacts({ filling_mode }) }), refusedFillings });
    }
  });

  it("a position of a symbol that may only be closed is closed", () => {
    passes(close(position.ticket), held({ symbol: symbolFacts({ trade_mode: 3 }) }));
  });

  it("an unknown order is not found", () => {
    const cancel: CommandRequest = { kind: "cancel_order", params: { ticket: "5" } };
    assert.equal(refusal(cancel, context({ reading: reading({ orders: [orderFacts()] }) })).code, "order_not_found");
  });
});
