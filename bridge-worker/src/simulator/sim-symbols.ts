// The instruments of the paper broker: chosen so that digits, steps, filling and execution modes and trade modes all
// differ. Pure.
import type { SymbolFacts } from "../mt5/mod.ts";

export type SimSymbol = {
  facts: SymbolFacts;
  /** What the price moves around. */
  basePrice: number;
  /** Largest distance from the base price, as a part of it. */
  swing: number;
  /** The smallest distance of ask and bid, in points; at most half as much again is added to it. */
  spreadPoints: number;
  /** Trades at weekends too. */
  isAlwaysOpen: boolean;
};

export const Filling = { Fok: 1, Ioc: 2, Boc: 4 } as const;
export const Execution = { Request: 0, Instant: 1, Market: 2, Exchange: 3 } as const;
export const SymbolTradeMode = { Disabled: 0, LongOnly: 1, ShortOnly: 2, CloseOnly: 3, Full: 4 } as const;

/** Market, limit, stop, stop-limit, SL, TP, close-by. */
const ALL_ORDER_KINDS = 1 | 2 | 4 | 8 | 16 | 32 | 64;
const ALL_EXPIRATIONS = 1 | 2 | 4 | 8;

type Plan = Omit<SimSymbol, "facts" | "isAlwaysOpen"> & { isAlwaysOpen?: boolean } & Pick<
    SymbolFacts,
    "name" | "digits" | "trade_contract_size" | "currency_base" | "currency_profit" | "currency_margin"
  > &
  Partial<SymbolFacts>;

function define(plan: Plan): SimSymbol {
  const { basePrice, swing, spreadPoints, isAlwaysOpen = false, ...facts } = plan;
  const point = Number((10 ** -plan.digits).toFixed(plan.digits));
  return {
    basePrice,
    swing,
    spreadPoints,
    isAlwaysOpen,
    facts: {
      point,
      trade_tick_size: point,
      volume_min: 0.01,
      volume_max: 50,
      volume_step: 0.01,
      volume_limit: 0,
      trade_mode: SymbolTradeMode.Full,
      trade_exemode: Execution.Market,
      filling_mode: Filling.Fok | Filling.Ioc,
      expiration_mode: ALL_EXPIRATIONS,
      order_mode: ALL_ORDER_KINDS,
      trade_stops_level: 0,
      trade_freeze_level: 0,
      ...facts,
    },
  };
}

function defineForex(base: string, quote: string, plan: Pick<Plan, "digits" | "basePrice"> & Partial<Plan>): SimSymbol {
  return define({
    name: base + quote,
    trade_contract_size: 100_000,
    currency_base: base,
    currency_profit: quote,
    currency_margin: base,
    swing: 0.01,
    spreadPoints: 12,
    trade_stops_level: 10,
    ...plan,
  });
}

/** Margin in the currency of the price, as for CFDs. */
function defineCfd(base: string, plan: Omit<Plan, "currency_base" | "currency_profit" | "currency_margin">): SimSymbol {
  return define({ currency_base: base, currency_profit: "USD", currency_margin: "USD", ...plan } as Plan);
}

const SYMBOLS: readonly SimSymbol[] = [
  defineForex("EUR", "USD", { digits: 5, basePrice: 1.085 }),
  /** Instant execution: the price of the request counts, and a requote is possible. */
  defineForex("GBP", "USD", {
    digits: 5,
    basePrice: 1.27,
    trade_exemode: Execution.Instant,
    filling_mode: Filling.Fok,
  }),
  defineForex("USD", "JPY", { digits: 3, basePrice: 150.25 }),
  defineCfd("XAU", {
    name: "XAUUSD",
    digits: 2,
    basePrice: 2350,
    swing: 0.02,
    spreadPoints: 25,
    trade_contract_size: 100,
    filling_mode: Filling.Ioc,
    volume_max: 20,
    trade_stops_level: 50,
  }),
  defineCfd("BTC", {
    name: "BTCUSD",
    digits: 2,
    basePrice: 64_000,
    swing: 0.05,
    spreadPoints: 1500,
    trade_contract_size: 1,
    volume_min: 0.001,
    volume_max: 10,
    volume_step: 0.001,
    volume_limit: 10,
    isAlwaysOpen: true,
  }),
  /** Only RETURN is filled, and the tick is wider than the point. */
  defineCfd("USD", {
    name: "US500",
    digits: 2,
    basePrice: 5200,
    swing: 0.02,
    spreadPoints: 50,
    trade_tick_size: 0.25,
    trade_contract_size: 1,
    volume_min: 0.1,
    volume_max: 100,
    volume_step: 0.1,
    trade_exemode: Execution.Exchange,
    filling_mode: 0,
    trade_stops_level: 100,
  }),
  defineForex("USD", "RUB", { digits: 4, basePrice: 92, trade_mode: SymbolTradeMode.Disabled }),
  defineForex("EUR", "CHF", { digits: 5, basePrice: 0.975, trade_mode: SymbolTradeMode.CloseOnly }),
  defineCfd("USD", {
    name: "SOLAR",
    digits: 2,
    basePrice: 41,
    swing: 0.03,
    spreadPoints: 5,
    trade_contract_size: 1,
    volume_min: 1,
    volume_max: 1000,
    volume_step: 1,
    trade_mode: SymbolTradeMode.LongOnly,
  }),
  defineCfd("USD", {
    name: "COAL",
    digits: 2,
    basePrice: 118,
    swing: 0.03,
    spreadPoints: 8,
    trade_contract_size: 1,
    volume_min: 1,
    volume_max: 1000,
    volume_step: 1,
    trade_mode: SymbolTradeMode.ShortOnly,
  }),
];

const BY_NAME: ReadonlyMap<string, SimSymbol> = new Map(SYMBOLS.map((symbol) => [symbol.facts.name, symbol]));

/** Names are case sensitive, as at a real broker. */
export function findSymbol(name: string): SimSymbol | undefined {
  return BY_NAME.get(name);
}

export function symbolNames(): string[] {
  return [...BY_NAME.keys()];
}
