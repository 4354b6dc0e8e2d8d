// Equity that readings have shown: whatever a terminal was read for, the loss limits take note. Kept in memory, so that reads
// write nothing: the account's next command writes it down, and a restart before that forgets it. Pure.
import type { BrokerClock } from "../mt5/mod.ts";
import { type AccountRef, laneKey } from "../protocol.ts";
import { advanceCounters, type EquityCounters } from "../risk/mod.ts";

/** Of more accounts, those that were not read for longest are forgotten. */
export const MAX_WATCHED = 2_000;
/** Brokers' clocks are whole half-hours apart, so no day begins inside one of UTC: its first sighting stands for it. */
const HALF_HOUR_MS = 30 * 60 * 1000;
const HALF_HOURS_OF_A_DAY = 48;

/** What every reading has: whose money it is, said together with how much; some have a tick. */
export type SeenEquity = { account: AccountRef & { equity: number }; broker_now_msc?: number | null };

type Sighting = { utcMs: number; tickMsc: number | null; equity: number };
type Seen = { firsts: Sighting[]; peak: number };

export class EquityWatch {
  readonly #clock: BrokerClock;
  readonly #byLane = new Map<string, Seen>();

  constructor(clock: BrokerClock) {
    this.#clock = clock;
  }

  /** Counts for the account that the reading itself names. `utcMs`: our clock when it was read. */
  saw({ account, broker_now_msc: tickMsc = null }: SeenEquity, utcMs: number): void {
    const { equity } = account;
    if (!Number.isFinite(equity)) return;
    const lane = laneKey(account);
    const { firsts, peak } = this.#byLane.get(lane) ?? { firsts: [], peak: equity };
    const last = firsts.at(-1);
    const isFirst = last === undefined || halfHour(last.utcMs) !== halfHour(utcMs);
    this.#byLane.delete(lane);
    this.#byLane.set(lane, {
      firsts: isFirst ? [...firsts, { utcMs, tickMsc, equity }].slice(-HALF_HOURS_OF_A_DAY) : firsts,
      peak: Math.max(peak, equity),
    });
    for (const oldest of this.#byLane.keys()) {
      if (this.#byLane.size <= MAX_WATCHED) break;
      this.#byLane.delete(oldest);
    }
  }

  /**
   * The counters that the account's last command `saved`, and all that was seen. Only here is it said of a sighting which day
   * it was in: the broker's clock may have been learned since.
   */
  joined(account: AccountRef, saved: EquityCounters | undefined): EquityCounters | undefined {
    const seen = this.#byLane.get(laneKey(account));
    let counters = saved;
    for (const sighting of seen?.firsts ?? [])
      counters = advanceCounters(counters, sighting.equity, this.#brokerMs(account.server, sighting));
    if (seen === undefined || counters === undefined) return counters;
    return { ...counters, peakEquity: Math.max(counters.peakEquity, seen.peak) };
  }

  /** The broker's time; its last tick stands in while the offset is not known, and our own clock where there is none. */
  #brokerMs(server: string, { utcMs, tickMsc }: Sighting): number {
    const offset = this.#clock.offsetMs(server);
    if (offset !== undefined) return utcMs + offset;
    // No zone is further ahead of UTC: a tick from the far future must not put off every day until then.
    const { latestMsc } = this.#clock.toBroker(server, utcMs);
    return Math.min(Math.max(tickMsc ?? utcMs, 0), latestMsc);
  }
}

function halfHour(utcMs: number): number {
  return Math.floor(utcMs / HALF_HOUR_MS);
}
