// What the runner is given: one piece of work on one account, and what it leaves behind for others. Pure types.
import type { Reading } from "../mt5/mod.ts";
import { type AccountRef, laneKey } from "../protocol.ts";
import type { TerminalSession } from "../terminals/mod.ts";
import type { Work } from "./policy/work.ts";

/** An account as its terminal held it: `takenAtMs` monotonic, just before it was asked; `asOfMs` the same in Unix time. */
export type Snapshot = { reading: Reading; takenAtMs: number; asOfMs: number };

/**
 * What a task cost, and what it saw. `loginMs`: null without a login, `workMs`: null when it came to nothing, `exposed`:
 * whether the account holds positions now, null when it did not see that.
 */
export type Ran = {
  loginMs: number | null;
  workMs: number | null;
  snapshot: Snapshot | null;
  exposed: boolean | null;
};

export const NOTHING_RAN: Ran = { loginMs: null, workMs: null, snapshot: null, exposed: null };

export type Task = {
  work: Work;
  account: AccountRef;
  /** On a terminal that nothing else uses; logs it in if need be. Settles everything itself. */
  run: (session: TerminalSession) => Promise<Ran>;
  /** For reads: what the terminal was last seen to hold answers it. */
  answer?: (snapshot: Snapshot) => void;
  /** Its time was over before its turn. */
  expire: () => Promise<void>;
};

/**
 * The policy's name for an account. Brokers take any spelling of their server, and two spellings must never be two lanes.
 */
export function policyLane({ login, server }: AccountRef): string {
  return laneKey({ login, server: policyServer(server) });
}

export function policyServer(server: string): string {
  return server.toLowerCase();
}
