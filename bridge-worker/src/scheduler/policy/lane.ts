// One account's work: changes first in, first out; reads beside them; what a snapshot may answer.
import type { Placed } from "./heap.ts";
import type { PolicyParams } from "./params.ts";
import type { TerminalSlot } from "./terminals.ts";
import { UseRate } from "./use-rate.ts";
import type { WaitingRoom } from "./waiting-room.ts";
import type { Work } from "./work.ts";

/** One work in its lane. `place` is that in the heap of the times at which works expire. */
export type Entry = Placed & {
  work: Work;
  lane: Lane;
  /** Order of admission. */
  seq: number;
  /** When it counts as arrived: later than it did, for a user above his share. */
  tagMs: number;
  /** From when on it may force a switch. */
  dueMs: number;
  /** Its order among what is due: the smallest first. */
  keyMs: number;
  /** The same without the lead of a close: what it is overdue by. */
  oldestMs: number;
  /** Not begun by then, it expires. */
  beginByMs: number;
};

export class Lane implements Placed {
  place = -1;
  readonly key: string;
  readonly server: string;
  readonly room: WaitingRoom;
  readonly rate = new UseRate();
  /** The terminal that is on this account, or on its way to it. */
  terminal: TerminalSlot | null = null;
  /** Its last terminal still reads it, to leave a snapshot behind. */
  leaving = false;
  running: Entry | null = null;
  /** Nobody has reached its server lately, and enough terminals try such logins already. */
  isParked = false;
  snapshotAtMs = Number.NEGATIVE_INFINITY;
  /** Of all that waits here, as of the last `refresh`: see Entry. `oldestMs` is the order without the lead of closes. */
  dueMs = Number.POSITIVE_INFINITY;
  keyMs = Number.POSITIVE_INFINITY;
  oldestMs = Number.POSITIVE_INFINITY;
  tagMs = Number.POSITIVE_INFINITY;
  hasClose = false;
  /** It holds positions, as far as is known. */
  exposed = false;
  /** When its last change ended. */
  changedAtMs = Number.NEGATIVE_INFINITY;
  readonly #changes: Entry[] = [];
  readonly #reads: Entry[] = [];
  readonly #verifies: Entry[] = [];

  constructor(key: string, server: string, room: WaitingRoom) {
    this.key = key;
    this.server = server;
    this.room = room;
  }

  get size(): number {
    return this.#changes.length + this.#reads.length + this.#verifies.length;
  }

  get hasChange(): boolean {
    return this.#changes.length > 0;
  }

  /** It has work and no terminal, and may be given one. */
  get waits(): boolean {
    return this.terminal === null && this.running === null && !this.leaving && !this.isParked && this.size > 0;
  }

  /** The user's work before it makes the login that a credential without a proof needs. */
  logsInFor(user: string): boolean {
    return [this.running, this.#changes.at(-1), this.#reads.at(-1)].some((entry) => entry?.work.user === user);
  }

  /** In the order of admission: what has to wait again goes in front of what came after it. */
  add(entry: Entry): void {
    const queue = this.#queueOf(entry);
    queue.splice(queue.findLastIndex(({ seq }) => seq < entry.seq) + 1, 0, entry);
  }

  remove(entry: Entry): void {
    const queue = this.#queueOf(entry);
    const index = queue.indexOf(entry);
    if (index >= 0) queue.splice(index, 1);
  }

  /** What its terminal runs next. */
  next(nowMs: number, { readPatienceMs }: PolicyParams): Entry | undefined {
    const [change, read, verify] = [this.#changes[0], this.#reads[0], this.#verifies[0]];
    if (verify !== undefined && nowMs >= verify.keyMs) return verify;
    if (change === undefined) return read ?? verify;
    const patientRead = read !== undefined && read.seq < change.seq && nowMs - read.work.arrivedMs > readPatienceMs;
    return patientRead ? read : change;
  }

  /** A read sees every change that came before it; a snapshot from before that change does not. */
  answersFromSnapshot({ kind, snapshotable, proven, maxAgeMs, arrivedMs }: Work, { keptMs }: PolicyParams): boolean {
    if (kind !== "read" || !snapshotable || !proven) return false;
    if (this.hasChange || isChange(this.running)) return false;
    return this.snapshotAtMs >= arrivedMs - Math.min(maxAgeMs, keptMs);
  }

  changed(nowMs: number): void {
    this.changedAtMs = nowMs;
    this.snapshotAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Keeps a snapshot and takes out the reads that it answers. */
  keep(takenAtMs: number, settleMs: number): Entry[] {
    if (takenAtMs < this.changedAtMs + settleMs) return [];
    this.snapshotAtMs = Math.max(this.snapshotAtMs, takenAtMs);
    const change = this.#changes[0];
    const answered = this.#reads.filter(
      ({ seq, work }) =>
        work.snapshotable &&
        work.proven &&
        takenAtMs >= work.arrivedMs - work.maxAgeMs &&
        (change === undefined || seq < change.seq),
    );
    for (const entry of answered) this.remove(entry);
    return answered;
  }

  /**
   * Computes what the waiting room sorts by: over all that waits, not only what is next. A close hurries the change
   * before it, and whoever is above his share slows nobody behind him.
   */
  refresh(): void {
    this.dueMs = this.keyMs = this.oldestMs = this.tagMs = Number.POSITIVE_INFINITY;
    this.hasClose = false;
    for (const entry of this.#changes) {
      this.#count(entry);
      if (entry.work.kind === "close") this.hasClose = true;
    }
    for (const entry of this.#reads) this.#count(entry);
    for (const entry of this.#verifies) this.#count(entry);
  }

  #count({ dueMs, keyMs, oldestMs, tagMs }: Entry): void {
    this.dueMs = Math.min(this.dueMs, dueMs);
    this.keyMs = Math.min(this.keyMs, keyMs);
    this.oldestMs = Math.min(this.oldestMs, oldestMs);
    this.tagMs = Math.min(this.tagMs, tagMs);
  }

  #queueOf({ work }: Entry): Entry[] {
    if (work.kind === "read") return this.#reads;
    return work.kind === "verify" ? this.#verifies : this.#changes;
  }
}

export function isChange(entry: Entry | null): boolean {
  return entry !== null && entry.work.kind !== "read" && entry.work.kind !== "verify";
}
