// Virtual time: a queue of what happens when. Between two events everything that can go on goes on to its end, so that a
// run depends on the seed alone. Nothing in a run may wait for anything but this loop: no socket, thread or real timer.
import type { Random } from "./random.ts";

type Event = { at: number; tie: number; run: (() => void) | null };

export class Loop {
  /** Milliseconds since the beginning of the run. */
  now = 0;
  events = 0;
  readonly #random: Random;
  readonly #heap: Event[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  readonly after = (ms: number, run: () => void): (() => void) => {
    // Of two things due at the same moment either may come first.
    const event: Event = { at: this.now + Math.max(0, ms), tie: this.#random.next(), run };
    this.#push(event);
    return () => {
      event.run = null;
    };
  };

  readonly sleep = (ms: number): Promise<void> => new Promise((resolve) => void this.after(ms, resolve));

  /** Runs until nothing is left, the time is over, or `isDone` says so. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    await turn();
    for (;;) {
      if (isDone()) return;
      const next = this.#heap[0];
      if (next === undefined || next.at > untilMs) break;
      this.#pop();
      if (next.run === null) continue;
      this.now = next.at;
      this.events += 1;
      next.run();
      await turn();
    }
    this.now = Math.max(this.now, untilMs);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[index] = heap[parent] as Event;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child += 1;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[index] = heap[child] as Event;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}

/** Every promise that can settle has settled when the event loop comes round. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
