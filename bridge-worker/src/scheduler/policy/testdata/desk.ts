// A policy on a clock that only the test moves, and words for what it decides.
import { type PolicyParams, PRESETS } from "../params.ts";
import { Policy } from "../policy.ts";
import type { Admission, Decision, Finished, TerminalSpec, Work } from "../work.ts";

/** Reads hold back in full however idle the terminals are, and no terminal counts as cold. */
export const HOLDS: Partial<PolicyParams> = { holdFromShare: -1, holdFullShare: 0, coldPerSecond: 0 };

export type DeskOptions = { terminals?: number | TerminalSpec[]; params?: Partial<PolicyParams>; up?: boolean };

export class Desk {
  readonly policy: Policy;
  nowMs = 0;
  #next = 0;

  constructor({ terminals = 1, params = {}, up = true }: DeskOptions = {}) {
    const specs = typeof terminals === "number" ? specsOf(terminals) : terminals;
    this.policy = new Policy({ ...PRESETS.balanced.params, settleMs: 0, doubtfulShare: 1, ...params }, specs);
    if (up) for (const { id } of specs) this.policy.terminalChanged(0, id, "up");
  }

  /** A proven open of the lane's own user with ten seconds to go, unless told otherwise. */
  submit(lane: string, change: Partial<Work> = {}): Admission {
    this.#next += 1;
    return this.policy.submit(this.nowMs, {
      ...{ id: `${lane}${this.#next}`, lane, server: "server", user: `user of ${lane}`, kind: "open" },
      ...{ arrivedMs: this.nowMs, deadlineMs: this.nowMs + 10_000, maxAgeMs: 0, snapshotable: true, proven: true },
      ...change,
    });
  }

  read(lane: string, change: Partial<Work> = {}): Admission {
    return this.submit(lane, { kind: "read", ...change });
  }

  /** What is decided now: "switch t1 A1", "run t1 A2", "expire A3". */
  decide(): string[] {
    return this.decisions().map((decision) => {
      const where = decision.kind === "expire" ? "" : `${decision.terminal} `;
      return `${decision.kind} ${where}${decision.work.id}`;
    });
  }

  decisions(): Decision[] {
    return this.policy.decide(this.nowMs);
  }

  /** The terminal has done it; returns the ids of the reads that this answers. */
  finish(terminal: string, change: Partial<Finished> = {}): string[] {
    const finished: Finished = {
      loginMs: null,
      workMs: 10,
      snapshotAtMs: null,
      exposed: null,
      onAccount: true,
      ...change,
    };
    return this.policy.finished(this.nowMs, terminal, finished).map(({ id }) => id);
  }

  after(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  /** The terminal is on the lane's account, idle, with nothing to do; `snapshot`: and was just read; `exposed`: and holds positions. */
  settle(lane: string, { snapshot = false, exposed = null as boolean | null } = {}): this {
    this.read(lane, { snapshotable: false });
    for (const decision of this.decisions()) {
      if (decision.kind === "expire") continue;
      this.finish(decision.terminal, { snapshotAtMs: snapshot ? this.nowMs : null, exposed });
    }
    return this;
  }
}

export function specsOf(count: number): TerminalSpec[] {
  return Array.from({ length: count }, (_, index) => ({ id: `t${index + 1}`, servers: null, pinned: [] }));
}
