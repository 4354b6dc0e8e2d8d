// What a terminal showed, as the API shows it: names instead of numbers, null instead of 0, UTC beside broker time. Pure.
import {
  type AccountInfoView,
  nameOf,
  OrderTypes,
  type OrderView,
  type PositionView,
  TimesInForce,
  type TradeMode,
  TradeModes,
} from "../protocol.ts";
import { type BrokerClock, brokerTime } from "./broker-clock.ts";
import type { AccountFacts, OrderFacts, PositionFacts } from "./facts.ts";

/** A caller's own marks on an order that his command made; all null for everything else. */
export type Marks = { magic: number | string | null; comment: string | null; command_id: string | null };
export type MarksOf = (order: { magic: string; comment: string }) => Marks;

/** ENUM_ORDER_STATE. */
const OrderStates = {
  started: 0,
  placed: 1,
  cancelled: 2,
  partial: 3,
  filled: 4,
  rejected: 5,
  expired: 6,
  request_add: 7,
  request_modify: 8,
  request_cancel: 9,
};
const MarginModes = ["netting", "exchange", "hedging"] as const;

export class UnknownTradeMode extends Error {
  constructor(mode: number) {
    super(`The terminal reports the unknown trade mode ${mode}`);
    this.name = "UnknownTradeMode";
  }
}

/** Fails closed on a mode it does not know: demo taken for real money, or the reverse, is worse than no answer. */
export function tradeModeOf(facts: AccountFacts): TradeMode {
  const mode = (Object.keys(TradeModes) as TradeMode[]).find((name) => TradeModes[name] === facts.trade_mode);
  if (mode === undefined) throw new UnknownTradeMode(facts.trade_mode);
  return mode;
}

export function accountView(facts: AccountFacts): AccountInfoView {
  const { limit_orders: _orders, margin_mode, trade_mode: _mode, ...shown } = facts;
  return { ...shown, trade_mode: tradeModeOf(facts), margin_mode: MarginModes[margin_mode] ?? "netting" };
}

export function positionView(facts: PositionFacts, server: string, clock: BrokerClock, marks: MarksOf): PositionView {
  return {
    ticket: facts.ticket,
    symbol: facts.symbol,
    side: facts.type === OrderTypes.buy ? "buy" : "sell",
    volume: facts.volume,
    price_open: facts.price_open,
    price_current: facts.price_current,
    stop_loss: facts.sl || null,
    take_profit: facts.tp || null,
    profit: facts.profit,
    swap: facts.swap,
    time: clock.toUtc(server, facts.time_msc),
    broker_time: brokerTime(facts.time_msc),
    ...marks(facts),
  };
}

export function orderView(facts: OrderFacts, server: string, clock: BrokerClock, marks: MarksOf): OrderView {
  return {
    ticket: facts.ticket,
    symbol: facts.symbol,
    order_type: nameOf(OrderTypes, facts.type),
    state: nameOf(OrderStates, facts.state),
    volume_initial: facts.volume_initial,
    volume_current: facts.volume_current,
    price: facts.price_open,
    stop_limit_price: facts.price_stoplimit || null,
    stop_loss: facts.sl || null,
    take_profit: facts.tp || null,
    price_current: facts.price_current,
    time_in_force: nameOf(TimesInForce, facts.type_time),
    expires_at: clock.toUtc(server, facts.time_expiration * 1000),
    time: clock.toUtc(server, facts.time_setup_msc),
    broker_time: brokerTime(facts.time_setup_msc),
    ...marks(facts),
  };
}
