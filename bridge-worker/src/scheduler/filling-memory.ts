// Filling modes that a server has refused for a symbol with 10030, so that the next order does not try them. Kept for
// the life of the process: brokers change their rules, and one more refusal costs nothing. Pure.

const NONE: ReadonlySet<number> = new Set();

export class FillingMemory {
  readonly #refused = new Map<string, Set<number>>();

  refused(server: string, symbol: string): ReadonlySet<number> {
    return this.#refused.get(`${server}\n${symbol}`) ?? NONE;
  }

  remember(server: string, symbol: string, filling: number): void {
    const key = `${server}\n${symbol}`;
    this.#refused.set(key, new Set([...this.refused(server, symbol), filling]));
  }
}
