// Learns how far a broker's clock is from UTC. MetaTrader stamps everything with the broker's local time written as if
// it were UTC, and says nowhere which zone that is; the newest tick of an open market tells. Pure: times are arguments.

const HALF_HOUR_MS = 30 * 60 * 1000;
/** Zones run from UTC−12 to UTC+14. */
const OFFSET_MIN_MS = -12 * 3600 * 1000;
const OFFSET_MAX_MS = 14 * 3600 * 1000;
/** One tick this close to a half-hour grid is believed alone: an old tick passes by chance in 1 of 300 cases. */
const FRESH_MS = 3_000;
/** Two ticks that agree are believed up to this age: a closed market's last tick has no successor. */
const AGREEING_MS = 60_000;

/** The end of the year 9999. */
const LATEST_MS = 253_402_300_799_999;

/** The newest tick of a server, and the offset that the last believable one spoke for. */
type Seen = { tickMsc: number; offsetMs: number | undefined };

export class BrokerClock {
  readonly #offsets = new Map<string, number>();
  readonly #seen = new Map<string, Seen>();

  /** `tickMsc`: newest tick by the broker's clock; `utcMs`: our clock when it was read. Both in milliseconds. */
  observe(server: string, tickMsc: number, utcMs: number): void {
    const offsetMs = Math.round((tickMsc - utcMs) / HALF_HOUR_MS) * HALF_HOUR_MS;
    if (offsetMs < OFFSET_MIN_MS || offsetMs > OFFSET_MAX_MS) return;
    const before = this.#seen.get(server);
    // Looked at for long enough, an old tick comes to lie on the grid every half-hour: it has its one chance, when it is new.
    // Where a clock is set back while ticks go on, the new offset is learned when they have passed the old ones.
    if (before !== undefined && tickMsc <= before.tickMsc) return;
    const ageMs = Math.abs(utcMs + offsetMs - tickMsc);
    const isBelievable = ageMs <= AGREEING_MS;
    this.#seen.set(server, { tickMsc, offsetMs: isBelievable ? offsetMs : before?.offsetMs });
    if (ageMs <= FRESH_MS || (isBelievable && before?.offsetMs === offsetMs)) this.#offsets.set(server, offsetMs);
  }

  /** Broker time minus UTC in milliseconds; undefined until an open market has shown it. */
  offsetMs(server: string): number | undefined {
    return this.#offsets.get(server);
  }

  /** The broker's times that a moment of UTC may be: one, or any in between while the offset is not known. */
  toBroker(server: string, utcMs: number): { earliestMsc: number; latestMsc: number } {
    const offset = this.#offsets.get(server);
    return {
      earliestMsc: Math.max(0, utcMs + (offset ?? OFFSET_MIN_MS)),
      latestMsc: Math.max(0, utcMs + (offset ?? OFFSET_MAX_MS)),
    };
  }

  /** A broker time as ISO 8601 UTC, or null while the offset is not known, and for what is no time. */
  toUtc(server: string, brokerMsc: number): string | null {
    const offset = this.#offsets.get(server);
    if (offset === undefined || brokerMsc === 0) return null;
    const utcMs = brokerMsc - offset;
    return utcMs === within(utcMs) ? new Date(utcMs).toISOString() : null;
  }
}

/** A broker time as the terminal shows it: the same digits, without a zone. */
export function brokerTime(brokerMsc: number): string {
  return new Date(within(brokerMsc)).toISOString().slice(0, -1);
}

/** A terminal may say any number: of what no calendar shows, the nearest that one does. */
function within(ms: number): number {
  return Math.min(Math.max(ms, 0), LATEST_MS);
}
