// What a healthy terminal shows on a hedging demo account with EURUSD quoted, for tests to change one thing at a time.
import type { AccountFacts, OrderFacts, PositionFacts, SymbolFacts, TerminalFacts, TickFacts } from "../facts.ts";
import type { Reading } from "../terminal-port.ts";

export function accountFacts(change: Partial<AccountFacts> = {}): AccountFacts {
  return {
    ...{ login: "5012345", server: "MetaQuotes-Demo", name: "Ada", company: "MetaQuotes", currency: "USD" },
    ...{ currency_digits: 2, trade_mode: 0, margin_mode: 2, leverage: 100, limit_orders: 200 },
    ...{ trade_allowed: true, trade_expert: true },
    ...{ balance: 10_000, credit: 0, profit: 0, equity: 10_000, margin: 0, margin_free: 10_000, margin_level: 0 },
    ...change,
  };
}

export function terminalFacts(change: Partial<TerminalFacts> = {}): TerminalFacts {
  return {
    ...{ connected: true, trade_allowed: true, tradeapi_disabled: false },
    ...{ build: 4755, path: "C:\\MetaTrader 5", ping_last: 35_000 },
    ...change,
  };
}

/** Market execution, FOK and IOC, five digits, stops at 10 points or more. */
export function symbolFacts(change: Partial<SymbolFacts> = {}): SymbolFacts {
  return {
    ...{ name: "EURUSD", digits: 5, point: 0.00001, trade_tick_size: 0.00001, trade_contract_size: 100_000 },
    ...{ volume_min: 0.01, volume_max: 50, volume_step: 0.01, volume_limit: 0 },
    ...{ trade_mode: 4, trade_exemode: 2, filling_mode: 3, expiration_mode: 15, order_mode: 127 },
    ...{ trade_stops_level: 10, trade_freeze_level: 0 },
    ...{ currency_base: "EUR", currency_profit: "USD", currency_margin: "EUR" },
    ...change,
  };
}

export const UTC_MS = Date.UTC(2026, 2, 2, 10, 0, 0);
/** The broker's clock is two hours ahead of UTC. */
export const OFFSET_MS = 2 * 3600 * 1000;

export function tickFacts(change: Partial<TickFacts> = {}): TickFacts {
  return { time_msc: UTC_MS + OFFSET_MS, bid: 1.1, ask: 1.10002, last: 0, ...change };
}

export function positionFacts(change: Partial<PositionFacts> = {}): PositionFacts {
  return {
    ...{ ticket: "9007199254740993", identifier: "9007199254740993", symbol: "EURUSD", type: 0, volume: 0.5 },
    ...{ price_open: 1.09, price_current: 1.1, sl: 0, tp: 0, profit: 500, swap: -1.25 },
    ...{ magic: "0", comment: "", time_msc: UTC_MS + OFFSET_MS - 60_000 },
    ...change,
  };
}

export function orderFacts(change: Partial<OrderFacts> = {}): OrderFacts {
  return {
    ...{
      ticket: "18446744073709551615",
      symbol: "EURUSD",
      type: 2,
      type_time: 0,
      type_filling: 2,
      state: 1,
      reason: 3,
    },
    ...{ volume_initial: 0.5, volume_current: 0.2, price_open: 1.05, price_stoplimit: 0, sl: 0, tp: 0 },
    ...{ price_current: 1.1, magic: "0", comment: "", position_id: "0" },
    ...{ time_setup_msc: UTC_MS + OFFSET_MS - 60_000, time_done_msc: 0, time_expiration: 0 },
    ...change,
  };
}

export function reading(change: Partial<Reading> = {}): Reading {
  return {
    ...{ kind: "ok", account: accountFacts(), terminal: terminalFacts(), symbol: symbolFacts(), tick: tickFacts() },
    ...{ positions: [], orders: [], broker_now_msc: UTC_MS + OFFSET_MS },
    ...change,
  };
}
