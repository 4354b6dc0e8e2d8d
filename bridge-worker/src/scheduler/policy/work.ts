// What the policy is told and what it answers. Times are monotonic milliseconds of whoever asks.

/** `close` reduces exposure and goes before other changes; `verify` is a login that must really happen. */
export type WorkKind = "read" | "open" | "close" | "change" | "verify";

export type Work = {
  id: string;
  /** The account, as (server, login); it is on at most one terminal. */
  lane: string;
  server: string;
  user: string;
  kind: WorkKind;
  arrivedMs: number;
  deadlineMs: number;
  /** A read takes an answer that is at most this old when it arrives; 0 asks the terminal. */
  maxAgeMs: number;
  /** A snapshot of the account holds the answer. */
  snapshotable: boolean;
  /** The work's own credential is proven: without that it shares nothing and is shared with nobody. */
  proven: boolean;
};

export type Admission =
  | { kind: "queued" }
  /** Answered by what the account's terminal was last seen to hold, as of then. */
  | { kind: "snapshot"; takenAtMs: number }
  /** It could not begin in time. Sent again after `retryAfterMs`, it could, if nothing else comes in. */
  | { kind: "refused"; reason: RefusalReason; retryAfterMs: number };

/**
 * `slow_login`: its time is shorter than a login there takes, however few wait; 0: coming back does not help. `no_terminal`:
 * none may ever log in to this server, so it does not either.
 */
export type RefusalReason = "overloaded" | "slow_login" | "user_share" | "queue_full" | "no_terminal";

/** The account that a terminal leaves is read once more before the login, and `departed` says so. */
export type Farewell = {
  lane: string;
  /** A change that ended only just now may not show sooner. */
  notBeforeMs: number;
};

export type Decision =
  /** The terminal is on the account already. */
  | { kind: "run"; terminal: string; work: Work }
  /** The work logs the terminal in to its account. */
  | { kind: "switch"; terminal: string; farewell: Farewell | null; work: Work }
  /** It did not begin in time and never will. */
  | { kind: "expire"; work: Work };

/** What a terminal showed of an account. */
export type Seen = {
  /** When it was read whole, just before the terminal was asked; null when it was not. */
  snapshotAtMs: number | null;
  /** It holds positions now: whoever owns it may have to get out of them. Null: not known. */
  exposed: boolean | null;
};

/** What became of the work that a terminal ran. */
export type Finished = Seen & {
  /** What the login took; null when there was none, or it failed. */
  loginMs: number | null;
  /** What the work took after it; null when it was not begun. */
  workMs: number | null;
  /** The terminal is on the work's account now. */
  onAccount: boolean;
  /** It tried to log in, and reached no broker. */
  stranded?: boolean;
};

/**
 * `up` takes work. `held` takes none and keeps its account: something else uses it for a moment. The others give their
 * account away at once, or when what runs there has ended.
 */
export type TerminalState = "up" | "held" | "draining" | "quarantined" | "disconnected";

export type TerminalSpec = {
  id: string;
  /** Servers it may log in to; null: all. */
  servers: readonly string[] | null;
  /** Lanes that it alone serves; with any, it serves no others. */
  pinned: readonly string[];
};
