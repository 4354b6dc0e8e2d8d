// Why a terminal gets no work, and for how long it is left alone before it is tried again. Pure.
import { type LastError, TerminalLost } from "../mt5/mod.ts";

/**
 * `unreachable`: its process is away, or cannot start MetaTrader. `hung`: a call was not answered in time. `protocol`: its
 * answer made no sense. `ipc`: Python has lost MetaTrader: several readings in a row, or a login. `wrong_account`: it shows
 * another account than it was put on. `wrong_terminal`: MetaTrader runs from another folder than configured. `taken_over`:
 * another worker opened it. `shared_terminal`: it shows the account that another terminal of ours is on. `same_process`:
 * another terminal of ours is this very process. `guard_not_shared`: its connections reach different processes.
 */
export type QuarantineReason =
  | "unreachable"
  | "hung"
  | "protocol"
  | "ipc"
  | "wrong_account"
  | "wrong_terminal"
  | "taken_over"
  | "shared_terminal"
  | "same_process"
  | "guard_not_shared";

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 15_000;
/** What only a person can put right is looked at again once a minute. */
const PERSON_PAUSE_MS = 60_000;
const FOR_A_PERSON = new Set<QuarantineReason>(["shared_terminal", "same_process", "guard_not_shared"]);
/** A terminal that was well for this long begins anew; before, one trouble counts on from the last. */
export const CALM_MS = 60_000;
/** So many readings in a row that Python could not get from MetaTrader. */
export const MAX_IPC_FAILURES = 3;
/** RES_E_INTERNAL_FAIL of the package, the first of its codes for a broken link to MetaTrader; the others lie below. */
const FIRST_IPC_CODE = -10_000;

/**
 * Milliseconds of rest before the next try; `failures` were there before. `random` in [0, 1) shortens it by up to half:
 * terminals that one fault has hit do not come back in one moment.
 */
export function pauseAfter(reason: QuarantineReason, failures: number, random: number): number {
  const whole = FOR_A_PERSON.has(reason) ? PERSON_PAUSE_MS : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return Math.round(whole * (1 - random / 2));
}

export function reasonOf(error: unknown): QuarantineReason {
  if (!(error instanceof TerminalLost)) return "protocol";
  return REASONS[error.reason];
}

/** What a caller is told who comes while the terminal is quarantined. */
export function lossOf(reason: QuarantineReason): TerminalLost["reason"] {
  if (reason === "hung") return "timeout";
  return reason === "guard_not_shared" || reason === "same_process" ? "guard_not_shared" : "connection";
}

const REASONS: Readonly<Record<TerminalLost["reason"], QuarantineReason>> = {
  timeout: "hung",
  connection: "unreachable",
  guard_not_shared: "guard_not_shared",
  protocol: "protocol",
};

export function isIpcFailure([code]: readonly [number, string]): boolean {
  return code <= FIRST_IPC_CODE;
}

/** Python without MetaTrader. A time-out (-10005) is none of these: an unreachable broker looks the same. */
export function isSilent([code]: LastError): boolean {
  return code <= -10_001 && code >= -10_004;
}
