// Records of an account's history, as the API shows them. Pure.
import { type DealView, type HistoryOrderView, nameOf, OrderTypes } from "../protocol.ts";
import { type BrokerClock, brokerTime } from "./broker-clock.ts";
import type { DealFacts, OrderFacts } from "./facts.ts";
import { type MarksOf, orderView } from "./views.ts";

/** ENUM_ORDER_TYPE: the history holds one more than can be asked for. */
const DoneOrderTypes = { ...OrderTypes, close_by: 8 };
/** ENUM_DEAL_TYPE. */
const DealTypes = {
  buy: 0,
  sell: 1,
  balance: 2,
  credit: 3,
  charge: 4,
  correction: 5,
  bonus: 6,
  commission: 7,
  commission_daily: 8,
  commission_monthly: 9,
  commission_agent_daily: 10,
  commission_agent_monthly: 11,
  interest: 12,
  buy_cancelled: 13,
  sell_cancelled: 14,
  dividend: 15,
  dividend_franked: 16,
  tax: 17,
};
/** ENUM_DEAL_ENTRY. */
const Entries = { in: 0, out: 1, reversal: 2, out_by: 3 };
/** ENUM_ORDER_REASON, which ENUM_DEAL_REASON begins with: by whom or by what. */
const Reasons = {
  desktop: 0,
  mobile: 1,
  web: 2,
  program: 3,
  stop_loss: 4,
  take_profit: 5,
  stop_out: 6,
  rollover: 7,
  variation_margin: 8,
  split: 9,
};

export function historyOrderView(
  facts: OrderFacts,
  server: string,
  clock: BrokerClock,
  marks: MarksOf,
): HistoryOrderView {
  const { price_current: _now, ...shown } = orderView(facts, server, clock, marks);
  const { time_done_msc: done } = facts;
  return {
    ...shown,
    order_type: nameOf(DoneOrderTypes, facts.type),
    position_ticket: orNull(facts.position_id),
    reason: nameOf(Reasons, facts.reason),
    done_time: clock.toUtc(server, done),
    broker_done_time: done === 0 ? null : brokerTime(done),
  };
}

export function dealView(facts: DealFacts, server: string, clock: BrokerClock, marks: MarksOf): DealView {
  return {
    ticket: facts.ticket,
    order_ticket: orNull(facts.order),
    position_ticket: orNull(facts.position_id),
    symbol: facts.symbol,
    deal_type: nameOf(DealTypes, facts.type),
    entry: nameOf(Entries, facts.entry),
    reason: nameOf(Reasons, facts.reason),
    volume: facts.volume,
    price: facts.price,
    profit: facts.profit,
    swap: facts.swap,
    commission: facts.commission,
    fee: facts.fee,
    time: clock.toUtc(server, facts.time_msc),
    broker_time: brokerTime(facts.time_msc),
    ...marks(facts),
  };
}

function orNull(ticket: string): string | null {
  return ticket === "0" ? null : ticket;
}
