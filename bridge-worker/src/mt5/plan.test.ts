// The exact request for every command and order type, and the choice of the filling mode. What is refused before the
// send: plan-refusals.test.ts.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OrderType, TradeParams } from "../protocol.ts";
import { chooseFilling, isRefusal, type Plan, type PlanContext, partsFor, planCommand } from "./plan.ts";
import { tagComment } from "./tag.ts";
import { OFFSET_MS, orderFacts, positionFacts, reading, symbolFacts, UTC_MS } from "./testdata/facts.ts";

const TAG = 2 ** 41 + 99;
const MARKS = { magic: TAG, comment: tagComment(TAG) };
const FOK = 0;
const IOC = 1;
const RETURN = 2;

function context(change: Partial<PlanContext> = {}): PlanContext {
  return {
    ...{ tag: TAG, reading: reading(), brokerOffsetMs: OFFSET_MS, utcMs: UTC_MS, refusedFillings: new Set<number>() },
    ...change,
  };
}

function planned(request: Parameters<typeof planCommand>[0], at = context()): Plan {
  const plan = planCommand(request, at);
  if (isRefusal(plan)) assert.fail(`refused: ${plan.code} ${plan.detail}`);
  return plan;
}
const trade = (params: Partial<TradeParams>, at?: PlanContext): Plan =>
  planned({ kind: "trade", params: { symbol: "EURUSD", order_type: "buy", volume: 0.1, ...params } }, at);

describe("planCommand: trade", () => {
  const market: [OrderType, object][] = [
    ["buy", { type: 0, price: 1.10002 }],
    ["sell", { type: 1, price: 1.1 }],
  ];
  for (const [order_type, expected] of market) {
    it(`makes the whole request of a ${order_type}`, () => {
      // The caller's own magic and comment stay in the ledger: at the broker stands the tag.
      assert.deepStrictEqual(trade({ order_type, magic: 7, comment: "mine" }), {
        request: {
          ...{ action: 1, symbol: "EURUSD", volume: 0.1, sl: 0, tp: 0, deviation: 20, type_filling: FOK, type_time: 0 },
          ...expected,
          ...MARKS,
        },
        effect: { opens: true, symbol: "EURUSD", volume: 0.1 },
      });
    });
  }

  const pending: [OrderType, number, Partial<TradeParams>, object][] = [
    ["buy_limit", 2, { price: 1.09 }, {}],
    ["sell_limit", 3, { price: 1.11 }, {}],
    ["buy_stop", 4, { price: 1.11 }, {}],
    ["sell_stop", 5, { price: 1.09 }, {}],
    ["buy_stop_limit", 6, { price: 1.11, stop_limit_price: 1.105 }, { stoplimit: 1.105 }],
    ["sell_stop_limit", 7, { price: 1.09, stop_limit_price: 1.095 }, { stoplimit: 1.095 }],
  ];
  for (const [order_type, type, params, expected] of pending) {
    it(`makes the whole request of a ${order_type}`, () => {
      assert.deepStrictEqual(trade({ order_type, ...params }), {
        request: {
          ...{ action: 5, symbol: "EURUSD", volume: 0.1, type, price: params.price, ...expected },
          ...{ sl: 0, tp: 0, type_filling: RETURN, type_time: 0 },
          ...MARKS,
        },
        effect: { opens: true, symbol: "EURUSD", volume: 0.1 },
      });
    });
  }

  it("passes a caller's own magic on where the account wants it, with the tag in the comment alone", () => {
    const passing = context({ passMagic: true });
    for (const magic of [0, 77, "77", 2 ** 40 - 1]) {
      const plan = trade({ magic }, passing);
      const { request, ownMagic } = plan;
      assert.deepStrictEqual([request.magic, request.comment, ownMagic], [Number(magic), tagComment(TAG), true]);
    }
  });

  it("sends the tag as magic where the caller gave none, or the account does not pass it on", () => {
    for (const { request, ownMagic } of [
      trade({}, context({ passMagic: true })),
      trade({ magic: 77 }, context({ passMagic: false })),
      trade({ magic: 77 }),
    ]) {
      assert.deepStrictEqual([request.magic, request.comment, ownMagic], [TAG, tagComment(TAG), undefined]);
    }
  });

  it("carries stops, deviation and an explicit filling", () => {
    const { request } = trade({ stop_loss: 1.09, take_profit: 1.12, deviation_points: 0, filling: "return" });
    assert.deepStrictEqual([request.sl, request.tp, request.deviation, request.type_filling], [1.09, 1.12, 0, RETURN]);
  });

  it("cleans float noise from volume and prices before they are sent", () => {
    const { request, effect } = trade({ volume: 0.1 + 0.2, stop_loss: 1.09 + 2e-16, order_type: "buy" });
    assert.deepStrictEqual([request.volume, effect.volume, request.sl], [0.3, 0.3, 1.09]);
  });

  const times: [TradeParams["time_in_force"], number][] = [
    ["gtc", 0],
    ["day", 1],
    ["specified", 2],
    ["specified_day", 3],
  ];
  for (const [time_in_force, type_time] of times) {
    it(`writes ${time_in_force}, and an expiry in seconds of the broker's clock`, () => {
      const expires = type_time < 2 ? {} : { expires_at: "2026-03-03T10:00:00+01:00" };
      const { request } = trade({ order_type: "buy_limit", price: 1.09, time_in_force, ...expires });
      assert.equal(request.type_time, type_time);
      // 09:00 UTC is 11:00 at a broker two hours ahead.
      assert.equal(request.expiration, type_time < 2 ? undefined : Date.UTC(2026, 2, 3, 11) / 1000);
    });
  }
});

