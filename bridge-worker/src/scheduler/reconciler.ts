// Settles commands whose outcome is not known: those that a crash interrupted and those whose answer was lost. It asks
// the terminals' processes, soon and then ever less often, and once more when somebody asks. What they cannot prove
// stays visibly `unknown`. Looking at the broker's own history is not done here: a person does that.
import type { Intent } from "../journal/mod.ts";
import { describeError, type Log } from "../log.ts";
import type { Outcome } from "../protocol.ts";
import type { TerminalSession } from "../terminals/mod.ts";
import { settleByGuard } from "./settle-by-guard.ts";

/** Pauses between attempts, milliseconds; the last one repeats while anything is open. */
export const SETTLE_PAUSES_MS = [1_000, 3_000, 10_000, 30_000, 60_000, 120_000, 300_000] as const;
/** Whoever asks for an open command starts an attempt, but not more often than this. */
export const SETTLE_ON_DEMAND_MS = 10_000;

export type ReconcilerDeps = {
  sessions: readonly TerminalSession[];
  /** Commands that may have been sent and are not final, oldest first. */
  unsettled: () => Intent[];
  /** Journals the final outcome; from then on it is told and delivered. */
  record: (intent: Intent, outcome: Outcome) => Promise<void>;
  /** Runs work while no job uses the terminal. Rejects when that cannot be had in time. */
  alone: (session: TerminalSession, work: () => Promise<void>) => Promise<void>;
  log: Log;
  now: () => number;
};

export class Reconciler {
  readonly #deps: ReconcilerDeps;
  #attempts = 0;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
  }

  /** A command has become unknown: attempts begin anew, from the shortest pause. */
  wake(): void {
    this.#attempts = 0;
    this.#later();
  }

  /** Somebody asks: one attempt now, unless there was one a moment ago. Resolves when it has ended. */
  async onDemand(): Promise<void> {
    if (this.#running !== undefined) return this.#running;
    if (this.#deps.now() - this.#lastAtMs < SETTLE_ON_DEMAND_MS) return;
    await this.attempt();
  }

  /** One look at every terminal. Never rejects for what a terminal does; rejects when the journal cannot be written. */
  attempt(): Promise<void> {
    this.#running ??= this.#attempt().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #attempt(): Promise<void> {
    this.#lastAtMs = this.#deps.now();
    if (this.#deps.unsettled().length === 0) return;
    // All at once: at a start every terminal is asked before it takes a new order.
    const settled = await Promise.all(this.#deps.sessions.map((session) => this.#look(session)));
    for (const [intent, outcome] of settled.flat()) await this.#deps.record(intent, outcome);
  }

  async #look(session: TerminalSession): Promise<[Intent, Outcome][]> {
    const settled: [Intent, Outcome][] = [];
    try {
      // Once opened, its process can be asked beside whatever runs or hangs there.
      if (session.epoch === null) await this.#deps.alone(session, () => session.ensureOpen());
      for (const intent of this.#deps.unsettled()) {
        const outcome = await settleByGuard(session, intent);
        if (outcome !== undefined) settled.push([intent, outcome]);
      }
    } catch (error) {
      this.#deps.log.warn("reconciler.no_answer", { terminal: session.name, error: describeError(error) });
    }
    return settled;
  }

  #later(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const pause = SETTLE_PAUSES_MS[Math.min(this.#attempts, SETTLE_PAUSES_MS.length - 1)];
    this.#attempts += 1;
    this.#timer = setTimeout(() => {
      this.attempt().then(
        () => {
          if (this.#deps.unsettled().length > 0) this.#later();
        },
        // What rejects is the journal, and that has already stopped the worker.
        () => {},
      );
    }, pause);
  }
}
