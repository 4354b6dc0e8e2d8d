// Closes a position by an opposite one of the same symbol, as hedging accounts may. Pure but for the book, which stays as
// it was when the answer is a refusal.
import type { SendRequest, SendResultFacts } from "../mt5/mod.ts";
import { MarginMode } from "./sim-accounts.ts";
import { bookDeal, bookOrder } from "./sim-deals.ts";
import { type Desk, findMarket, findPosition, refusal } from "./sim-desk.ts";
import { closePosition, Entry, type SimPosition } from "./sim-positions.ts";
import { Retcode, textOf } from "./sim-retcodes.ts";
import * as rules from "./sim-rules.ts";
import { SymbolTradeMode } from "./sim-symbols.ts";

/** Both give up the smaller volume at the price at which the opposite one was opened: no spread is paid. */
export function closeBy(desk: Desk, request: SendRequest): SendResultFacts {
  const { book, plan } = desk;
  const one = findPosition(book, request.position ?? "");
  const other = findPosition(book, request.position_by ?? "");
  if (one === undefined || other === undefined) return refusal(Retcode.PositionClosed);
  const isPair = one.symbol === other.symbol && one.type !== other.type;
  if (plan.server.marginMode !== MarginMode.Hedging || !isPair) return refusal(Retcode.Invalid);
  const market = findMarket(desk, one.symbol);
  if (market === undefined) return refusal(Retcode.Invalid);
  const { symbol } = market;
  if (!market.isOpen) return refusal(Retcode.MarketClosed);
  if (symbol.facts.trade_mode === SymbolTradeMode.Disabled) return refusal(Retcode.TradeDisabled);
  const refused = rules.checkOrderMode(symbol.facts, rules.OrderType.CloseBy);
  if (refused !== null) return refusal(refused);

  const price = other.price_open;
  const volume = Math.min(one.volume, other.volume);
  const asOrder = { ...request, symbol: one.symbol, type: rules.OrderType.CloseBy, volume };
  const order = bookOrder(desk, asOrder, desk.nextTicket(), price, one.identifier);
  const reduce = (position: SimPosition) => {
    const type = 1 - position.type;
    const fill = { ...position, ticket: order.ticket, type, volume, price };
    const booking = { ...closePosition(book.positions, position, fill), entry: Entry.OutBy };
    return bookDeal(desk, symbol, order, booking, { type, price });
  };
  const done = reduce(one);
  reduce(other);
  return {
    retcode: Retcode.Done,
    order: order.ticket,
    deal: done.ticket,
    volume,
    price,
    comment: textOf(Retcode.Done),
  };
}
