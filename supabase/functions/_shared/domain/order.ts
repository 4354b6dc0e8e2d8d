// The trading vocabulary of the HTTP API and its numbers at MetaTrader 5. Pure.
// Numbers: the enumerations ENUM_ORDER_TYPE, ENUM_ORDER_TYPE_FILLING, ENUM_ORDER_TYPE_TIME of the MQL5 reference.
import { z } from "zod";

export const OrderTypes = {
  buy: 0,
  sell: 1,
  buy_limit: 2,
  sell_limit: 3,
  buy_stop: 4,
  sell_stop: 5,
  buy_stop_limit: 6,
  sell_stop_limit: 7,
} as const;
export type OrderType = keyof typeof OrderTypes;
export const OrderType = z.enum(Object.keys(OrderTypes) as [OrderType, ...OrderType[]]);

export const Fillings = { fok: 0, ioc: 1, return: 2, boc: 3 } as const;
export type Filling = keyof typeof Fillings;

export const TimesInForce = { gtc: 0, day: 1, specified: 2, specified_day: 3 } as const;
export type TimeInForce = keyof typeof TimesInForce;
export const TimeInForce = z.enum(Object.keys(TimesInForce) as [TimeInForce, ...TimeInForce[]]);

export type Side = "buy" | "sell";

export function isMarketOrder(type: OrderType): type is Side {
  return type === "buy" || type === "sell";
}

/** Which way an order of this type trades once it fills. */
export function sideOf(type: OrderType): Side {
  return type.startsWith("buy") ? "buy" : "sell";
}

export function isStopLimit(type: OrderType): boolean {
  return type === "buy_stop_limit" || type === "sell_stop_limit";
}

/** The name of an MT5 number in one of the tables above; a number that a newer terminal invented stays readable. */
export function nameOf(table: Record<string, number>, value: number): string {
  return Object.keys(table).find((name) => table[name] === value) ?? `unknown_${value}`;
}
