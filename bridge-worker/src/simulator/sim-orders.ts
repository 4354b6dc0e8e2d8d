// Pending orders and stop levels: placed, changed and removed. Nothing here triggers them. Pure but for the book, which
// stays as it was when the answer is a refusal.
import type { OrderFacts, SendRequest, SendResultFacts } from "../mt5/mod.ts";
import { addRecord, closingPrice } from "./sim-book.ts";
import {
  checkRoom,
  type Desk,
  findMarket,
  findPosition,
  type Market,
  newOrder,
  OrderState,
  refusal,
} from "./sim-desk.ts";
import type { SimPosition } from "./sim-positions.ts";
import { Retcode, textOf } from "./sim-retcodes.ts";
import * as rules from "./sim-rules.ts";

export function placeOrder(desk: Desk, request: SendRequest): SendResultFacts {
  const market = findMarket(desk, request.symbol);
  const { type = -1, volume = 0 } = request;
  if (market === undefined) return refusal(Retcode.Invalid);
  if (type < rules.OrderType.BuyLimit || type > rules.OrderType.SellStopLimit) return refusal(Retcode.InvalidOrder);
  const { symbol } = market;
  const limit = desk.plan.server.limitOrders;
  const refused =
    (market.isOpen ? null : Retcode.MarketClosed) ??
    rules.checkTradeMode(symbol.facts, rules.sideOf(type)) ??
    rules.checkVolume(symbol.facts, volume) ??
    rules.checkOrderMode(symbol.facts, type) ??
    rules.checkFilling(symbol.facts, type, request.type_filling ?? 0) ??
    checkWorkingOrder(desk, market, request) ??
    (limit > 0 && desk.book.pending.length >= limit ? Retcode.LimitOrders : null) ??
    checkRoom(desk, market, { side: rules.sideOf(type), opens: volume });
  if (refused !== null) return refusal(refused);
  const order = newOrder(desk, request, desk.nextTicket());
  desk.book.pending.push(order);
  return done(order);
}

/** The rules that a new and a changed pending order share. Levels are measured from the price it would fill at. */
function checkWorkingOrder(desk: Desk, market: Market, request: SendRequest): rules.Refusal {
  const { type = -1, price = 0, stoplimit = 0 } = request;
  const fillsAt = type >= rules.OrderType.BuyStopLimit ? stoplimit : price;
  return (
    rules.checkPendingPrice(market.symbol, market.quote, request) ??
    rules.checkStops(market.symbol, rules.sideOf(type), fillsAt, request) ??
    rules.checkExpiration(market.symbol.facts, request, Math.floor(desk.brokerMs / 1000))
  );
}

export function changeLevels(desk: Desk, request: SendRequest): SendResultFacts {
  const { book } = desk;
  const position = request.position === undefined ? undefined : findPosition(book, request.position);
  if (position === undefined) return refusal(Retcode.PositionClosed);
  const market = findMarket(desk, position.symbol);
  if (market === undefined) return refusal(Retcode.Invalid);
  const { sl = 0, tp = 0 } = request;
  const from = closingPrice(market.quote, position.type);
  const refused =
    (market.isOpen ? null : Retcode.MarketClosed) ??
    (sl === position.sl && tp === position.tp ? Retcode.NoChanges : null) ??
    rules.checkStops(market.symbol, position.type, from, changedOnly(position, { sl, tp }));
  if (refused !== null) return refusal(refused);
  book.positions = book.positions.map((one) => (one === position ? { ...one, sl, tp } : one));
  return { ...refusal(Retcode.Done), volume: position.volume };
}

/** A level that stays is not judged again: the price may have come close to it since. */
function changedOnly(position: SimPosition, levels: { sl: number; tp: number }): { sl: number; tp: number } {
  return { sl: levels.sl === position.sl ? 0 : levels.sl, tp: levels.tp === position.tp ? 0 : levels.tp };
}

export function changeOrder(desk: Desk, request: SendRequest): SendResultFacts {
  const current = desk.book.pending.find((one) => one.ticket === request.order);
  const market = current && findMarket(desk, current.symbol);
  if (current === undefined || market === undefined) return refusal(Retcode.Invalid);
  const { type, symbol } = current;
  const { price = 0, stoplimit = current.price_stoplimit, sl = 0, tp = 0, type_time = 0, expiration = 0 } = request;
  const changed: OrderFacts = {
    ...current,
    price_open: price,
    price_stoplimit: stoplimit,
    sl,
    tp,
    type_time,
    time_expiration: expiration,
  };
  const isSame = JSON.stringify(changed) === JSON.stringify(current);
  const refused =
    (market.isOpen ? null : Retcode.MarketClosed) ??
    (isSame ? Retcode.NoChanges : null) ??
    checkWorkingOrder(desk, market, { ...request, symbol, type, stoplimit });
  if (refused !== null) return refusal(refused);
  desk.book.pending = desk.book.pending.map((one) => (one === current ? changed : one));
  return done(changed);
}

export function removeOrder(desk: Desk, request: SendRequest): SendResultFacts {
  const { book } = desk;
  const current = book.pending.find((one) => one.ticket === request.order);
  if (current === undefined) return refusal(Retcode.Invalid);
  if (!findMarket(desk, current.symbol)?.isOpen) return refusal(Retcode.MarketClosed);
  book.pending = book.pending.filter((one) => one !== current);
  addRecord(book.orders, { ...current, state: OrderState.Canceled, time_done_msc: desk.brokerMs });
  return done(current);
}

function done(order: OrderFacts): SendResultFacts {
  return {
    retcode: Retcode.Done,
    order: order.ticket,
    deal: "0",
    volume: order.volume_current,
    price: order.price_open,
    comment: textOf(Retcode.Done),
  };
}
