// A login to a broker that does not answer takes a terminal for as long as its caller has time. Not all of them may try such
// ones at once: a broker that is away, or a server's name that nobody has, would take every terminal from everybody. Nor may
// one that is known to be away take what is left from brokers of which nothing is known: one terminal tries it.
import type { Lane } from "./lane.ts";
import { count } from "./terminals.ts";

/** An answer of longer ago says nothing. */
const REACHED_MS = 300_000;

export class DoubtfulLogins {
  /** Share of the terminals that may try such logins at once; one always may. */
  readonly #share: number;
  /** Server → when a login was last accepted there; none after one that got no answer. */
  readonly #reachedMs = new Map<string, number>();
  /** Server → when a login last got no answer there; none after one that was accepted. The oldest first. */
  readonly #lostMs = new Map<string, number>();
  readonly #parked = new Set<Lane>();

  constructor(share: number) {
    this.#share = share;
  }

  /** Servers that it remembers as away. */
  get lostServers(): number {
    return this.#lostMs.size;
  }

  isReached(server: string, nowMs: number): boolean {
    return nowMs - (this.#reachedMs.get(server) ?? Number.NEGATIVE_INFINITY) < REACHED_MS;
  }

  /** Answers whether that is news. */
  reached(server: string, nowMs: number): boolean {
    const isNews = !this.isReached(server, nowMs);
    this.#reachedMs.set(server, nowMs);
    this.#lostMs.delete(server);
    return isNews;
  }

  lost(server: string, nowMs: number): void {
    this.#reachedMs.delete(server);
    this.#lostMs.delete(server);
    this.#lostMs.set(server, nowMs);
    // Anybody may write any name.
    for (const oldest of this.#lostMs.keys()) {
      if (this.#isLost(oldest, nowMs)) break;
      this.#lostMs.delete(oldest);
    }
  }

  /** Takes the lane out of its room if it may not have a terminal now. Somebody tries a server in doubt then. */
  park(lane: Lane, nowMs: number): boolean {
    const { terminals } = lane.room;
    if (this.isReached(lane.server, nowMs)) return false;
    const most = Math.max(1, Math.floor(count(terminals, ({ state }) => state === "up") * this.#share));
    const isTried = terminals.some(({ isDoubtful, running }) => isDoubtful && running?.work.server === lane.server);
    const mayTry = count(terminals, ({ isDoubtful }) => isDoubtful) < most;
    if (mayTry && !(isTried && this.#isLost(lane.server, nowMs))) return false;
    lane.isParked = true;
    lane.room.update(lane, nowMs);
    this.#parked.add(lane);
    return true;
  }

  /**
   * One of them has ended, or the terminals are others than before: whoever waits for that may try. Those whose server is
   * known to be away come after all others.
   */
  release(nowMs: number): void {
    const unknown = [...this.#parked].filter(({ server }) => !this.#isLost(server, nowMs));
    this.#unpark(unknown.length > 0 ? unknown : this.#parked, nowMs);
  }

  /** The others have left them the way, and nobody else will: true if there were any. */
  releaseAll(nowMs: number): boolean {
    const wereThere = this.#parked.size > 0;
    this.#unpark(this.#parked, nowMs);
    return wereThere;
  }

  #unpark(lanes: Iterable<Lane>, nowMs: number): void {
    for (const lane of lanes) {
      this.#parked.delete(lane);
      lane.isParked = false;
      lane.room.update(lane, nowMs);
    }
  }

  #isLost(server: string, nowMs: number): boolean {
    return nowMs - (this.#lostMs.get(server) ?? Number.NEGATIVE_INFINITY) < REACHED_MS;
  }
}
