// Filling modes that a server has refused for a symbol with 10030, so that the next order does not try them. Market and
// pending orders apart: brokers have other rules for either. Kept for the life of the process: brokers change their rules,
// and one more refusal costs nothing. Pure.

const NONE: ReadonlySet<number> = new Set();

export type FillingOf = { server: string; symbol: string; market: boolean };

export class FillingMemory {
  readonly #refused = new Map<string, Set<number>>();

  refused(of: FillingOf): ReadonlySet<number> {
    return this.#refused.get(keyOf(of)) ?? NONE;
  }

  remember(of: FillingOf, filling: number): void {
    this.#refused.set(keyOf(of), new Set([...this.refused(of), filling]));
  }
}

function keyOf({ server, symbol, market }: FillingOf): string {
  return `${server}\n${symbol}\n${market ? "market" : "pending"}`;
}
