// Ids that were refused at admission and whose key the function frees again. A copy of the same frame that was held on
// the way must not start afterwards. Kept in memory for longer than any envelope lives: after a restart, envelopes of
// the earlier boot are refused altogether. Pure: time is an argument.

export class RefusedIds {
  readonly #until = new Map<string, number>();
  readonly #lifeMs: number;

  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs;
  }

  add(id: string, nowMs: number): void {
    for (const [known, until] of this.#until) {
      // Insertion order is time order, so the first one still alive ends the sweep.
      if (until > nowMs) break;
      this.#until.delete(known);
    }
    this.#until.delete(id);
    this.#until.set(id, nowMs + this.#lifeMs);
  }

  has(id: string, nowMs: number): boolean {
    return (this.#until.get(id) ?? 0) > nowMs;
  }
}
