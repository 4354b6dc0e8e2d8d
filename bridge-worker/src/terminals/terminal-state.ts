// The states of a terminal, and which may follow which. Pure.
//
// disconnected → connecting → idle ⇄ busy ⇄ switching: connected, at rest or at work. Any of these but disconnected
// leads to quarantined when something is wrong with the terminal, and on to connecting when it is tried again. draining
// is the way out, from everywhere.

/**
 * `disconnected`: not opened yet, or shut down. `connecting`: being opened. `idle`: connected, without work. `busy`: a job
 * uses it. `switching`: it is logging in. `quarantined`: it did what it must not do, and gets no work until it was opened
 * anew. `draining`: it is being let go.
 */
export type TerminalState = "disconnected" | "connecting" | "idle" | "busy" | "switching" | "quarantined" | "draining";

export const NEXT_STATES: Readonly<Record<TerminalState, readonly TerminalState[]>> = {
  disconnected: ["connecting"],
  connecting: ["idle", "busy", "quarantined", "draining"],
  idle: ["busy", "switching", "quarantined", "draining"],
  busy: ["idle", "switching", "quarantined", "draining"],
  switching: ["idle", "busy", "quarantined", "draining"],
  quarantined: ["connecting", "draining"],
  draining: ["disconnected"],
};

/** Calls can be made. */
export function isConnected(state: TerminalState): boolean {
  return state === "idle" || state === "busy" || state === "switching";
}
