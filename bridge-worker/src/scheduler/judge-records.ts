// What the broker's records say of one command: the order that carries its tag, or nothing, or something that is no
// proof. Only the tag settles; symbol, side and volume must agree with it, and alone they prove nothing. Pure.
// Rules: an order counts, never a position (netting merges them) and never a deal alone (stop-loss deals may inherit the
// position's magic).
import type { OpenIntent } from "../journal/mod.ts";
import { type DealFacts, type History, isTagged, type OrderFacts, type SendRequest } from "../mt5/mod.ts";
import type { Outcome, TradeResult } from "../protocol.ts";

export type Finding =
  /** Proof: the command's final outcome. */
  | { kind: "settled"; outcome: Outcome }
  /** A full look found no trace of it. Whether that proves anything is decided elsewhere (absence.ts). */
  | { kind: "nothing" }
  /** A trace that settles nothing: shown to a person. */
  | { kind: "unclear"; why: string; tickets: string[] };

/** ENUM_ORDER_REASON: placed by a program; by a stop-loss, a take-profit, a stop-out. */
const REASON_EXPERT = 3;
const REASONS_OF_STOPS: ReadonlySet<number> = new Set([4, 5, 6]);
/** ENUM_ORDER_STATE. */
const State = { placed: 1, cancelled: 2, partial: 3, filled: 4, rejected: 5, expired: 6 } as const;
/** It stays like this until something happens. */
const AT_REST: ReadonlySet<number> = new Set([State.placed, State.partial]);
const ACTION_PENDING = 5;
/** Volumes are multiples of 0.00000001 lots at the finest. */
const SAME_VOLUME = 1e-9;

/** Orders to ask for by ticket, beside the tag. */
export function ticketsOf(intent: OpenIntent): string[] {
  const { order } = intent.plan as SendRequest;
  return intent.kind === "cancel_order" && order !== undefined ? [order] : [];
}

export function judgeRecords(intent: OpenIntent, records: History): Finding {
  return intent.kind === "cancel_order" ? judgeCancel(intent, records) : judgeOrder(intent, records);
}

/** The mark that can be found again: our tag in magic, or (the caller's own magic was passed on) in the comment alone. */
export function carriesOwnMagic(intent: OpenIntent): boolean {
  return (intent.plan as SendRequest).magic !== intent.tag;
}

/** The ticket of the order that carries the tag: its deals may have lost the mark, and are asked for by it. */
export function taggedOrder(intent: OpenIntent, records: History): string | undefined {
  return intent.kind === "cancel_order" ? undefined : taggedOrders(intent, records)[0]?.ticket;
}

function judgeOrder(intent: OpenIntent, records: History): Finding {
  const request = intent.plan as SendRequest;
  const tagged = taggedOrders(intent, records);
  const [order, ...more] = tagged;
  if (order === undefined) {
    // Also a stop's: it has the tag from a position that this command must have opened.
    const traces = [...records.open_orders, ...records.orders, ...records.deals].filter((one) => isMarked(intent, one));
    if (traces.length === 0) return { kind: "nothing" };
    const why = "a deal or a stop carries the tag, but no order of a program does";
    return { kind: "unclear", why, tickets: traces.map(ticketOf) };
  }
  const tickets = tagged.map(ticketOf);
  if (more.length > 0) return { kind: "unclear", why: "several orders carry the tag", tickets };
  if (order.reason !== REASON_EXPERT) return { kind: "unclear", why: "no program placed the order", tickets };
  const fits =
    order.symbol === request.symbol &&
    order.type === request.type &&
    Math.abs(order.volume_initial - (request.volume ?? 0)) < SAME_VOLUME;
  if (!fits) return { kind: "unclear", why: "the order is for something else than was asked for", tickets };
  const deals = records.deals.filter((deal) => deal.order === order.ticket);
  return judgeState(intent, order, deals);
}

/** Orders of the stops may inherit a position's magic: they are not what the command placed. */
function taggedOrders(intent: OpenIntent, { open_orders, orders }: History): OrderFacts[] {
  const byTicket = new Map<string, OrderFacts>();
  for (const order of [...open_orders, ...orders]) {
    if (isMarked(intent, order) && !REASONS_OF_STOPS.has(order.reason)) byTicket.set(order.ticket, order);
  }
  return [...byTicket.values()];
}

