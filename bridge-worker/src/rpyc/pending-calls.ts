// The calls that wait for a reply: sequence number to waiter. Pure.
import { MAX_PENDING_CALLS } from "./limits.ts";

export class PendingCalls<Waiter> {
  readonly #limit: number;
  readonly #waiting = new Map<number, Waiter>();
  #next = 0;

  constructor(limit = MAX_PENDING_CALLS) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** The number the next {@link add} will give. Throws `RangeError` when as many calls wait as may wait. */
  nextSeq(): number {
    if (this.#waiting.size >= this.#limit) throw new RangeError(`${this.#limit} calls are waiting already`);
    return this.#next;
  }

  /** Numbers are never used twice on a connection: a late reply cannot meet another call. */
  add(waiter: Waiter): number {
    const seq = this.nextSeq();
    this.#next += 1;
    this.#waiting.set(seq, waiter);
    return seq;
  }

  /** Removes and returns the waiter; undefined for a number that nobody waits for. */
  take(seq: unknown): Waiter | undefined {
    if (typeof seq !== "number") return undefined;
    const waiter = this.#waiting.get(seq);
    this.#waiting.delete(seq);
    return waiter;
  }

  /** Removes and returns all waiters, oldest first. */
  takeAll(): Waiter[] {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    return all;
  }
}
