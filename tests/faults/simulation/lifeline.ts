// The thread of one process's life. When it is cut, nothing of that process has an effect any more: its timers do not fire,
// its calls never return, its writes reach no disk. Whatever it had handed out before goes on by itself. While it is
// stalled (stopped by the system, or busy with itself), everything comes to it later, and time passes all the same.
import type { Loop } from "./loop.ts";

export class Lifeline {
  #isAlive = true;
  #stalledUntilMs = 0;
  readonly #loop: Pick<Loop, "now" | "after">;
  readonly #onDeath: (() => void)[] = [];

  constructor(loop: Pick<Loop, "now" | "after">) {
    this.#loop = loop;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  readonly after = (ms: number, run: () => void): (() => void) => {
    let callOff = this.#loop.after(ms, () => {
      if (!this.#isStalled) return this.#isAlive ? run() : undefined;
      callOff = this.after(this.#stalledUntilMs - this.#loop.now, run);
    });
    return () => callOff();
  };

  /** Something comes in from outside. */
  hear(deliver: () => void): void {
    if (!this.#isStalled) {
      if (this.#isAlive) deliver();
    } else void this.after(0, deliver);
  }

  /** What the rest of the world notices of the death. */
  onDeath(notice: () => void): void {
    this.#onDeath.push(notice);
  }

  cut(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const notice of this.#onDeath.splice(0)) notice();
  }

  stall(ms: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#loop.now + ms);
  }

  /** A call out of the process: what comes back to a dead one never arrives. */
  async through<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isAlive) return await never();
    try {
      const value = await work();
      await this.#awake();
      return value;
    } catch (error) {
      await this.#awake();
      throw error;
    }
  }

  get #isStalled(): boolean {
    return this.#loop.now < this.#stalledUntilMs;
  }

  async #awake(): Promise<void> {
    if (this.#isAlive && this.#isStalled) await new Promise<void>((resolve) => void this.after(0, resolve));
    if (!this.#isAlive) await never();
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}
