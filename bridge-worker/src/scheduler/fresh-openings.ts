// Openings that the broker has confirmed and that the terminal's lists do not show yet: a list may lag behind the answer by a
// moment. Until they show, they count as open in every limit. Kept in memory: no start is as short as that moment. Pure.
import { isTagged, type Reading } from "../mt5/mod.ts";
import { type AccountRef, laneKey } from "../protocol.ts";

/** An opening that has not shown by then is gone again: stopped out, or closed by somebody else. */
export const SHOWS_WITHIN_MS = 2_000;
/** AccountFacts.margin_mode: every opening is a position of its own, with its own marks. */
const HEDGING = 2;

type Lists = Pick<Reading, "account" | "positions" | "orders">;
/** `tickets`: those that the broker gave it; what carries one is it, whatever became of the marks. */
export type Opening = { tag: number; tickets: readonly string[]; symbol: string; volume: number };
type Fresh = Opening & { heldBefore: string; untilMs: number };

export class FreshOpenings {
  readonly #byLane = new Map<string, Fresh[]>();

  /** `before`: the reading that it was decided on. */
  opened(account: AccountRef, opening: Opening, before: Lists, nowMs: number): void {
    for (const [lane, openings] of this.#byLane) {
      if (openings.every(({ untilMs }) => untilMs <= nowMs)) this.#byLane.delete(lane);
    }
    const lane = laneKey(account);
    const fresh = { ...opening, heldBefore: heldIn(before, opening.symbol), untilMs: nowMs + SHOWS_WITHIN_MS };
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
    const joined = account.margin_mode !== HEDGING && held !== one.heldBefore && !explained.has(one.symbol);
    if (!joined && !isIn(positions, one)) return [explained.has(one.symbol) ? { ...one, heldBefore: held } : one];
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
