// A login to a broker that does not answer takes a terminal for as long as its caller has time. Not all of them may try such
// ones at once: a broker that is away, or a server's name that nobody has, would take every terminal from everybody.
import type { Lane } from "./lane.ts";
import { count } from "./terminals.ts";

/** An answer of longer ago says nothing. */
const REACHED_MS = 300_000;

export class DoubtfulLogins {
  /** Share of the terminals that may try such logins at once; one always may. */
  readonly #share: number;
  /** Server → when a login was last accepted there; none after one that got no answer. */
  readonly #reachedMs = new Map<string, number>();
  readonly #parked = new Set<Lane>();

  constructor(share: number) {
    this.#share = share;
  }

  isReached(server: string, nowMs: number): boolean {
    return nowMs - (this.#reachedMs.get(server) ?? Number.NEGATIVE_INFINITY) < REACHED_MS;
  }

  /** Answers whether that is news. */
  reached(server: string, nowMs: number): boolean {
    const isNews = !this.isReached(server, nowMs);
    this.#reachedMs.set(server, nowMs);
    return isNews;
  }

  lost(server: string): void {
    this.#reachedMs.delete(server);
  }

  /** Takes the lane out of its room if it may not have a terminal now. */
  park(lane: Lane, nowMs: number): boolean {
    const { terminals } = lane.room;
    if (this.isReached(lane.server, nowMs)) return false;
    const most = Math.max(1, Math.floor(count(terminals, ({ state }) => state === "up") * this.#share));
    if (count(terminals, ({ isDoubtful }) => isDoubtful) < most) return false;
    lane.isParked = true;
    lane.room.update(lane, nowMs);
    this.#parked.add(lane);
    return true;
  }

  /** One of them has ended, or the terminals are others than before: whoever waits for that may try. */
  release(nowMs: number): void {
    for (const lane of this.#parked) {
      lane.isParked = false;
      lane.room.update(lane, nowMs);
    }
    this.#parked.clear();
  }
}
