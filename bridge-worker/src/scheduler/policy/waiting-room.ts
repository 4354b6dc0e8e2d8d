// The lanes that wait for a terminal out of the same set: those that may force a switch by the order in which they are
// served, the others by when they may.
import { Heap } from "./heap.ts";
import type { Lane } from "./lane.ts";
import type { TerminalSlot } from "./terminals.ts";

export class WaitingRoom {
  /** Every terminal that may ever serve these lanes. */
  readonly terminals: readonly TerminalSlot[];
  readonly #due = new Heap<Lane>((lane) => lane.keyMs);
  readonly #later = new Heap<Lane>((lane) => lane.dueMs);
  readonly #timely = new Crowd();
  /** All of whose work counts as having come later than it did, and whose time has not come. */
  readonly #deferred = new Crowd();

  constructor(terminals: readonly TerminalSlot[]) {
    this.terminals = terminals;
  }

  /** Brings a lane to where it belongs after anything about it changed. */
  update(lane: Lane, nowMs: number): void {
    lane.refresh();
    const isDue = lane.waits && lane.dueMs <= nowMs;
    this.#count(lane, !isDue && lane.tagMs > nowMs);
    if (!isDue) this.#due.remove(lane);
    if (isDue || !lane.waits) this.#later.remove(lane);
    if (lane.waits) (isDue ? this.#due : this.#later).update(lane);
  }

  /** Lanes whose time has come may force a switch from now on. */
  promote(nowMs: number): void {
    for (let lane = this.#later.peek(); lane !== undefined && lane.dueMs <= nowMs; lane = this.#later.peek()) {
      this.#later.pop();
      this.#due.update(lane);
      this.#count(lane, false);
    }
  }

  get due(): Lane | undefined {
    return this.#due.peek();
  }

  /** The first of those that could still wait. */
  get later(): Lane | undefined {
    return this.#later.peek();
  }

  /** How many lanes are served before a new one with such work, at most. `isDeferred`: it is above its user's share itself. */
  ahead(kind: "close" | "change" | "read", isDeferred: boolean): number {
    return this.#timely.size(kind) + (isDeferred ? this.#deferred.size(kind) : 0);
  }

  #count(lane: Lane, isDeferred: boolean): void {
    this.#timely.set(lane, lane.waits && !isDeferred);
    this.#deferred.set(lane, lane.waits && isDeferred);
  }
}

/** Waiting lanes: all of them, those with any change, those with a close. */
class Crowd {
  readonly #all = new Set<Lane>();
  readonly #withChange = new Set<Lane>();
  readonly #withClose = new Set<Lane>();

  set(lane: Lane, isIn: boolean): void {
    setHas(this.#all, lane, isIn);
    setHas(this.#withChange, lane, isIn && lane.hasChange);
    setHas(this.#withClose, lane, isIn && lane.hasClose);
  }

  size(kind: "close" | "change" | "read"): number {
    if (kind === "close") return this.#withClose.size;
    return (kind === "change" ? this.#withChange : this.#all).size;
  }
}

function setHas<Item>(set: Set<Item>, item: Item, has: boolean): void {
  if (has) set.add(item);
  else set.delete(item);
}
