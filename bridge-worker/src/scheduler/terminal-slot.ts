// One terminal as the runner uses it, and as the policy is told of it.
import type { TerminalSession } from "../terminals/mod.ts";
import type { TerminalSpec, TerminalState } from "./policy/work.ts";
import { policyLane, policyServer } from "./task.ts";

export type Slot = {
  readonly session: TerminalSession;
  busy: boolean;
  /** What the policy was last told of it. */
  told: TerminalState;
  /** Work that needs the terminal for itself, whatever account it is on. */
  readonly alone: Turn[];
};

export type Turn = { run: () => Promise<void>; callOff: () => void };

/** What the policy may do with a terminal. One that is connecting for the first time has somebody's task on it already. */
export function stateOf({ session, alone, busy, told }: Slot): TerminalState {
  if (busy && told === "held") return "held";
  if (session.state === "draining") return "draining";
  if (session.unavailableForMs > 0) return "quarantined";
  return alone.length > 0 ? "held" : "up";
}

export function accountOf({ account }: TerminalSession): { lane: string; server: string } | null {
  return account === null ? null : { lane: policyLane(account), server: policyServer(account.server) };
}

export function specOf({ name, limits: { servers, pinned } }: TerminalSession): TerminalSpec {
  return { id: name, servers: servers?.map(policyServer) ?? null, pinned: pinned.map(policyLane) };
}
