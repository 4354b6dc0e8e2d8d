// What proves an order in the broker's records, and what only looks like it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OpenIntent } from "../journal/mod.ts";
import { intentOf } from "../journal/testdata/entries.ts";
import { type DealFacts, type History, type OrderFacts, tagComment } from "../mt5/mod.ts";
import { orderFacts } from "../mt5/testdata/facts.ts";
import { judgeRecords, ticketsOf } from "./judge-records.ts";

const TAG = 2 ** 40 + 1;
const plan = { action: 1, symbol: "EURUSD", type: 0, volume: 0.5, magic: TAG, comment: tagComment(TAG) };
const pending = { ...plan, action: 5, type: 2 };
const removal = { action: 8, order: "77", magic: TAG, comment: tagComment(TAG) };

function open(change: Partial<OpenIntent> = {}): OpenIntent {
  return { ...intentOf(1, { tag: TAG, plan }), begunAt: 0, acknowledged: false, evidence: null, ...change };
}
function order(change: Partial<OrderFacts> = {}): OrderFacts {
  return orderFacts({ ticket: "11", type: 0, state: 4, magic: String(TAG), position_id: "21", ...change });
}
function deal(change: Partial<DealFacts> = {}): DealFacts {
  return {
    ...{ ticket: "31", order: "11", position_id: "21", symbol: "EURUSD", type: 0, entry: 0, reason: 3 },
    ...{ profit: 0, swap: 0, commission: 0, fee: 0 },
    ...{ volume: 0.5, price: 1.1, magic: String(TAG), comment: "", time_msc: 1 },
    ...change,
  };
}
function records(change: Partial<History> = {}): History {
  const { account } = open();
  return { kind: "ok", account, open_orders: [], orders: [], deals: [], counts: { orders: 0, deals: 0 }, ...change };
}
const verdict = (intent: OpenIntent, found: History): string => {
  const finding = judgeRecords(intent, found);
  return finding.kind === "settled" ? finding.outcome.state : finding.kind;
};

