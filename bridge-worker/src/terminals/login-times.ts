// How long each broker's logins take, learned as they happen. Pure.

/** Before a first login nothing is known: a command is not refused on a guess. */
const FIRST_GUESS_MS = 500;
const WEIGHT = 0.3;
/** A login slower than the usual one is normal; a command needs this much of it to be worth starting. */
const MARGIN = 1.25;

export class LoginTimes {
  readonly #means = new Map<string, number>();

  observe(server: string, ms: number): void {
    const mean = this.#means.get(server);
    this.#means.set(server, mean === undefined ? ms : mean + WEIGHT * (ms - mean));
  }

  /** Milliseconds that a login to this server should be given. An unknown server is given the benefit of the doubt. */
  expectedMs(server: string): number {
    const mean = this.#means.get(server);
    return mean === undefined ? FIRST_GUESS_MS : mean * MARGIN;
  }
}
