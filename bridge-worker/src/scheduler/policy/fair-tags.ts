// Fairness between users: whoever causes more logins than his share is treated as if the surplus had arrived later
// (virtual start times, as in start-time fair queueing). Who stays below his share never notices. Pure.

export class FairTags {
  /** User → when the logins that he has asked for so far would be paid; the longest unused user first. */
  readonly #paidMs = new Map<string, number>();

  get size(): number {
    return this.#paidMs.size;
  }

  /** From when on one more login counts as asked for. `burst` logins in a row count at once. */
  tag(user: string, nowMs: number, stepMs: number, burst: number): number {
    const paidMs = this.#paidMs.get(user) ?? nowMs;
    return Math.max(nowMs, paidMs - (burst - 1) * stepMs);
  }

  charge(user: string, nowMs: number, stepMs: number): void {
    const paidMs = Math.max(nowMs, this.#paidMs.get(user) ?? nowMs) + stepMs;
    // Put in anew, to keep the order of last use.
    this.#paidMs.delete(user);
    this.#paidMs.set(user, paidMs);
    this.#forget(nowMs);
  }

  /** At most two for each one put in: the map cannot grow beyond the users that still owe something. */
  #forget(nowMs: number): void {
    let looked = 0;
    for (const [user, paidMs] of this.#paidMs) {
      if (paidMs > nowMs || looked === 2) return;
      this.#paidMs.delete(user);
      looked += 1;
    }
  }
}
