// Gated batching: a terminal serves what waited for its account when it came, trades first; reads are answered from a
// cache of one second; the longest unused account goes. A good and common answer, and the one to beat.
import { Heap } from "../../bridge-worker/src/scheduler/policy/heap.ts";
import type { Admission, Decision, Finished, Work } from "../../bridge-worker/src/scheduler/policy/work.ts";
import { type Contender, SEND_GUARD_MS } from "./simulate.ts";

const READ_HANDICAP_MS = 3_000;
const OVERDUE_MS = 4_000;

type Lane = {
  trades: Work[];
  reads: Work[];
  terminal: Terminal | null;
  /** What its terminal runs for it. */
  running: Work | null;
  readAtMs: number;
  place: number;
  keyMs: number;
};
type Terminal = { id: string; lane: Lane | null; isBusy: boolean; switching: boolean; gate: number; usedMs: number };

export class GatedBatching implements Contender {
  readonly #terminals: Terminal[];
  readonly #lanes = new Map<string, Lane>();
  readonly #waiting = new Heap<Lane>((lane) => lane.keyMs);

  constructor(terminals: readonly string[]) {
    this.#terminals = terminals.map((id) => ({
      ...{ id, lane: null, isBusy: false, switching: false, gate: 0, usedMs: 0 },
    }));
  }

  submit(_nowMs: number, work: Work): Admission {
    const lane = this.#lanes.get(work.lane) ?? newLane();
    this.#lanes.set(work.lane, lane);
    const isRead = work.kind === "read";
    const behindTrade = lane.trades.length > 0 || (lane.running !== null && lane.running.kind !== "read");
    if (isRead && work.snapshotable && !behindTrade && lane.readAtMs >= work.arrivedMs - work.maxAgeMs) {
      return { kind: "snapshot", takenAtMs: lane.readAtMs };
    }
    (isRead ? lane.reads : lane.trades).push(work);
    this.#update(lane);
    return { kind: "queued" };
  }

  decide(nowMs: number): Decision[] {
    const decisions: Decision[] = [];
    for (;;) {
      const terminal = this.#terminals.find((one) => !one.isBusy && this.#laneFor(one, nowMs, decisions) !== undefined);
      const lane = terminal === undefined ? undefined : this.#laneFor(terminal, nowMs, decisions);
      if (terminal === undefined || lane === undefined) return decisions;
      this.#begin(this.#victim(terminal, lane), lane, decisions);
    }
  }

  departed(): Work[] {
    return [];
  }

  finished(nowMs: number, terminal: string, { snapshotAtMs }: Finished): Work[] {
    const slot = this.#terminals.find(({ id }) => id === terminal) as Terminal;
    const lane = slot.lane as Lane;
    if (slot.switching) slot.gate = lane.trades.length + lane.reads.length;
    if (lane.running?.kind !== "read") lane.readAtMs = Number.NEGATIVE_INFINITY;
    else if (snapshotAtMs !== null) lane.readAtMs = snapshotAtMs;
    Object.assign(slot, { isBusy: false, switching: false, usedMs: nowMs });
    lane.running = null;
    return [];
  }

  wakeAtMs(): number | null {
    return null;
  }

  /** Its own lane until the gate is served; then, or without own work, the one that has waited most. */
  #laneFor(terminal: Terminal, nowMs: number, decisions: Decision[]): Lane | undefined {
    if (terminal.lane !== null) this.#expire(terminal.lane, nowMs, decisions);
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (!this.#expire(next, nowMs, decisions)) break;
    }
    const waiting = this.#waiting.peek();
    if (!hasWork(terminal.lane)) return waiting;
    return waiting !== undefined && terminal.gate <= 0 && nowMs > waiting.keyMs + OVERDUE_MS
      ? waiting
      : (terminal.lane ?? undefined);
  }

  #victim(terminal: Terminal, lane: Lane): Terminal {
    if (terminal.lane === lane || hasWork(terminal.lane)) return terminal;
    const idle = this.#terminals.filter((one) => !one.isBusy && !hasWork(one.lane));
    return idle.reduce((best, one) => (one.usedMs < best.usedMs ? one : best), terminal);
  }

  #begin(terminal: Terminal, lane: Lane, decisions: Decision[]): void {
    const isThere = terminal.lane === lane;
    const left = terminal.lane;
    const work = (lane.trades.shift() ?? lane.reads.shift()) as Work;
    lane.running = work;
    lane.terminal = terminal;
    this.#update(lane);
    terminal.isBusy = true;
    terminal.gate -= 1;
    if (isThere) {
      decisions.push({ kind: "run", terminal: terminal.id, work });
      return;
    }
    Object.assign(terminal, { lane, switching: true });
    if (left !== null) {
      left.terminal = null;
      this.#update(left);
    }
    decisions.push({ kind: "switch", terminal: terminal.id, farewell: null, work });
  }

  /** Given the same guard as the policy: whatever could not be answered in time goes. */
  #expire(lane: Lane, nowMs: number, decisions: Decision[]): boolean {
    const old = [
      ...lane.trades.filter(({ arrivedMs }) => nowMs - arrivedMs > SEND_GUARD_MS),
      ...lane.reads.filter(({ deadlineMs }) => nowMs > deadlineMs),
    ];
    for (const work of old) {
      const queue = work.kind === "read" ? lane.reads : lane.trades;
      queue.splice(queue.indexOf(work), 1);
      decisions.push({ kind: "expire", work });
    }
    if (old.length > 0) this.#update(lane);
    return old.length > 0;
  }

  #update(lane: Lane): void {
    const [trade, read] = [lane.trades[0], lane.reads[0]];
    if (lane.terminal !== null || (trade === undefined && read === undefined)) {
      this.#waiting.remove(lane);
      return;
    }
    const tradeMs = trade?.arrivedMs ?? Number.POSITIVE_INFINITY;
    lane.keyMs = Math.min(tradeMs, (read?.arrivedMs ?? Number.POSITIVE_INFINITY) + READ_HANDICAP_MS);
    this.#waiting.update(lane);
  }
}

function newLane(): Lane {
  return {
    ...{
      trades: [],
      reads: [],
      terminal: null,
      running: null,
      readAtMs: Number.NEGATIVE_INFINITY,
      place: -1,
      keyMs: 0,
    },
  };
}

function hasWork(lane: Lane | null): boolean {
  return lane !== null && lane.trades.length + lane.reads.length > 0;
}
