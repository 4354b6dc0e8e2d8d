// Every risk limit at its edge and one step over it; closes never blocked; what cannot be read blocks openings only.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decideRisk, type RiskFacts } from "./decide.ts";

/** Monday, 2 March 2026, 10:00 by the broker's clock. */
const MONDAY_10 = Date.UTC(2026, 2, 2, 10, 0);

function facts(change: Omit<Partial<RiskFacts>, "order"> & { order?: Partial<RiskFacts["order"]> } = {}): RiskFacts {
  const { order, ...rest } = change;
  return {
    order: { opens: true, symbol: "EURUSD", volume: 0.1, ...order },
    exposure: [],
    equity: 1000,
    dayStartEquity: 1000,
    peakEquity: 1000,
    ordersLastMinute: 0,
    brokerNowMs: MONDAY_10,
    ...rest,
  };
}
const open = (...volumes: number[]) => volumes.map((volume) => ({ symbol: "EURUSD", volume }));
const hours = (from: string, to: string, days = [1]) => ({ trading_hours: [{ days, from, to }] });
const at = (hour: number, minute: number, second = 0, ms = 0) =>
  facts({ brokerNowMs: Date.UTC(2026, 2, 2, hour, minute, second, ms) });

/** name → limits, the facts that just pass, the facts that just do not. */
const edges: Record<string, { limits: object; passes: RiskFacts; breaks: RiskFacts }> = {
  trading_enabled: { limits: { trading_enabled: false }, passes: facts({ order: { opens: false } }), breaks: facts() },
  reduce_only: { limits: { reduce_only: true }, passes: facts({ order: { opens: false } }), breaks: facts() },
  allowed_symbols: {
    limits: { allowed_symbols: ["GBPUSD", "EURUSD"] },
    passes: facts(),
    breaks: facts({ order: { symbol: "EURUSD.pro" } }),
  },
  blocked_symbols: {
    limits: { blocked_symbols: ["EURUSD.pro"] },
    passes: facts(),
    breaks: facts({ order: { symbol: "EURUSD.pro" } }),
  },
  max_volume_per_order: {
    limits: { max_volume_per_order: 0.5 },
    passes: facts({ order: { volume: 0.5 } }),
    breaks: facts({ order: { volume: 0.51 } }),
  },
  max_open_positions: {
    limits: { max_open_positions: 2 },
    passes: facts({ exposure: open(1) }),
    breaks: facts({ exposure: open(1, 1) }),
  },
  max_open_volume: {
    limits: { max_open_volume: 0.3 },
    passes: facts({ exposure: open(0.2) }),
    breaks: facts({ exposure: open(0.2), order: { volume: 0.11 } }),
  },
  max_orders_per_minute: {
    limits: { max_orders_per_minute: 3 },
    passes: facts({ ordersLastMinute: 2 }),
    breaks: facts({ ordersLastMinute: 3 }),
  },
  max_daily_loss: {
    limits: { max_daily_loss: 100 },
    passes: facts({ equity: 900.01 }),
    breaks: facts({ equity: 900 }),
  },
  max_drawdown_percent: {
    limits: { max_drawdown_percent: 10 },
    passes: facts({ equity: 1080.01, peakEquity: 1200, dayStartEquity: 1080 }),
    breaks: facts({ equity: 1080, peakEquity: 1200, dayStartEquity: 1080 }),
  },
  trading_hours: { limits: hours("09:00", "10:01"), passes: at(10, 0, 59, 999), breaks: at(10, 1) },
};