describe("planCommand: close_position", () => {
  const closing = (change: Parameters<typeof positionFacts>[0], volume?: number): Plan => {
    const position = positionFacts(change);
    const params = { ticket: position.ticket, ...(volume === undefined ? {} : { volume }) };
    return planned({ kind: "close_position", params }, context({ reading: reading({ positions: [position] }) }));
  };
  const common = { action: 1, symbol: "EURUSD", position: "9007199254740993", deviation: 20, type_filling: FOK };

  it("closes a bought position whole with a sell at the bid, and has the guard compare it", () => {
    assert.deepStrictEqual(closing({ type: 0 }), {
      request: { ...common, volume: 0.5, type: 1, price: 1.1, ...MARKS },
      requirePosition: { ticket: "9007199254740993", type: 0, minVolume: 0.5 },
      effect: { opens: false, symbol: "EURUSD", volume: 0.5 },
    });
  });

  it("marks a close with the tag, also where own magics are passed on", () => {
    const position = positionFacts();
    const at = context({ reading: reading({ positions: [position] }), passMagic: true });
    const plan = planned({ kind: "close_position", params: { ticket: position.ticket } }, at);
    assert.deepStrictEqual(
      [plan.request.magic, plan.request.comment, plan.ownMagic],
      [TAG, tagComment(TAG), undefined],
    );
  });

  it("closes a sold position in part with a buy at the ask", () => {
    assert.deepStrictEqual(closing({ type: 1 }, 0.2), {
      request: { ...common, volume: 0.2, type: 0, price: 1.10002, ...MARKS },
      requirePosition: { ticket: "9007199254740993", type: 1, minVolume: 0.2 },
      effect: { opens: false, symbol: "EURUSD", volume: 0.2 },
    });
  });

  it("closes the whole with the position's own volume, also when that is off today's grid", () => {
    assert.equal(closing({ volume: 0.333 }).request.volume, 0.333);
  });

  it("takes exactly the position's volume as a part", () => {
    assert.equal(closing({ volume: 0.5 }, 0.5).request.volume, 0.5);
  });

  it("finds the one position among others, by its exact ticket", () => {
    const [mine, other] = [positionFacts({ volume: 0.1 }), positionFacts({ ticket: "9007199254740992", volume: 9 })];
    const at = context({ reading: reading({ positions: [other, mine] }) });
    const plan = planned({ kind: "close_position", params: { ticket: mine.ticket } }, at);
    assert.equal(plan.request.volume, 0.1);
  });
});

describe("planCommand: cancel_order", () => {
  it("removes the order by its ticket and adds no exposure", () => {
    const order = orderFacts();
    const at = context({ reading: reading({ orders: [order] }) });
    assert.deepStrictEqual(planned({ kind: "cancel_order", params: { ticket: order.ticket } }, at), {
      request: { action: 8, order: "18446744073709551615", ...MARKS },
      effect: { opens: false, symbol: "EURUSD", volume: 0 },
    });
  });
});

describe("chooseFilling", () => {
  const cases: [string, OrderType, number, number[], number | undefined][] = [
    ["FOK first, where the symbol has it", "buy", 3, [], FOK],
    ["IOC where there is no FOK", "sell", 2, [], IOC],
    ["RETURN where the mask is empty", "buy", 0, [], RETURN],
    ["the next one after a refusal", "buy", 3, [FOK], IOC],
    ["RETURN when both were refused", "buy", 3, [FOK, IOC], RETURN],
    ["nothing when all were refused", "buy", 3, [FOK, IOC, RETURN], undefined],
    ["nothing of what the mask does not have", "buy", 1, [FOK, RETURN], undefined],
    ["RETURN first for pending orders", "buy_limit", 3, [], RETURN],
    ["FOK for a pending order where RETURN was refused", "sell_stop", 3, [RETURN], FOK],
    ["not BOC, which the mask's third bit means", "buy", 4, [], RETURN],
  ];
  for (const [name, order_type, filling_mode, refused, expected] of cases) {
    it(`takes ${name}`, () => {
      const symbol = symbolFacts({ filling_mode });
      assert.equal(chooseFilling({ order_type }, symbol, new Set(refused)), expected);
      assert.equal(chooseFilling({ order_type, filling: "auto" }, symbol, new Set(refused)), expected);
    });
  }

  it("does what the caller says, without a second opinion", () => {
    const symbol = symbolFacts({ filling_mode: 1 });
    assert.equal(chooseFilling({ order_type: "buy", filling: "ioc" }, symbol, new Set([IOC])), IOC);
  });
});

describe("partsFor", () => {
  it("asks in one reading for what the plan and the limits need", () => {
    const lists = { positions: {}, orders: {} };
    const params = { symbol: "EURUSD", order_type: "buy", volume: 1 } as const;
    assert.deepStrictEqual(partsFor({ kind: "trade", params }), { symbol: "EURUSD", ...lists });
    assert.deepStrictEqual(partsFor({ kind: "close_position", params: { ticket: "5" } }), { symbolOf: "5", ...lists });
    assert.deepStrictEqual(partsFor({ kind: "cancel_order", params: { ticket: "5" } }), lists);
  });
});
