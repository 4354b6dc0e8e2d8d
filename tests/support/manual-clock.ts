// A clock that moves only when a test moves it: nothing sleeps, and a deadline is met or missed on purpose.
import { setImmediate as turn } from "node:timers/promises";
import type { After } from "../../bridge-worker/src/after.ts";

type Sleeper = { atMs: number; wake: () => void };

export class ManualClock {
  #monotonicMs: number;
  #wallMs: number;
  readonly #sleepers = new Set<Sleeper>();
  readonly #timers = new Set<Sleeper>();

  /** `wallMs`: Unix milliseconds. The monotonic clock starts somewhere else, so that mixing the two is found. */
  constructor({ monotonicMs = 1_000_000, wallMs = Date.UTC(2026, 0, 14, 12, 0, 0) } = {}) {
    this.#monotonicMs = monotonicMs;
    this.#wallMs = wallMs;
  }

  readonly now = (): number => this.#monotonicMs;
  readonly wallClock = (): number => this.#wallMs;

  /** Both clocks go on by `ms`; whoever waited for that time or less is woken. */
  advance(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
    for (const sleeper of this.#sleepers) if (sleeper.atMs <= this.#monotonicMs) sleeper.wake();
    for (const timer of this.#timers) if (timer.atMs <= this.#monotonicMs) timer.wake();
  }

  /** The worker's and the function's timer, on this clock. */
  readonly after: After = (ms, run) => {
    const timer: Sleeper = {
      atMs: this.#monotonicMs + ms,
      wake: () => {
        this.#timers.delete(timer);
        run();
      },
    };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  };

  /**
   * With a signal, a time limit: it passes when the test says so, or is aborted. Without one, a latency: it takes a turn
   * of the event loop and no time, so that whatever else waits gets in between.
   */
  readonly wait = (ms: number, signal?: AbortSignal): Promise<unknown> => {
    if (signal === undefined) return turn();
    return new Promise<void>((resolve, reject) => {
      const sleeper: Sleeper = {
        atMs: this.#monotonicMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", () => {
        this.#sleepers.delete(sleeper);
        reject(new Error("the limit was called off"));
      });
    });
  };
}

/** Asks again every turn of the event loop until the condition holds. Throws, naming it, when it never does. */
export async function until(what: string, holds: () => boolean, limitMs = 5_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await turn();
  }
}
