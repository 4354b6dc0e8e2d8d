// What the paper broker's records show of orders that did not go the straight way. Pure but for its own memory.
import { type HistoryQuery, isTagged } from "../../../bridge-worker/src/mt5/mod.ts";
import type { SimBroker } from "../../../bridge-worker/src/simulator/mod.ts";

type Records = ReturnType<SimBroker["history"]>;

const CANCELLED = 2;
/** ORDER_REASON_SL and DEAL_REASON_SL. */
const BY_STOP = 4;
const UNMARKED = { magic: "0", comment: "" };

export class OddRecords {
  /** Ticket → what was asked for, and what is left of it. */
  readonly #inPart = new Map<string, { asked: number; left: number }>();
  /** Tickets of orders whose records have lost the marks, and of the stops that have them now. */
  readonly #stopped = new Set<string>();
  readonly #stops = new Set<string>();

  filledInPart(ticket: string, asked: number, filled: number): void {
    this.#inPart.set(ticket, { asked, left: Math.round((asked - filled) * 100) / 100 });
  }

  stopped(opened: string, stop: string): void {
    this.#stopped.add(opened);
    this.#stops.add(stop);
  }

  /** Records as the broker has them, found by the marks that are left or by ticket. */
  shown({ orders, deals, ...rest }: Records, { tag, tickets = [] }: HistoryQuery): Records {
    const isFound = (ticket: string, one: { magic: string; comment: string }): boolean =>
      one.magic === String(tag) || isTagged(one.comment, tag) || tickets.includes(ticket);
    return {
      ...rest,
      orders: orders.map((one) => this.#order(one)).filter((one) => isFound(one.ticket, one)),
      deals: deals.map((one) => this.#deal(one)).filter((one) => isFound(one.order, one)),
    };
  }

  #order(order: Records["orders"][number]): Records["orders"][number] {
    const part = this.#inPart.get(order.ticket);
    return {
      ...order,
      ...(part && { state: CANCELLED, volume_initial: part.asked, volume_current: part.left }),
      ...(this.#stopped.has(order.ticket) && UNMARKED),
      ...(this.#stops.has(order.ticket) && { reason: BY_STOP }),
    };
  }

  #deal(deal: Records["deals"][number]): Records["deals"][number] {
    const isUnmarked = this.#stopped.has(deal.order) || this.#inPart.has(deal.order);
    return {
      ...deal,
      ...(isUnmarked && UNMARKED),
      ...(this.#stops.has(deal.order) && { reason: BY_STOP }),
    };
  }
}
