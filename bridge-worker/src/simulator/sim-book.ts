// What the paper broker keeps of one account, how it is read and how it is written down. Pure.
import { z } from "zod";
import { type AccountFacts, DealFacts, OrderFacts, type PositionFacts, type SymbolFacts } from "../mt5/mod.ts";
import type { Access, AccountPlan } from "./sim-accounts.ts";
import type { Quote } from "./sim-market.ts";
import { marginOf, profitOf, roundMoney } from "./sim-money.ts";
import type { SimPosition } from "./sim-positions.ts";
import { sideOf } from "./sim-rules.ts";
import type { SimSymbol } from "./sim-symbols.ts";

/** Orders, and deals, that are kept per account: a worker that runs for months does not grow without end. */
export const MAX_HISTORY_RECORDS = 20_000;

const Position = z.object({
  ticket: z.string(),
  identifier: z.string(),
  symbol: z.string(),
  type: z.int(),
  volume: z.number(),
  price_open: z.number(),
  sl: z.number(),
  tp: z.number(),
  magic: z.string(),
  comment: z.string(),
  time_msc: z.int(),
});

/** `pending` are working orders; `orders` and `deals` the history, oldest first. */
export const Book = z.object({
  balance: z.number(),
  positions: z.array(Position),
  pending: z.array(OrderFacts),
  orders: z.array(OrderFacts),
  deals: z.array(DealFacts),
});
export type Book = z.infer<typeof Book>;

export function emptyBook(plan: AccountPlan): Book {
  return { balance: plan.deposit, positions: [], pending: [], orders: [], deals: [] };
}

/** Adds to a history list; the oldest record goes. */
export function addRecord<T>(records: T[], record: T, limit = MAX_HISTORY_RECORDS): void {
  records.push(record);
  if (records.length > limit) records.splice(0, records.length - limit);
}

/** How a symbol of this broker is looked up while its books are read: a position's symbol always exists. */
export type Prices = (symbol: string) => { symbol: SimSymbol; quote: Quote };

export type Money = { profit: number; equity: number; margin: number; free: number };

export function moneyOf(plan: AccountPlan, book: Book, prices: Prices): Money {
  let profit = 0;
  let margin = 0;
  for (const position of book.positions) {
    const { symbol, quote } = prices(position.symbol);
    profit += floatingProfit(plan, position, symbol, quote);
    margin += marginOf(plan, symbol, position.volume, position.price_open);
  }
  const equity = roundMoney(book.balance + profit, plan);
  margin = roundMoney(margin, plan);
  return { profit: roundMoney(profit, plan), equity, margin, free: roundMoney(equity - margin, plan) };
}

export function describeAccount(plan: AccountPlan, book: Book, access: Access, prices: Prices): AccountFacts {
  const money = moneyOf(plan, book, prices);
  return {
    login: plan.ref.login,
    server: plan.ref.server,
    name: `Paper account ${plan.ref.login}`,
    company: plan.server.company,
    currency: plan.currency,
    currency_digits: plan.currencyDigits,
    trade_mode: plan.server.tradeMode,
    margin_mode: plan.server.marginMode,
    leverage: plan.leverage,
    limit_orders: plan.server.limitOrders,
    trade_allowed: access === "trade",
    trade_expert: true,
    balance: book.balance,
    credit: 0,
    profit: money.profit,
    equity: money.equity,
    margin: money.margin,
    margin_free: money.free,
    margin_level: money.margin === 0 ? 0 : Number(((money.equity / money.margin) * 100).toFixed(2)),
  };
}

export function describePosition(plan: AccountPlan, position: SimPosition, prices: Prices): PositionFacts {
  const { symbol, quote } = prices(position.symbol);
  return {
    ...position,
    price_current: closingPrice(quote, position.type),
    profit: floatingProfit(plan, position, symbol, quote),
    swap: 0,
  };
}

/** A pending order beside the price that it waits for. */
export function describeOrder(order: OrderFacts, prices: Prices): OrderFacts {
  const { quote } = prices(order.symbol);
  return { ...order, price_current: sideOf(order.type) === 0 ? quote.ask : quote.bid };
}

/** What a position of this type would be closed at. */
export function closingPrice(quote: Quote, type: number): number {
  return type === 0 ? quote.bid : quote.ask;
}

/** Lots of positions and working orders in one direction: what `volume_limit` counts. */
export function volumeInDirection(book: Book, facts: SymbolFacts, side: number): number {
  const positions = book.positions.filter((one) => one.symbol === facts.name && one.type === side);
  const pending = book.pending.filter((one) => one.symbol === facts.name && sideOf(one.type) === side);
  return (
    positions.reduce((sum, one) => sum + one.volume, 0) + pending.reduce((sum, one) => sum + one.volume_current, 0)
  );
}

function floatingProfit(plan: AccountPlan, position: SimPosition, symbol: SimSymbol, quote: Quote): number {
  const { type, volume, price_open: open } = position;
  return profitOf(plan, symbol, { type, volume, open, close: closingPrice(quote, type) });
}
