// How long each broker's logins take, learned as they happen. Pure: time is an argument.

/** Before a first login nothing is known: a command is not refused on a guess. */
const FIRST_GUESS_MS = 500;
const WEIGHT = 0.3;
/** A login slower than the usual one is normal; a command needs this much of it to be worth starting. */
const MARGIN = 1.25;
/** What is not seen for so long is not known any more: only a login can show that they are quick again. */
const COUNTS_MS = 300_000;

export class LoginTimes {
  readonly #means = new Map<string, { ms: number; lastMs: number }>();

  observe(server: string, ms: number, nowMs: number): void {
    const mean = this.#meanMs(server, nowMs) ?? ms;
    this.#means.set(server, { ms: mean + WEIGHT * (ms - mean), lastMs: nowMs });
  }

  /** Milliseconds that a login to this server should be given. An unknown server is given the benefit of the doubt. */
  expectedMs(server: string, nowMs: number): number {
    const mean = this.#meanMs(server, nowMs);
    return mean === undefined ? FIRST_GUESS_MS : mean * MARGIN;
  }

  #meanMs(server: string, nowMs: number): number | undefined {
    const mean = this.#means.get(server);
    return mean !== undefined && nowMs - mean.lastMs < COUNTS_MS ? mean.ms : undefined;
  }
}
