// What the API shows of records: names, null for "none", both clocks, ids as text.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DealView, HistoryOrderView } from "../protocol.ts";
import { BrokerClock } from "./broker-clock.ts";
import type { DealFacts } from "./facts.ts";
import { dealView, historyOrderView } from "./history-views.ts";
import { OFFSET_MS, orderFacts, UTC_MS } from "./testdata/facts.ts";
import type { Marks } from "./views.ts";

const SERVER = "MetaQuotes-Demo";
const MINE: Marks = { magic: 7, comment: "mine", command_id: "0f8fad5b-d9cb-469f-a165-70867728950e" };
const NOBODY: Marks = { magic: null, comment: null, command_id: null };
const nobody = (): Marks => NOBODY;
const known = new BrokerClock();
known.observe(SERVER, UTC_MS + OFFSET_MS, UTC_MS);
const unknown = new BrokerClock();

function dealFacts(change: Partial<DealFacts> = {}): DealFacts {
  return {
    ...{ ticket: "18446744073709551615", order: "9007199254740993", position_id: "5", symbol: "EURUSD" },
    ...{ type: 1, entry: 1, reason: 4, volume: 0.5, price: 1.09, profit: -12.5, swap: -1, commission: -2, fee: -0.5 },
    ...{ magic: "4503599627370495", comment: "sy", time_msc: UTC_MS + OFFSET_MS },
    ...change,
  };
}

describe("dealView", () => {
  it("shows a deal as the contract has it", () => {
    const view = dealView(dealFacts(), SERVER, known, nobody);
    assert.deepStrictEqual(DealView.strict().parse(view), view);
    assert.deepStrictEqual(view, {
      ...{ ticket: "18446744073709551615", order_ticket: "9007199254740993", position_ticket: "5", symbol: "EURUSD" },
      ...{ deal_type: "sell", entry: "out", reason: "stop_loss", volume: 0.5, price: 1.09 },
      ...{ profit: -12.5, swap: -1, commission: -2, fee: -0.5 },
      ...{ time: "2026-03-02T10:00:00.000Z", broker_time: "2026-03-02T12:00:00.000", ...NOBODY },
    });
  });

  it("shows a deposit, which has no order and no position, and no UTC while the clock is not known", () => {
    const deposit = dealFacts({ order: "0", position_id: "0", symbol: "", type: 2, entry: 0, profit: 1000 });
    const view = dealView(deposit, SERVER, unknown, nobody);
    assert.deepStrictEqual(DealView.strict().parse(view), view);
    assert.deepStrictEqual(
      [view.deal_type, view.order_ticket, view.position_ticket, view.time, view.broker_time],
      ["balance", null, null, null, "2026-03-02T12:00:00.000"],
    );
  });

  it("asks whose it is by the deal's own magic and comment", () => {
    const asked: string[] = [];
    const view = dealView(dealFacts(), SERVER, known, ({ magic, comment }) => {
      asked.push(magic, comment);
      return MINE;
    });
    assert.deepStrictEqual(asked, ["4503599627370495", "sy"]);
    assert.deepStrictEqual([view.magic, view.comment, view.command_id], Object.values(MINE));
  });

  it("keeps numbers readable that a newer terminal invented", () => {
    const view = dealView(dealFacts({ type: 42, entry: 43, reason: 44 }), SERVER, known, nobody);
    assert.deepStrictEqual([view.deal_type, view.entry, view.reason], ["unknown_42", "unknown_43", "unknown_44"]);
  });
});

describe("historyOrderView", () => {
  it("shows a done order as the contract has it, with the times of placing and of the end", () => {
    const facts = orderFacts({ type: 8, state: 4, position_id: "5", time_done_msc: UTC_MS + OFFSET_MS });
    const view = historyOrderView(facts, SERVER, known, () => MINE);
    assert.deepStrictEqual(HistoryOrderView.strict().parse(view), view);
    assert.deepStrictEqual(view, {
      ...{ ticket: "18446744073709551615", position_ticket: "5", symbol: "EURUSD", order_type: "close_by" },
      ...{ state: "filled", reason: "program", volume_initial: 0.5, volume_current: 0.2, price: 1.05 },
      ...{ stop_limit_price: null, stop_loss: null, take_profit: null, time_in_force: "gtc", expires_at: null },
      ...{ time: "2026-03-02T09:59:00.000Z", broker_time: "2026-03-02T11:59:00.000" },
      ...{ done_time: "2026-03-02T10:00:00.000Z", broker_done_time: "2026-03-02T12:00:00.000", ...MINE },
    });
  });

  it("shows no position and no end where there is none", () => {
    const view = historyOrderView(orderFacts(), SERVER, known, nobody);
    assert.deepStrictEqual(HistoryOrderView.strict().parse(view), view);
    assert.deepStrictEqual([view.position_ticket, view.done_time, view.broker_done_time], [null, null, null]);
  });
});
