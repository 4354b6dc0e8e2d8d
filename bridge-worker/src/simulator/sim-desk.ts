// The broker's desk: what one trade request is judged and booked with, shared by deals and pending orders. Pure but for
// the book it is given.
import type { OrderFacts, SendRequest, SendResultFacts } from "../mt5/mod.ts";
import type { AccountPlan } from "./sim-accounts.ts";
import { type Book, moneyOf, type Prices, volumeInDirection } from "./sim-book.ts";
import { isWeekend, type Quote } from "./sim-market.ts";
import { marginOf } from "./sim-money.ts";
import type { SimPosition } from "./sim-positions.ts";
import { Retcode, textOf } from "./sim-retcodes.ts";
import { OrderType, type Refusal } from "./sim-rules.ts";
import { findSymbol, type SimSymbol } from "./sim-symbols.ts";

export const OrderState = { Placed: 1, Canceled: 2, Filled: 4 } as const;
/** ORDER_REASON_EXPERT and DEAL_REASON_EXPERT: a program asked for it. */
export const BY_PROGRAM = 3;

/** The broker's side of one request. `brokerMs`: the broker's clock. */
export type Desk = {
  plan: AccountPlan;
  book: Book;
  prices: Prices;
  brokerMs: number;
  /** FX and indices rest on Saturday and Sunday. */
  restsAtWeekends: boolean;
  /** Orders and deals count from one sequence. */
  nextTicket: () => string;
};

/** What a request is about, once its symbol is known. */
export type Market = { symbol: SimSymbol; quote: Quote; isOpen: boolean };

export function refusal(retcode: number): SendResultFacts {
  return { retcode, order: "0", deal: "0", volume: 0, price: 0, comment: textOf(retcode) };
}

/** Money and volume for what a request opens. `freed`: the position whose margin it gives back. */
export function checkRoom(
  desk: Desk,
  market: Market,
  opening: { side: number; opens: number; freed?: SimPosition | undefined },
): Refusal {
  const { plan, book } = desk;
  const { facts } = market.symbol;
  const total = volumeInDirection(book, facts, opening.side) + opening.opens;
  if (facts.volume_limit > 0 && total > facts.volume_limit + 1e-9) return Retcode.LimitVolume;
  const price = opening.side === OrderType.Buy ? market.quote.ask : market.quote.bid;
  const needed = marginOf(plan, market.symbol, opening.opens, price);
  const freed = opening.freed;
  const back = freed === undefined ? 0 : marginOf(plan, market.symbol, freed.volume, freed.price_open);
  return needed > moneyOf(plan, book, desk.prices).free + back ? Retcode.NoMoney : null;
}

export function findMarket(desk: Desk, name: string | undefined): Market | undefined {
  const symbol = name === undefined ? undefined : findSymbol(name);
  if (symbol === undefined) return undefined;
  const isOpen = symbol.isAlwaysOpen || !desk.restsAtWeekends || !isWeekend(desk.brokerMs);
  return { ...desk.prices(symbol.facts.name), isOpen };
}

export function findPosition(book: Book, ticket: string): SimPosition | undefined {
  return book.positions.find((one) => one.ticket === ticket);
}

export function newOrder(desk: Desk, request: SendRequest, ticket: string): OrderFacts {
  const { volume = 0, type = 0 } = request;
  return {
    ticket,
    symbol: request.symbol ?? "",
    type,
    type_time: request.type_time ?? 0,
    type_filling: request.type_filling ?? 0,
    state: OrderState.Placed,
    reason: BY_PROGRAM,
    volume_initial: volume,
    volume_current: volume,
    price_open: request.price ?? 0,
    price_stoplimit: request.stoplimit ?? 0,
    sl: request.sl ?? 0,
    tp: request.tp ?? 0,
    price_current: 0,
    magic: String(request.magic),
    comment: request.comment,
    position_id: "0",
    time_setup_msc: desk.brokerMs,
    time_done_msc: 0,
    time_expiration: request.expiration ?? 0,
  };
}
