// What the paper broker accepts: each check answers null, or the return code of its refusal. Pure.
import type { SendRequest, SymbolFacts } from "../mt5/mod.ts";
import { type Quote, roundToTick } from "./sim-market.ts";
import { Retcode } from "./sim-retcodes.ts";
import { Execution, Filling, type SimSymbol, SymbolTradeMode } from "./sim-symbols.ts";

export type Refusal = number | null;

/** ENUM_ORDER_TYPE. */
export const OrderType = {
  Buy: 0,
  Sell: 1,
  BuyLimit: 2,
  SellLimit: 3,
  BuyStop: 4,
  SellStop: 5,
  BuyStopLimit: 6,
  SellStopLimit: 7,
  CloseBy: 8,
} as const;

/** ENUM_ORDER_TYPE_FILLING: numbers of another kind than the bits of `filling_mode`. */
const RequestFilling = { Fok: 0, Ioc: 1, Return: 2, Boc: 3 } as const;
const SPECIFIED = 2;
const OrderModeBit = { Market: 1, Limit: 2, Stop: 4, StopLimit: 8, CloseBy: 64 } as const;

/** Buys have even numbers. */
export function sideOf(type: number): number {
  return type % 2;
}

/** May a position in this direction be opened or enlarged? */
export function checkTradeMode(facts: SymbolFacts, side: number): Refusal {
  switch (facts.trade_mode) {
    case SymbolTradeMode.Full:
      return null;
    case SymbolTradeMode.LongOnly:
      return side === OrderType.Buy ? null : Retcode.LongOnly;
    case SymbolTradeMode.ShortOnly:
      return side === OrderType.Sell ? null : Retcode.ShortOnly;
    case SymbolTradeMode.CloseOnly:
      return Retcode.CloseOnly;
    default:
      return Retcode.TradeDisabled;
  }
}

export function checkVolume(facts: SymbolFacts, volume: number): Refusal {
  // Half a millionth of a step is binary noise, more is a wrong volume.
  const steps = volume / facts.volume_step;
  const isOnStep = Math.abs(steps - Math.round(steps)) < 5e-7;
  const isInRange = volume >= facts.volume_min - 1e-9 && volume <= facts.volume_max + 1e-9;
  return isOnStep && isInRange ? null : Retcode.InvalidVolume;
}

/**
 * FOK and IOC by the symbol's bits. Instant execution always fills or kills a market order. RETURN fills market orders in
 * exchange execution alone: for market execution the vendor allows it, and brokers refuse it. BOC is for limit orders.
 */
export function checkFilling(facts: SymbolFacts, type: number, filling: number): Refusal {
  const isMarket = type <= OrderType.Sell;
  const isInstant = facts.trade_exemode === Execution.Request || facts.trade_exemode === Execution.Instant;
  switch (filling) {
    case RequestFilling.Fok:
      return (facts.filling_mode & Filling.Fok) !== 0 || (isMarket && isInstant) ? null : Retcode.InvalidFill;
    case RequestFilling.Ioc:
      return (facts.filling_mode & Filling.Ioc) !== 0 ? null : Retcode.InvalidFill;
    case RequestFilling.Return:
      return !isMarket || facts.trade_exemode === Execution.Exchange ? null : Retcode.InvalidFill;
    case RequestFilling.Boc: {
      const isLimit = type === OrderType.BuyLimit || type === OrderType.SellLimit;
      return isLimit && (facts.filling_mode & Filling.Boc) !== 0 ? null : Retcode.InvalidFill;
    }
    default:
      return Retcode.InvalidFill;
  }
}

export function checkOrderMode(facts: SymbolFacts, type: number): Refusal {
  return (facts.order_mode & orderModeBit(type)) !== 0 ? null : Retcode.InvalidOrder;
}