/** It carries the command's tag, wherever this broker may have left it. */
export function isMarked(intent: OpenIntent, { magic, comment }: { magic: string; comment: string }): boolean {
  return (!carriesOwnMagic(intent) && magic === String(intent.tag)) || isTagged(comment, intent.tag);
}

function judgeState(intent: OpenIntent, order: OrderFacts, deals: readonly DealFacts[]): Finding {
  const evidence = {
    settled_by: "broker",
    order: order.ticket,
    order_state: order.state,
    matched: order.magic === String(intent.tag) ? "magic" : "comment",
    deals: deals.map(ticketOf),
  };
  const wasPlaced = (intent.plan as SendRequest).action === ACTION_PENDING;
  switch (order.state) {
    case State.placed:
    case State.partial:
    case State.filled:
      return { kind: "settled", outcome: done(resultOf(intent, order, deals), evidence) };
    case State.cancelled:
    case State.expired:
    case State.rejected: {
      if (deals.length > 0 || (wasPlaced && order.state !== State.rejected))
        return { kind: "settled", outcome: done(resultOf(intent, order, deals), evidence) };
      if (order.volume_current < order.volume_initial - SAME_VOLUME)
        return {
          kind: "unclear",
          why: "a part of the order was filled, but no deal shows it",
          tickets: [order.ticket],
        };
      const how =
        order.state === State.rejected
          ? "The broker's records show the order as rejected"
          : "The broker cancelled the order without filling it";
      return { kind: "settled", outcome: rejected(how, evidence) };
    }
    default:
      return { kind: "unclear", why: "the order is still being worked on", tickets: [order.ticket] };
  }
}

/** To remove an order is to reach a state: the records show whether it is reached, whoever brought it about. */
function judgeCancel(intent: OpenIntent, { open_orders, orders }: History): Finding {
  const ticket = (intent.plan as SendRequest).order;
  const working = open_orders.find((order) => order.ticket === ticket);
  const ended = orders.find((order) => order.ticket === ticket);
  if (ended === undefined) {
    if (working !== undefined && AT_REST.has(working.state)) return { kind: "nothing" };
    // Started, or being added, changed or removed: it may be gone the next moment.
    const why = working === undefined ? "the order is in no record" : "the order is still being worked on";
    return { kind: "unclear", why, tickets: ticket === undefined ? [] : [ticket] };
  }
  const evidence = { settled_by: "broker", order: ended.ticket, order_state: ended.state };
  if (ended.state === State.cancelled) {
    return { kind: "settled", outcome: done({ ...NO_RESULT, order_ticket: ended.ticket }, evidence) };
  }
  const how = ended.state === State.filled ? "was filled" : "had ended in another way";
  const detail = `The order ${how} before it could be removed`;
  return { kind: "settled", outcome: { state: "not_executed", code: "not_executed", detail, evidence } };
}

/** No answer of `order_send` was seen, so there is no return code. */
const NO_RESULT: TradeResult = {
  retcode: null,
  retcode_name: null,
  order_ticket: null,
  deal_ticket: null,
  position_ticket: null,
  price: null,
  volume: 0,
  filled_volume: null,
};
/** Nobody measured: whoever did is gone. */
export const NO_TIMINGS = { queued_ms: 0, login_ms: 0, prepare_ms: 0, send_ms: 0, total_ms: 0 };

function resultOf(intent: OpenIntent, order: OrderFacts, deals: readonly DealFacts[]): TradeResult {
  const request = intent.plan as SendRequest;
  const filled = deals.reduce((sum, { volume }) => sum + volume, 0);
  const value = deals.reduce((sum, { volume, price }) => sum + volume * price, 0);
  return {
    ...NO_RESULT,
    order_ticket: order.ticket,
    deal_ticket: deals[0]?.ticket ?? null,
    position_ticket: request.position ?? (/^0+$/.test(order.position_id) ? null : order.position_id),
    price: filled > 0 ? Math.round((value / filled) * 1e8) / 1e8 : null,
    volume: request.volume ?? order.volume_initial,
    filled_volume: filled > 0 ? Math.round(filled * 1e8) / 1e8 : null,
  };
}

function done(result: TradeResult, evidence: Record<string, unknown>): Outcome {
  return { state: "done", result, timings: NO_TIMINGS, evidence };
}

function rejected(detail: string, evidence: Record<string, unknown>): Outcome {
  return { state: "rejected", code: "broker_rejected", detail, evidence };
}

function ticketOf({ ticket }: { ticket: string }): string {
  return ticket;
}
