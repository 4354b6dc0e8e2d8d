// What the API shows of a terminal's numbers: names, null for "none", UTC beside broker time, ids as text.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AccountInfoView, OrderView, PositionView } from "../protocol.ts";
import { BrokerClock } from "./broker-clock.ts";
import { accountFacts, OFFSET_MS, orderFacts, positionFacts, UTC_MS } from "./testdata/facts.ts";
import { accountView, type Marks, orderView, positionView, tradeModeOf, UnknownTradeMode } from "./views.ts";

const SERVER = "MetaQuotes-Demo";
const NOBODY: Marks = { magic: null, comment: null, command_id: null };
const nobody = (): Marks => NOBODY;
const known = new BrokerClock();
known.observe(SERVER, UTC_MS + OFFSET_MS, UTC_MS);
const unknown = new BrokerClock();

describe("tradeModeOf", () => {
  it("names the three modes", () => {
    const names = [0, 1, 2].map((trade_mode) => tradeModeOf(accountFacts({ trade_mode })));
    assert.deepStrictEqual(names, ["demo", "contest", "real"]);
  });

  it("throws on a mode it does not know rather than call it demo or real", () => {
    for (const trade_mode of [3, -1]) {
      assert.throws(() => tradeModeOf(accountFacts({ trade_mode })), UnknownTradeMode);
      assert.throws(() => accountView(accountFacts({ trade_mode })), UnknownTradeMode);
    }
  });
});

describe("accountView", () => {
  it("shows the account as the contract has it", () => {
    const view = accountView(accountFacts({ trade_mode: 2, margin_mode: 0 }));
    assert.deepStrictEqual(AccountInfoView.strict().parse(view), view);
    assert.deepStrictEqual([view.trade_mode, view.margin_mode, view.login], ["real", "netting", "5012345"]);
    assert.equal(accountView(accountFacts({ margin_mode: 1 })).margin_mode, "exchange");
    assert.equal(accountView(accountFacts()).margin_mode, "hedging");
  });
});

describe("positionView", () => {
  it("shows a position as the contract has it, with stops that are not set as null", () => {
    const view = positionView(positionFacts(), SERVER, known, nobody);
    assert.deepStrictEqual(PositionView.strict().parse(view), view);
    assert.deepStrictEqual(view, {
      ...{ ticket: "9007199254740993", symbol: "EURUSD", side: "buy", volume: 0.5, price_open: 1.09 },
      ...{ price_current: 1.1, stop_loss: null, take_profit: null, profit: 500, swap: -1.25 },
      ...{ time: "2026-03-02T09:59:00.000Z", broker_time: "2026-03-02T11:59:00.000", ...NOBODY },
    });
  });

  it("shows the side of a sold one, and the stops that are set", () => {
    const view = positionView(positionFacts({ type: 1, sl: 1.2, tp: 1.0 }), SERVER, known, nobody);
    assert.deepStrictEqual([view.side, view.stop_loss, view.take_profit], ["sell", 1.2, 1.0]);
  });

  it("shows no UTC while the broker's clock is not known, and the broker's own time all the same", () => {
    const view = positionView(positionFacts(), SERVER, unknown, nobody);
    assert.deepStrictEqual([view.time, view.broker_time], [null, "2026-03-02T11:59:00.000"]);
  });

  it("asks whose it is by magic, as text without losing digits, and comment", () => {
    const asked: [string, string][] = [];
    const mine: Marks = { magic: 7, comment: "mine", command_id: "0f8fad5b-d9cb-469f-a165-70867728950e" };
    const view = positionView(positionFacts({ magic: "4503599627370495", comment: "sy" }), SERVER, known, (marks) => {
      asked.push([marks.magic, marks.comment]);
      return mine;
    });
    assert.deepStrictEqual(asked, [["4503599627370495", "sy"]]);
    assert.deepStrictEqual([view.magic, view.comment, view.command_id], Object.values(mine));
  });
});

describe("orderView", () => {
  it("shows an order as the contract has it, with what is not set as null", () => {
    const view = orderView(orderFacts(), SERVER, known, nobody);
    assert.deepStrictEqual(OrderView.strict().parse(view), view);
    assert.deepStrictEqual(view, {
      ...{ ticket: "18446744073709551615", symbol: "EURUSD", order_type: "buy_limit", state: "placed" },
      ...{ volume_initial: 0.5, volume_current: 0.2, price: 1.05, stop_limit_price: null, stop_loss: null },
      ...{ take_profit: null, price_current: 1.1, time_in_force: "gtc", expires_at: null },
      ...{ time: "2026-03-02T09:59:00.000Z", broker_time: "2026-03-02T11:59:00.000", ...NOBODY },
    });
  });

  it("shows prices and expiry that are set", () => {
    const facts = orderFacts({ type: 6, price_stoplimit: 1.04, sl: 1.0, tp: 1.2, type_time: 2 });
    const expiring = { ...facts, time_expiration: (UTC_MS + OFFSET_MS) / 1000 };
    const view = orderView(expiring, SERVER, known, nobody);
    assert.deepStrictEqual([view.stop_limit_price, view.stop_loss, view.take_profit], [1.04, 1.0, 1.2]);
    assert.deepStrictEqual([view.time_in_force, view.expires_at], ["specified", "2026-03-02T10:00:00.000Z"]);
    assert.equal(view.order_type, "buy_stop_limit");
  });

  it("keeps numbers readable that a newer terminal invented", () => {
    const view = orderView(orderFacts({ type: 42, state: 43, type_time: 44 }), SERVER, known, nobody);
    assert.deepStrictEqual(
      [view.order_type, view.state, view.time_in_force],
      ["unknown_42", "unknown_43", "unknown_44"],
    );
  });
});