describe("judgeRecords", () => {
  it("finds the order by its magic: done, with its tickets, and no return code that nobody saw", () => {
    const finding = judgeRecords(open(), records({ orders: [order()], deals: [deal()] }));
    assert.ok(finding.kind === "settled" && finding.outcome.state === "done");
    assert.deepEqual(finding.outcome.result, {
      ...{ retcode: null, retcode_name: null, order_ticket: "11", deal_ticket: "31", position_ticket: "21" },
      ...{ price: 1.1, volume: 0.5, filled_volume: 0.5 },
    });
    assert.equal(finding.outcome.evidence?.matched, "magic");
  });

  it("weighs the fills of one order: several deals are one order", () => {
    const deals = [deal({ volume: 0.2, price: 1.1 }), deal({ ticket: "32", volume: 0.3, price: 1.2 })];
    const finding = judgeRecords(open(), records({ orders: [order()], deals }));
    assert.ok(finding.kind === "settled" && finding.outcome.state === "done");
    assert.deepEqual([finding.outcome.result.price, finding.outcome.result.filled_volume], [1.16, 0.5]);
  });

  const comment = tagComment(TAG);
  const stop = order({ ticket: "12", reason: 4 });
  const stopped = deal({ ticket: "32", order: "12", reason: 5 });
  const cancelled = (volume_current: number): OrderFacts => order({ state: 2, volume_current });
  const rejected = (volume_current: number): OrderFacts => order({ state: 5, volume_current });
  const rows: [string, string, OpenIntent, Partial<History>][] = [
    ["the comment's front is as good where the magic is lost", "done", open(), tagged({ magic: "0" })],
    ["a comment that a server has added to", "done", open(), tagged({ magic: "0" }, `${tagComment(TAG)} [x]`)],
    ["a longer number in the comment is another tag", "nothing", open(), tagged({ magic: "0" }, `${tagComment(TAG)}0`)],
    ["no trace", "nothing", open(), {}],
    ["the same symbol, side and volume without the tag is nothing", "nothing", open(), tagged({ magic: "5" }, "")],
    ["another symbol under the tag is unclear", "unclear", open(), { orders: [order({ symbol: "GBPUSD" })] }],
    ["another side under the tag is unclear", "unclear", open(), { orders: [order({ type: 1 })] }],
    ["another volume under the tag is unclear", "unclear", open(), { orders: [order({ volume_initial: 0.4 })] }],
    ["two orders under one tag are unclear", "unclear", open(), { orders: [order(), order({ ticket: "12" })] }],
    ["a deal alone is unclear", "unclear", open(), { deals: [deal()] }],
    ["an order placed by hand is unclear", "unclear", open(), { orders: [order({ reason: 0 })] }],
    ["a deal alone is a trace also by its comment", "unclear", open(), { deals: [deal({ magic: "0", comment })] }],
    ["a stop's order that inherited the magic is no proof, but a trace", "unclear", open(), { orders: [stop] }],
    ["a stop's deal that inherited the magic is no proof, but a trace", "unclear", open(), { deals: [stopped] }],
    ["a stop's order beside ours is not counted", "done", open(), { orders: [order(), stop] }],
    ["one order in both lists is one order", "done", open(), { orders: [order()], open_orders: [order({ state: 1 })] }],
    ["an order in transition is unclear", "unclear", open(), { open_orders: [order({ state: 0 })] }],
    ["a rejected order is rejected", "rejected", open(), { orders: [rejected(0.5)] }],
    ["one rejected after a part was filled is done", "done", open(), { orders: [rejected(0.2)], deals: [deal()] }],
    ["a rejected one of which a part is gone is unclear", "unclear", open(), { orders: [rejected(0.2)] }],
    ["a market order cancelled unfilled is rejected", "rejected", open(), { orders: [cancelled(0.5)] }],
    ["one of which a part is gone is unclear while no deal shows", "unclear", open(), { orders: [cancelled(0.2)] }],
    ["one cancelled after a part was filled is done", "done", open(), { orders: [cancelled(0.2)], deals: [deal()] }],
    [
      "a pending order that was removed later was placed",
      "done",
      open({ plan: pending }),
      { orders: [order({ type: 2, state: 2 })] },
    ],
    [
      "a working pending order is done",
      "done",
      open({ plan: pending }),
      { open_orders: [order({ type: 2, state: 1 })] },
    ],
  ];
  for (const [name, expected, intent, found] of rows) {
    it(name, () => assert.equal(verdict(intent, records(found)), expected));
  }

  it("goes by the comment alone where the caller's own magic was passed on", () => {
    const passed = open({ plan: { ...plan, magic: 7 } });
    assert.equal(verdict(passed, records(tagged({ magic: "7" }))), "done");
    assert.equal(verdict(passed, records(tagged({ magic: "7" }, ""))), "nothing");
    assert.equal(verdict(passed, records({ deals: [deal({ magic: "7", comment })] })), "unclear");
  });
});

describe("judgeRecords of a removal", () => {
  const intent = open({ kind: "cancel_order", plan: removal });
  const target = (state: number): OrderFacts => orderFacts({ ticket: "77", state });
  const rows: [string, string, Partial<History>][] = [
    ["the order is cancelled: the goal is reached", "done", { orders: [target(2)] }],
    ["the order was filled first", "not_executed", { orders: [target(4)] }],
    ["the order expired first", "not_executed", { orders: [target(6)] }],
    ["the order is still working: nothing so far", "nothing", { open_orders: [target(1)] }],
    ["the order is just being removed: no sign that it will stay", "unclear", { open_orders: [target(9)] }],
    ["an order filled in part that is still working", "nothing", { open_orders: [target(3)] }],
    ["the order is in no record", "unclear", {}],
  ];
  for (const [name, expected, found] of rows) it(name, () => assert.equal(verdict(intent, records(found)), expected));

  it("says that the order was filled: nothing about it was proven absent", () => {
    const finding = judgeRecords(intent, records({ orders: [target(4)] }));
    assert.ok(finding.kind === "settled" && finding.outcome.state === "not_executed");
    assert.equal(finding.outcome.detail, "The order was filled before it could be removed");
  });

  it("asks for the order by its ticket", () => assert.deepEqual(ticketsOf(intent), ["77"]));
});

function tagged(change: Partial<OrderFacts>, comment = tagComment(TAG)): Partial<History> {
  return { orders: [order({ comment, ...change })] };
}
