// Openings that the broker has confirmed and that the terminal's lists do not show yet: a list may lag behind the answer, or
// behind the records, by a moment. Until they show, they count as open in every limit. Kept in memory: no start is as short
// as that moment. Pure.
import { isTagged, type Reading } from "../mt5/mod.ts";
import { type AccountRef, laneKey, type TradeResult } from "../protocol.ts";

/** An opening that has not shown by then is gone again: stopped out, or closed by somebody else. */
export const SHOWS_WITHIN_MS = 2_000;
/** AccountFacts.margin_mode: every opening is a position of its own, with its own marks. */
const HEDGING = 2;

type Lists = Pick<Reading, "account" | "positions" | "orders">;
/** `tickets`: those that the broker gave it; what carries one is it, whatever became of the marks. */
export type Opening = { tag: number; tickets: readonly string[]; symbol: string; volume: number };
/** `heldBefore`: null if nobody knows. */
type Fresh = Opening & { heldBefore: string | null; untilMs: number };

export function ticketsIn({ order_ticket, position_ticket }: TradeResult): string[] {
  return [order_ticket, position_ticket].filter((ticket) => ticket !== null);
}

export class FreshOpenings {
  readonly #byLane = new Map<string, Fresh[]>();

  /** `before`: the reading that it was decided on; null: it was settled later, and is found by its marks and tickets alone. */
  opened(account: AccountRef, opening: Opening, before: Lists | null, nowMs: number): void {
    for (const [lane, openings] of this.#byLane) {
      if (openings.every(({ untilMs }) => untilMs <= nowMs)) this.#byLane.delete(lane);
    }
    const lane = laneKey(account);
    const heldBefore = before && heldIn(before, opening.symbol);
    const fresh = { ...opening, heldBefore, untilMs: nowMs + SHOWS_WITHIN_MS };
    this.#byLane.set(lane, [...(this.#byLane.get(lane) ?? []), fresh]);
  }

  /** Those that this reading does not show. What it shows is counted there, from now on. */
  unseen(account: AccountRef, reading: Lists, nowMs: number): Opening[] {
    const lane = laneKey(account);
    const left = notShown(
      (this.#byLane.get(lane) ?? []).filter(({ untilMs }) => untilMs > nowMs),
      reading,
    );
    if (left.length === 0) this.#byLane.delete(lane);
    else this.#byLane.set(lane, left);
    return left;
  }
}

function notShown(openings: readonly Fresh[], reading: Lists): Fresh[] {
  const { account, positions = [], orders = [] } = reading;
  const explained = new Set<string>();
  return openings.flatMap((one) => {
    if (isIn(orders, one)) return [];
    const held = heldIn(reading, one.symbol);
    // It may have joined a position that has other marks. But a change of what is held shows one opening, the oldest: the
    // next one may still be on its way.
    const isKnown = account.margin_mode !== HEDGING && one.heldBefore !== null;
    const joined = isKnown && held !== one.heldBefore && !explained.has(one.symbol);
    if (!joined && !isIn(positions, one))
      return [isKnown && explained.has(one.symbol) ? { ...one, heldBefore: held } : one];
    explained.add(one.symbol);
    return [];
  });
}

type Listed = { ticket: string; magic: string; comment: string };

function isIn(list: readonly Listed[], { tag, tickets }: Opening): boolean {
  return list.some(
    ({ ticket, magic, comment }) => tickets.includes(ticket) || magic === String(tag) || isTagged(comment, tag),
  );
}

function heldIn({ positions = [] }: Lists, symbol: string): string {
  const held = positions.filter((one) => one.symbol === symbol);
  return held.map(({ ticket, type, volume }) => `${ticket} ${type} ${volume}`).join();
}
