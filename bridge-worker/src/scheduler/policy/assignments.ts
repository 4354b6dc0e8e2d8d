// What waits, what runs where, and which account is on which terminal: the one place that changes it. An account is on
// at most one terminal and runs at most one work; a work waits, runs or is gone.
import { Heap } from "./heap.ts";
import type { Entry, Lane } from "./lane.ts";
import type { TerminalSlot } from "./terminals.ts";
import type { Seen, Work } from "./work.ts";

export class Assignments {
  readonly #waiting = new Map<string, Entry>();
  readonly #expiries = new Heap<Entry>((entry) => entry.beginByMs);
  readonly #settleMs: number;

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get nextExpiryMs(): number {
    return this.#expiries.peek()?.beginByMs ?? Number.POSITIVE_INFINITY;
  }

  find(id: string): Entry | undefined {
    return this.#waiting.get(id);
  }

  queue(entry: Entry, nowMs: number): void {
    this.#waiting.set(entry.work.id, entry);
    this.#expiries.update(entry);
    entry.lane.add(entry);
    update(entry.lane, nowMs);
  }

  takeOut(entry: Entry, nowMs: number): void {
    entry.lane.remove(entry);
    this.#waiting.delete(entry.work.id);
    this.#expiries.remove(entry);
    update(entry.lane, nowMs);
  }

  /** Takes out the next work whose time to begin is over. */
  takeExpired(nowMs: number): Work | undefined {
    const entry = this.#expiries.peek();
    if (entry === undefined || entry.beginByMs > nowMs) return undefined;
    this.takeOut(entry, nowMs);
    return entry.work;
  }

  begin(slot: TerminalSlot, entry: Entry, nowMs: number): void {
    slot.running = entry;
    slot.beganMs = nowMs;
    entry.lane.running = entry;
    this.takeOut(entry, nowMs);
  }

  /** Returns what the terminal ran. */
  end(slot: TerminalSlot, nowMs: number): Entry {
    const entry = slot.running;
    if (entry === null) throw new RangeError(`terminal ${slot.id} runs nothing`);
    slot.running = null;
    if (slot.visitMs !== null) slot.visitMs += nowMs - slot.beganMs;
    entry.lane.running = null;
    if (slot.switching) {
      slot.switching = false;
      slot.arrivedMs = nowMs;
      slot.gate = entry.lane.size;
    }
    update(entry.lane, nowMs);
    return entry;
  }

  occupy(slot: TerminalSlot, lane: Lane, nowMs: number): void {
    slot.lane = lane;
    lane.terminal = slot;
    update(lane, nowMs);
  }

  release(slot: TerminalSlot, nowMs: number): void {
    const { lane } = slot;
    slot.lane = null;
    if (lane === null) return;
    lane.terminal = null;
    update(lane, nowMs);
  }

  /** The terminal reads the account once more while it goes: until then no other may log in to it. */
  leave(slot: TerminalSlot, lane: Lane): void {
    slot.leaves = lane;
    lane.leaving = true;
  }

  /** Returns the lane that the terminal has left for good now. */
  left(slot: TerminalSlot, nowMs: number): Lane | undefined {
    const lane = slot.leaves;
    if (lane === null) return undefined;
    slot.leaves = null;
    lane.leaving = false;
    update(lane, nowMs);
    return lane;
  }

  /** Keeps what was seen of a lane. Returns the reads that it answers. */
  keep(lane: Lane, seen: Seen | null, nowMs: number): Work[] {
    if (seen === null) return [];
    if (seen.exposed !== null) lane.exposed = seen.exposed;
    if (seen.snapshotAtMs === null) return [];
    const answered = lane.keep(seen.snapshotAtMs, this.#settleMs);
    for (const entry of answered) this.takeOut(entry, nowMs);
    return answered.map(({ work }) => work);
  }
}

function update(lane: Lane, nowMs: number): void {
  lane.room.update(lane, nowMs);
}
