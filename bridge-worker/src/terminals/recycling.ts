// Whether the operator's command may restart a terminal now. It ends a process, and with it the process's memory of what
// was sent: so late, so seldom, never while a send of ours could still be answered there, and never for a trouble in
// which the process belongs to somebody else. Pure.
import type { QuarantineReason } from "./quarantine.ts";

/** Where nothing answers, a restart may help. Where a wrong account or process answers, it would end somebody's work. */
const MAY_HELP: ReadonlySet<QuarantineReason> = new Set(["unreachable", "hung", "ipc"]);
/** Attempts that failed in a row; after a silence one is enough, because a new connection cures what the network did. */
const MAX_FAILURES = 3;
const MAX_FAILURES_AFTER_SILENCE = 1;
/** Silences in a row, each soon after the terminal had been opened anew. */
const MAX_SILENCES = 2;
/** Between two restarts of one terminal. */
export const RECYCLE_GAP_MS = 600_000;
/** What the command may take. */
export const RECYCLE_LIMIT_MS = 60_000;
/** How long it is waited for once it was killed. */
export const KILL_GRACE_MS = 5_000;

export type Trouble = {
  /** Of the last attempt. */
  reason: QuarantineReason;
  /** How often it fell silent (`hung`, `ipc`), without a calm minute between them. */
  silences: number;
  /** Attempts to open the terminal since it was last connected. */
  failures: number;
  /** Milliseconds since the last restart began; null: none yet. */
  sinceLastMs: number | null;
  /** Milliseconds in which its process may still answer for a send. */
  mayAnswerForMs: number;
};

export function mayRecycle({ reason, silences, failures, sinceLastMs, mayAnswerForMs }: Trouble): boolean {
  if (!MAY_HELP.has(reason) || mayAnswerForMs > 0) return false;
  if (sinceLastMs !== null && sinceLastMs < RECYCLE_GAP_MS) return false;
  return silences >= MAX_SILENCES || failures >= (silences > 0 ? MAX_FAILURES_AFTER_SILENCE : MAX_FAILURES);
}
