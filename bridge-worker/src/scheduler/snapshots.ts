// What terminals were last seen to hold, one snapshot for an account. The policy decides when one may answer.
import type { Snapshot } from "./task.ts";

/** Accounts whose snapshot is kept; a whole reading can be large. */
const MAX_SNAPSHOTS = 2_000;

export class Snapshots {
  readonly #byLane = new Map<string, Snapshot>();

  find(lane: string): Snapshot | undefined {
    return this.#byLane.get(lane);
  }

  keep(lane: string, snapshot: Snapshot): void {
    this.#byLane.delete(lane);
    this.#byLane.set(lane, snapshot);
    for (const oldest of this.#byLane.keys()) {
      if (this.#byLane.size <= MAX_SNAPSHOTS) break;
      this.#byLane.delete(oldest);
    }
  }
}
