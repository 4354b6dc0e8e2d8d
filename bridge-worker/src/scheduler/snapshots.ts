// What terminals were last seen to hold, one snapshot for an account. The policy decides when one may answer.

import { describeError, type Log } from "../log.ts";
import type { Reading } from "../mt5/mod.ts";
import type { TerminalSession } from "../terminals/mod.ts";
import type { EquityWatch } from "./equity-watch.ts";
import { policyLane, type Snapshot } from "./task.ts";

/** Accounts whose snapshot is kept, at most; a whole reading can be large. */
const MAX_SNAPSHOTS = 2_000;
/** A last look at an account that is left is worth no more than this. */
const FAREWELL_TIMEOUT_MS = 2_000;

export class Snapshots {
  /** The oldest first. */
  readonly #byLane = new Map<string, Snapshot>();
  readonly #keptMs: number;

  /** `keptMs`: no reading older than this is ever asked for. */
  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  find(lane: string): Snapshot | undefined {
    return this.#byLane.get(lane);
  }

  keep(lane: string, snapshot: Snapshot): void {
    this.#byLane.delete(lane);
    this.#byLane.set(lane, snapshot);
    for (const [oldest, { takenAtMs }] of this.#byLane) {
      if (this.#byLane.size <= MAX_SNAPSHOTS && snapshot.takenAtMs - takenAtMs <= this.#keptMs) break;
      this.#byLane.delete(oldest);
    }
  }
}

/** Null when the positions were not read. */
export function exposedIn({ positions }: Reading): boolean | null {
  return positions === undefined ? null : positions.length > 0;
}

export type LookDeps = { now: () => number; wallClock: () => number; equity: EquityWatch; log: Log };

/** The account that a terminal is on, read whole; null when it is on another one by now, or cannot be read. */
export async function lookAt(deps: LookDeps, session: TerminalSession, lane: string): Promise<Snapshot | null> {
  const { account } = session;
  if (account === null || policyLane(account) !== lane) return null;
  const [takenAtMs, asOfMs] = [deps.now(), deps.wallClock()];
  try {
    const reading = await session.read(account, { positions: {}, orders: {} }, FAREWELL_TIMEOUT_MS);
    if (reading.kind !== "ok") return null;
    deps.equity.saw(reading, deps.wallClock());
    return { reading, takenAtMs, asOfMs };
  } catch (error) {
    deps.log.debug("scheduler.no_last_look", { terminal: session.name, error: describeError(error) });
    return null;
  }
}