describe("decideRisk", () => {
  for (const [limit, { limits, passes, breaks }] of Object.entries(edges)) {
    it(`${limit} passes at its edge`, () => assert.equal(decideRisk(limits, passes), undefined));

    it(`${limit} refuses one step over its edge, and is named`, () => {
      const violation = decideRisk(limits, breaks);
      assert.equal(violation?.limit, limit);
      assert.ok(violation?.detail.startsWith(`${limit}: `));
    });

    it(`${limit} never blocks what reduces exposure`, () => {
      assert.equal(decideRisk(limits, { ...breaks, order: { ...breaks.order, opens: false } }), undefined);
    });
  }

  it("has no limit where none is set", () => {
    const wild = facts({ exposure: open(...Array(500).fill(10)), equity: -5, ordersLastMinute: 999 });
    for (const none of [null, undefined, {}]) assert.equal(decideRisk(none, wild), undefined);
  });

  const unreadable: Record<string, unknown> = {
    "a misspelt limit": { max_volume: 1 },
    "a limit as text": { max_volume_per_order: "1" },
    "a limit that is null": { max_daily_loss: null },
    "a negative limit": { max_daily_loss: -1 },
    "a list": [],
    "a text": "none",
    "a number": 0,
    "a good limit beside a bad one": { trading_enabled: true, reduce_onyl: true },
  };
  for (const [name, limits] of Object.entries(unreadable)) {
    it(`refuses openings, and openings only, for ${name}`, () => {
      assert.equal(decideRisk(limits, facts())?.limit, "risk_limits");
      assert.equal(decideRisk(limits, facts({ order: { opens: false } })), undefined);
    });
  }

  it("adds volumes without the noise of binary floats", () => {
    const limits = { max_open_volume: 0.3 };
    assert.ok(0.1 + 0.2 > 0.3);
    assert.equal(decideRisk(limits, facts({ exposure: open(0.2), order: { volume: 0.1 } })), undefined);
    const noisy = facts({ exposure: open(0.01), order: { volume: 0.07 } });
    assert.equal(decideRisk({ max_open_volume: 0.08 }, noisy), undefined);
    const many = facts({ exposure: open(...Array(29).fill(0.01)), order: { volume: 0.01 } });
    assert.equal(decideRisk(limits, many), undefined);
    assert.equal(decideRisk(limits, facts({ ...many, order: { volume: 0.02 } }))?.limit, "max_open_volume");
  });

  it("counts the exposure of every symbol", () => {
    const exposure = [{ symbol: "XAUUSD", volume: 0.25 }];
    assert.equal(decideRisk({ max_open_volume: 0.3 }, facts({ exposure }))?.limit, "max_open_volume");
    assert.equal(decideRisk({ max_open_positions: 1 }, facts({ exposure }))?.limit, "max_open_positions");
  });

  it("allows no position at all with a limit of none, and no symbol with an empty list", () => {
    assert.equal(decideRisk({ max_open_positions: 0 }, facts())?.limit, "max_open_positions");
    assert.equal(decideRisk({ allowed_symbols: [] }, facts())?.limit, "allowed_symbols");
    assert.equal(decideRisk({ blocked_symbols: [] }, facts()), undefined);
  });

  it("ignores switches that are set to the harmless side", () => {
    assert.equal(decideRisk({ trading_enabled: true, reduce_only: false }, facts()), undefined);
  });

  it("counts no drawdown before there was a peak", () => {
    assert.equal(decideRisk({ max_drawdown_percent: 10 }, facts({ equity: 0, peakEquity: 0 })), undefined);
  });

  describe("trading hours", () => {
    it("begin with their first minute and end before their last", () => {
      const limits = hours("09:30", "17:00");
      assert.equal(decideRisk(limits, at(9, 30)), undefined);
      assert.equal(decideRisk(limits, at(9, 29, 59, 999))?.limit, "trading_hours");
      assert.equal(decideRisk(limits, at(17, 0))?.limit, "trading_hours");
    });

    it("may reach midnight", () => assert.equal(decideRisk(hours("22:00", "24:00"), at(23, 59, 59)), undefined));

    it("count days from Sunday", () => {
      assert.equal(decideRisk(hours("00:00", "24:00", [0, 2, 3, 4, 5, 6]), at(10, 0))?.limit, "trading_hours");
    });

    it("allow what any one of the windows allows", () => {
      const [first, second] = [hours("01:00", "02:00"), hours("09:00", "11:00")].map((one) => one.trading_hours[0]);
      assert.equal(decideRisk({ trading_hours: [first, second] }, at(10, 0)), undefined);
    });

    it("refuse while the broker's clock is not known", () => {
      const violation = decideRisk(hours("00:00", "24:00", [0, 1, 2, 3, 4, 5, 6]), facts({ brokerNowMs: undefined }));
      assert.match(violation?.detail ?? "", /clock is not known/);
    });
  });
});
