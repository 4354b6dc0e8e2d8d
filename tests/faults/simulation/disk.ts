// The worker's disk: what a journal has flushed, as the list of its writes. After a crash a new journal is made by doing
// them again, so that whatever was not flushed is gone, as it would be after a power cut.
import { type Journal, openJournal } from "../../../bridge-worker/src/journal/mod.ts";
import type { Lifeline } from "./lifeline.ts";
import { WORKER_ID } from "./seals.ts";

type Method = {
  [Name in keyof Journal]: Journal[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Journal];

export const WRITES = [
  "recordIntent",
  "recordEnding",
  "acknowledge",
  "confirmDelivery",
  "prove",
  "disprove",
  "recordMarkCheck",
  "saveRiskCounters",
  "compact",
] as const satisfies Method[];
export type Write = (typeof WRITES)[number];

type Done = { atMs: number; name: Write; args: unknown[]; isFlushed: boolean };

/** Looks at a write before and after it is done; may throw to make it fail, or end the process there. */
export type Watch = { before: (name: Write, args: unknown[]) => void; after: (name: Write, args: unknown[]) => void };

/** A broken build: true when this write is said to be on the disk, and gets there some time later. */
export type Unflushed = (name: Write, args: unknown[]) => boolean;
const FLUSHED_AFTER_MS = 10_000;

/** A journal answers "unknown" to whatever may be older than itself, with a margin for clocks: it is no newcomer here. */
const AGE_MS = 86_400_000;

export class Disk {
  readonly #wallClock: () => number;
  #madeAtMs: number;
  #done: Done[] = [];
  readonly #opened: Journal[] = [];

  constructor(wallClock: () => number) {
    this.#wallClock = wallClock;
    this.#madeAtMs = wallClock() - AGE_MS;
  }

  /** The disk is gone; the worker is started with a new, empty journal. */
  lose(): void {
    this.#madeAtMs = this.#wallClock();
    this.#done = [];
  }

  get madeAtMs(): number {
    return this.#madeAtMs;
  }

  /** The run is over. */
  close(): void {
    for (const journal of this.#opened.splice(0)) journal.close();
  }

  /** As it would be found after a crash at this moment. The caller closes it. */
  read(): Journal {
    return this.#replay().journal;
  }

  open(life: Lifeline, watch: Watch, unflushed: Unflushed = () => false): Journal {
    const { journal, setClock } = this.#replay();
    setClock(this.#wallClock);
    this.#opened.push(journal);
    const write = (name: Write, args: unknown[]): unknown => {
      watch.before(name, args);
      const value: unknown = Reflect.apply(Reflect.get(journal, name) as () => unknown, journal, args);
      // What a dead process still writes is in its own memory alone.
      if (life.isAlive) {
        const done = { atMs: this.#wallClock(), name, args: structuredClone(args), isFlushed: !unflushed(name, args) };
        this.#done.push(done);
        if (!done.isFlushed) {
          life.after(FLUSHED_AFTER_MS, () => {
            done.isFlushed = true;
          });
        }
      }
      watch.after(name, args);
      return value;
    };
    const isWrite = (name: string | symbol): name is Write => (WRITES as readonly (string | symbol)[]).includes(name);
    return new Proxy(journal, {
      get: (target, name) => {
        if (isWrite(name)) return (...args: unknown[]) => write(name, args);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** A process has ended here: what was not flushed is gone. */
  crash(): void {
    this.#done = this.#done.filter(({ isFlushed }) => isFlushed);
  }

  #replay(): { journal: Journal; setClock: (clock: () => number) => void } {
    let clock = (): number => this.#madeAtMs;
    const journal = openJournal({ path: ":memory:", workerId: WORKER_ID, now: () => clock() });
    for (const { atMs, name, args } of this.#done) {
      clock = () => atMs;
      Reflect.apply(Reflect.get(journal, name) as () => unknown, journal, args);
    }
    return {
      journal,
      setClock: (next) => {
        clock = next;
      },
    };
  }
}
