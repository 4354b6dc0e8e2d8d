// What the policy is compared with: the ways in which such a service is usually built. Same interface, same simulation.

import { Heap } from "../../bridge-worker/src/scheduler/policy/heap.ts";
import type { Admission, Decision, Finished, Work } from "../../bridge-worker/src/scheduler/policy/work.ts";
import type { Contender } from "./simulate.ts";

type Terminal = { id: string; lane: string | null; running: Work | null; usedMs: number };

/** What all three share: terminals, and nothing that anyone answers but they. */
abstract class Baseline implements Contender {
  protected readonly terminals: Terminal[];

  constructor(terminals: readonly string[]) {
    this.terminals = terminals.map((id) => ({ id, lane: null, running: null, usedMs: 0 }));
  }

  abstract submit(nowMs: number, work: Work): Admission;
  abstract decide(nowMs: number): Decision[];

  departed(): Work[] {
    return [];
  }

  finished(nowMs: number, terminal: string, _finished: Finished): Work[] {
    const slot = this.terminals.find(({ id }) => id === terminal) as Terminal;
    slot.running = null;
    slot.usedMs = nowMs;
    return [];
  }

  wakeAtMs(): number | null {
    return null;
  }

  protected begin(terminal: Terminal, work: Work): Decision {
    const isThere = terminal.lane === work.lane;
    terminal.lane = work.lane;
    terminal.running = work;
    if (isThere) return { kind: "run", terminal: terminal.id, work };
    return { kind: "switch", terminal: terminal.id, farewell: null, work };
  }

  /** Idle for longest. */
  protected leastRecent(isIn: (terminal: Terminal) => boolean): Terminal | undefined {
    let best: Terminal | undefined;
    for (const terminal of this.terminals) {
      if (terminal.running === null && isIn(terminal) && (best === undefined || terminal.usedMs < best.usedMs))
        best = terminal;
    }
    return best;
  }
}

/** One queue, any terminal, no memory of who is where: the service that this project replaces, with more terminals. */
export class PlainFifo extends Baseline {
  readonly #queue: Work[] = [];
  #head = 0;

  submit(_nowMs: number, work: Work): Admission {
    this.#queue.push(work);
    return { kind: "queued" };
  }

  decide(): Decision[] {
    const decisions: Decision[] = [];
    for (let work = this.#queue[this.#head]; work !== undefined; work = this.#queue[this.#head]) {
      const terminal = this.leastRecent(() => true);
      if (terminal === undefined) break;
      this.#head += 1;
      decisions.push(this.begin(terminal, work));
    }
    return decisions;
  }
}

type Lane = { key: string; queue: Work[]; terminal: Terminal | null; place: number; firstMs: number };

/** An account stays on its terminal until another needs it; work in order of arrival; the longest unused goes. */
export class StickyLru extends Baseline {
  readonly #lanes = new Map<string, Lane>();
  /** Lanes that have work and no terminal, by their first work. */
  readonly #waiting = new Heap<Lane>((lane) => lane.firstMs);

  submit(_nowMs: number, work: Work): Admission {
    const lane = this.#lanes.get(work.lane) ?? { key: work.lane, queue: [], terminal: null, place: -1, firstMs: 0 };
    this.#lanes.set(work.lane, lane);
    lane.queue.push(work);
    if (lane.terminal === null && lane.queue.length === 1) this.#wait(lane);
    return { kind: "queued" };
  }

  decide(): Decision[] {
    const decisions: Decision[] = [];
    for (;;) {
      const next = this.#firstRunnable();
      if (next === undefined) return decisions;
      const { terminal, lane } = next;
      const left = terminal.lane === null ? undefined : this.#lanes.get(terminal.lane);
      if (left !== undefined && left !== lane) {
        left.terminal = null;
        if (left.queue.length > 0) this.#wait(left);
      }
      this.#waiting.remove(lane);
      lane.terminal = terminal;
      decisions.push(this.begin(terminal, lane.queue.shift() as Work));
    }
  }

  /** The earliest work of all that an idle terminal could do. */
  #firstRunnable(): { terminal: Terminal; lane: Lane } | undefined {
    let best: { terminal: Terminal; lane: Lane } | undefined;
    for (const terminal of this.terminals) {
      const lane = terminal.running === null && terminal.lane !== null ? this.#lanes.get(terminal.lane) : undefined;
      const work = lane?.queue[0];
      if (lane === undefined || work === undefined) continue;
      if (best === undefined || work.arrivedMs < (best.lane.queue[0] as Work).arrivedMs) best = { terminal, lane };
    }
    const lane = this.#waiting.peek();
    if (lane === undefined || (best !== undefined && (best.lane.queue[0] as Work).arrivedMs < lane.firstMs))
      return best;
    const terminal = this.leastRecent(() => true);
    return terminal === undefined ? undefined : { terminal, lane };
  }

  #wait(lane: Lane): void {
    lane.firstMs = (lane.queue[0] as Work).arrivedMs;
    this.#waiting.update(lane);
  }
}
