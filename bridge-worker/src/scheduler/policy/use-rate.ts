// How soon a lane will be used again, and how busy the terminals are: counts that fade. Pure.

/**
 * Requests a second, from two counts: one forgets within seconds and tells an open session from a finished one, the
 * other within half an hour and tells a busy account from a quiet one. Together they do as well as a fitted model.
 */
export class UseRate {
  #fast = 0;
  #slow = 0;
  #atMs = Number.NEGATIVE_INFINITY;

  get lastUsedMs(): number {
    return this.#atMs;
  }

  count(nowMs: number, fastMs: number, slowMs: number): void {
    const idleMs = nowMs - this.#atMs;
    this.#fast = this.#fast * Math.exp(-idleMs / fastMs) + 1;
    this.#slow = this.#slow * Math.exp(-idleMs / slowMs) + 1;
    this.#atMs = nowMs;
  }

  perSecond(nowMs: number, fastMs: number, slowMs: number): number {
    const idleMs = nowMs - this.#atMs;
    const fast = (this.#fast * Math.exp(-idleMs / fastMs)) / fastMs;
    const slow = (this.#slow * Math.exp(-idleMs / slowMs)) / slowMs;
    return (fast + slow) * 1_000;
  }
}

const LOAD_WINDOW_MS = 60_000;

/** Share of the terminals' time that was busy, over about the last minute. */
export class BusyShare {
  #share = 0;
  #atMs: number | null = null;

  /** `busy` of `total` terminals have been busy since the call before. */
  advance(nowMs: number, busy: number, total: number): void {
    if (this.#atMs !== null && total > 0) {
      const weight = 1 - Math.exp(-(nowMs - this.#atMs) / LOAD_WINDOW_MS);
      this.#share += (busy / total - this.#share) * weight;
    }
    this.#atMs = nowMs;
  }

  get share(): number {
    return this.#share;
  }
}