function orderModeBit(type: number): number {
  switch (type) {
    case OrderType.Buy:
    case OrderType.Sell:
      return OrderModeBit.Market;
    case OrderType.BuyLimit:
    case OrderType.SellLimit:
      return OrderModeBit.Limit;
    case OrderType.BuyStop:
    case OrderType.SellStop:
      return OrderModeBit.Stop;
    case OrderType.BuyStopLimit:
    case OrderType.SellStopLimit:
      return OrderModeBit.StopLimit;
    case OrderType.CloseBy:
      return OrderModeBit.CloseBy;
    default:
      return 0;
  }
}

/** The price of a market order counts in request and instant execution only: there it may be `deviation` points off. */
export function checkMarketPrice(symbol: SimSymbol, quote: Quote, request: SendRequest): Refusal {
  const { facts } = symbol;
  if (facts.trade_exemode === Execution.Market || facts.trade_exemode === Execution.Exchange) return null;
  const price = request.price ?? 0;
  if (!isPrice(symbol, price)) return Retcode.InvalidPrice;
  const current = request.type === OrderType.Buy ? quote.ask : quote.bid;
  const offPoints = Math.abs(pointsBetween(facts, price, current));
  return offPoints <= (request.deviation ?? 0) ? null : Retcode.Requote;
}

/** The side of the market on which a pending order of this type belongs, and its distance from it. */
export function checkPendingPrice(symbol: SimSymbol, quote: Quote, request: SendRequest): Refusal {
  const { facts } = symbol;
  const { type = -1, price = 0, stoplimit = 0 } = request;
  if (!isPrice(symbol, price)) return Retcode.InvalidPrice;
  const isBuy = sideOf(type) === OrderType.Buy;
  const above = pointsBetween(facts, price, isBuy ? quote.ask : quote.bid);
  // Limits wait at the better price, stops at the worse one: for a buy that is below and above.
  const isLimit = type === OrderType.BuyLimit || type === OrderType.SellLimit;
  if (!isDistant(facts, isBuy === isLimit ? -above : above)) return Retcode.InvalidPrice;
  if (type < OrderType.BuyStopLimit) return null;
  if (!isPrice(symbol, stoplimit)) return Retcode.InvalidPrice;
  const below = pointsBetween(facts, price, stoplimit);
  return isDistant(facts, isBuy ? below : -below) ? null : Retcode.InvalidPrice;
}

/** Stop loss and take profit against the price they are measured from; 0 or absent: not set. */
export function checkStops(
  symbol: SimSymbol,
  side: number,
  from: number,
  levels: { sl?: number; tp?: number },
): Refusal {
  const { sl = 0, tp = 0 } = levels;
  const sign = side === OrderType.Buy ? 1 : -1;
  if (sl !== 0 && !(isPrice(symbol, sl) && isDistant(symbol.facts, sign * pointsBetween(symbol.facts, from, sl)))) {
    return Retcode.InvalidStops;
  }
  if (tp !== 0 && !(isPrice(symbol, tp) && isDistant(symbol.facts, sign * pointsBetween(symbol.facts, tp, from)))) {
    return Retcode.InvalidStops;
  }
  return null;
}

/** `nowSeconds` and `expiration` are of the broker's clock. */
export function checkExpiration(facts: SymbolFacts, request: SendRequest, nowSeconds: number): Refusal {
  const { type_time = 0, expiration = 0 } = request;
  if (type_time < 0 || type_time > 3 || (facts.expiration_mode & (1 << type_time)) === 0) {
    return Retcode.InvalidExpiration;
  }
  if (type_time < SPECIFIED) return null;
  return Number.isInteger(expiration) && expiration > nowSeconds ? null : Retcode.InvalidExpiration;
}

function isPrice(symbol: SimSymbol, price: number): boolean {
  return price > 0 && Math.abs(roundToTick(price, symbol) - price) < symbol.facts.point / 100;
}

/** Whole points from `b` up to `a`. */
function pointsBetween(facts: SymbolFacts, a: number, b: number): number {
  return Math.round((a - b) / facts.point);
}

function isDistant(facts: SymbolFacts, points: number): boolean {
  return points >= Math.max(facts.trade_stops_level, 1);
}
