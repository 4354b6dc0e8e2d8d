// Who waits for what on one link. Several may wait for one id: a repeated request attaches to a command under way. Pure.
import type { ErrorCode } from "../../_shared/errors/mod.ts";
import type { WorkerPhase } from "../../_shared/protocol/mod.ts";

/** What can happen to a call. `ack` is not the end of it; each of the others is. */
export type CallEvent =
  | { type: "ack"; phase: WorkerPhase }
  | { type: "result"; result: string }
  | { type: "error"; code: ErrorCode; detail?: string; retryAfterMs?: number }
  | { type: "down"; reason: string };

export type Waiter = (event: CallEvent) => void;

export class PendingCalls {
  readonly #waiters = new Map<string, Set<Waiter>>();

  /** Ids that somebody waits for. */
  get size(): number {
    return this.#waiters.size;
  }

  /** Returns the way out: after it the waiter hears nothing more. */
  add(id: string, waiter: Waiter): () => void {
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters.add(waiter));
    return () => {
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id);
    };
  }

  /** Tells everyone who waits for this id. False when nobody does (any more). */
  settle(id: string, event: CallEvent): boolean {
    const waiters = this.#waiters.get(id);
    if (waiters === undefined) return false;
    // Gone before they hear of it: a waiter that asks again under the same id starts a new wait.
    if (event.type !== "ack") this.#waiters.delete(id);
    for (const waiter of [...waiters]) waiter(event);
    return true;
  }

  /** The link is gone: all hear the same reason. */
  failAll(reason: string): void {
    for (const id of [...this.#waiters.keys()]) this.settle(id, { type: "down", reason });
  }
}
