// Market orders: fills them at once, opening, enlarging, closing or turning positions. Pure but for the book, which stays
// as it was when the answer is a refusal.
import type { DealFacts, OrderFacts, SendRequest, SendResultFacts } from "../mt5/mod.ts";
import { MarginMode } from "./sim-accounts.ts";
import { addRecord, closingPrice } from "./sim-book.ts";
import {
  BY_PROGRAM,
  checkRoom,
  type Desk,
  findMarket,
  findPosition,
  newOrder,
  OrderState,
  refusal,
} from "./sim-desk.ts";
import { profitOf, roundMoney } from "./sim-money.ts";
import { type Booking, closePosition, netPosition, openPosition, subtractVolume } from "./sim-positions.ts";
import { Retcode, textOf } from "./sim-retcodes.ts";
import * as rules from "./sim-rules.ts";
import { type SimSymbol, SymbolTradeMode } from "./sim-symbols.ts";

export function deal(desk: Desk, request: SendRequest): SendResultFacts {
  const { book, plan } = desk;
  const market = findMarket(desk, request.symbol);
  const { type = -1, volume = 0 } = request;
  if (market === undefined) return refusal(Retcode.Invalid);
  if (type !== rules.OrderType.Buy && type !== rules.OrderType.Sell) return refusal(Retcode.InvalidOrder);
  const { symbol, quote } = market;
  const isNetting = plan.server.marginMode !== MarginMode.Hedging;
  const named = request.position === undefined ? undefined : findPosition(book, request.position);
  if (request.position !== undefined) {
    if (named === undefined) return refusal(Retcode.PositionClosed);
    // On a hedging account a position cannot be enlarged, only closed.
    const isSameSide = named.type === type && !isNetting;
    if (named.symbol !== request.symbol || isSameSide) return refusal(Retcode.Invalid);
  }
  const facing = named ?? (isNetting ? book.positions.find((one) => one.symbol === request.symbol) : undefined);
  const closes = facing !== undefined && facing.type !== type ? Math.min(volume, facing.volume) : 0;
  const opens = subtractVolume(volume, closes);
  const refused =
    (market.isOpen ? null : Retcode.MarketClosed) ??
    (symbol.facts.trade_mode === SymbolTradeMode.Disabled ? Retcode.TradeDisabled : null) ??
    // A request that names its position closes and never turns it around.
    (named !== undefined && named.type !== type && opens > 0 ? Retcode.InvalidCloseVolume : null) ??
    (opens > 0 ? rules.checkTradeMode(symbol.facts, type) : null) ??
    rules.checkVolume(symbol.facts, volume) ??
    rules.checkOrderMode(symbol.facts, type) ??
    rules.checkFilling(symbol.facts, type, request.type_filling ?? 0) ??
    rules.checkMarketPrice(symbol, quote, request) ??
    (opens > 0 ? rules.checkStops(symbol, type, closingPrice(quote, type), request) : null) ??
    (opens > 0 ? checkRoom(desk, market, { side: type, opens, freed: closes > 0 ? facing : undefined }) : null);
  if (refused !== null) return refusal(refused);

  const price = type === rules.OrderType.Buy ? quote.ask : quote.bid;
  const ticket = desk.nextTicket();
  const fill = {
    ticket,
    symbol: symbol.facts.name,
    type,
    volume,
    price,
    sl: request.sl ?? 0,
    tp: request.tp ?? 0,
    magic: String(request.magic),
    comment: request.comment,
    time_msc: desk.brokerMs,
  };
  const booking =
    named !== undefined && named.type !== type
      ? closePosition(book.positions, named, fill)
      : isNetting
        ? netPosition(book.positions, fill, symbol.facts.digits)
        : openPosition(book.positions, fill);
  const filled = bookOrder(desk, { ...request, symbol: fill.symbol, type, volume }, ticket, price, booking.positionId);
  const done = bookDeal(desk, symbol, filled, booking, { type, price });
  return { retcode: Retcode.Done, order: ticket, deal: done.ticket, volume, price, comment: textOf(Retcode.Done) };
}

/** Puts a filled order into the history. */
export function bookOrder(
  desk: Desk,
  request: SendRequest,
  ticket: string,
  price: number,
  positionId: string,
): OrderFacts {
  const order: OrderFacts = {
    ...newOrder(desk, request, ticket),
    state: OrderState.Filled,
    volume_current: 0,
    price_open: price,
    price_current: price,
    position_id: positionId,
    time_done_msc: desk.brokerMs,
  };
  addRecord(desk.book.orders, order);
  return order;
}

/** One deal of an order: the positions as they are after it, the money of what it closed, and its record. */
export function bookDeal(
  desk: Desk,
  symbol: SimSymbol,
  order: OrderFacts,
  booking: Booking,
  trade: { type: number; price: number },
): DealFacts {
  const { book, plan, brokerMs } = desk;
  book.positions = booking.positions;
  const { closed } = booking;
  const profit = closed === null ? 0 : profitOf(plan, symbol, { ...closed, close: trade.price });
  book.balance = roundMoney(book.balance + profit, plan);
  const done: DealFacts = {
    ticket: desk.nextTicket(),
    order: order.ticket,
    position_id: booking.positionId,
    symbol: order.symbol,
    type: trade.type,
    entry: booking.entry,
    reason: BY_PROGRAM,
    volume: order.volume_initial,
    price: trade.price,
    ...{ profit, swap: 0, commission: 0, fee: 0 },
    magic: order.magic,
    comment: order.comment,
    time_msc: brokerMs,
  };
  addRecord(book.deals, done);
  return done;
}
