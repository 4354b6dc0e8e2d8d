// The events of one call in order, to be awaited one by one with a limit of time.
import type { After } from "./after.ts";
import type { CallEvent } from "./pending-calls.ts";

export class Mailbox {
  readonly #after: After;
  readonly #events: CallEvent[] = [];
  #wake: (() => void) | null = null;

  constructor(after: After) {
    this.#after = after;
  }

  put(event: CallEvent): void {
    this.#events.push(event);
    this.#wake?.();
  }

  /** The next event, or null when none came within `waitMs` milliseconds. For one reader at a time. */
  async next(waitMs: number): Promise<CallEvent | null> {
    if (this.#events.length === 0 && waitMs > 0) {
      await new Promise<void>((resolve) => {
        const callOff = this.#after(waitMs, resolve);
        this.#wake = () => {
          callOff();
          resolve();
        };
      });
      this.#wake = null;
    }
    return this.#events.shift() ?? null;
  }
}
