// What is known after a run, from four sides that know nothing of each other: the broker's own record, the ledger, the
// worker's journal, and every answer that a client was ever given. The invariants are functions of this and of nothing
// else. Times are milliseconds of one clock, the observer's.
import { isTagged } from "../../../bridge-worker/src/mt5/mod.ts";
import type { CommandState } from "../../../bridge-worker/src/protocol.ts";

/** One request that the broker carried out, as it came in: before the broker put its own marks on anything. */
export type Booked = {
  atMs: number;
  login: string;
  server: string;
  magic: number;
  comment: string;
  ticket: string;
  /** ENUM_TRADE_REQUEST_ACTIONS. */
  action: number;
  symbol: string;
  volume: number;
  /** The position that a close named. */
  position: string | null;
  /** There is one position more than before. */
  opened: boolean;
  /** Positions and orders on the account afterwards; undefined: not known, or no worker could know them all. */
  stood?: number;
  /** The terminal was switched while it took the order: where it went was in nobody's hand. */
  strayed?: boolean;
};

/** A row of the ledger. `lost`: the database was reset, and nobody can find it there any more. */
export type LedgerRow = {
  id: string;
  userId: string;
  key: string;
  login: string;
  server: string;
  kind: string;
  tag: number;
  state: CommandState;
  /** Every state it was ever in, oldest first. */
  states: readonly CommandState[];
  status: number | null;
  body: string | null;
  evidence?: unknown;
  acknowledged?: unknown;
  createdMs: number;
  /** As the database told it. */
  deadlineMs: number;
  /** Its key was released: certainly no worker knows it. */
  withdrawn: boolean;
  lost: boolean;
};

/** What the worker's journal holds of a command in the end. */
export type JournalRow = { id: string; state: "intent" | "unknown" | "final"; outcome: CommandState | null };

/** One answer over HTTP. `executed` undefined: it says nothing of a command's outcome. */
export type Answer = {
  atMs: number;
  askedMs: number;
  userId: string;
  what: "submit" | "ask" | "cancel" | "acknowledge";
  commandId: string | null;
  key: string | null;
  status: number;
  body: string;
  executed: boolean | null | undefined;
  code: string | null;
};

/** One `order_send` in a terminal's process; `process` is its epoch. `owner`: whose send it was; `owned`: who may send. */
export type Sending = {
  tag: number;
  terminal: string;
  process: string;
  login: string;
  server: string;
  beganMs: number;
  endedMs: number | null;
  owner?: string;
  owned?: string | null;
};

/**
 * What the journal wrote down of a command, in order. `about`: what must not be doubled while it is open, such as the
 * opening on a symbol or the close of a position; null: nothing. `memory_lost`: the journal begins anew.
 */
export type JournalEvent =
  | { what: "begun"; id: string; about: string | null }
  | { what: "ended" | "acknowledged"; id: string }
  | { what: "memory_lost" };

/** A command that one life of the worker was given; in the order in which they came. */
export type Admission = {
  tag: number;
  life: string;
  kind: string;
  login: string;
  server: string;
  /** Its frame came after its time. */
  isTooLate?: boolean;
  /** How many positions and orders its user allows; null: any number. */
  maxOpen?: number | null;
};

/** A password that a broker judged. */
export type LoginTry = { atMs: number; login: string; server: string; ok: boolean };

/** Who has proven which account, with a password that the broker accepted. */
export type Possession = { userId: string; login: string; server: string };

export type Facts = {
  booked: readonly Booked[];
  rows: readonly LedgerRow[];
  journal: readonly JournalRow[];
  answers: readonly Answer[];
  sendings: readonly Sending[];
  logins: readonly LoginTry[];
  admissions: readonly Admission[];
  journaled: readonly JournalEvent[];
  possessions: readonly Possession[];
  /** Connects that were answered with success: whose, and whether the password was the right one. */
  connects: readonly { userId: string; login: string; server: string; isRight: boolean }[];
  /** Everything that was written or sent, by where: no password may be in it. */
  texts: readonly { where: string; text: string }[];
  passwords: readonly string[];
};

export type Violation = { invariant: string; what: string };

export const FINAL: ReadonlySet<CommandState> = new Set<CommandState>([
  "done",
  "rejected",
  "refused",
  "expired",
  "cancelled",
  "not_executed",
]);

/** What the broker carried out for a tag, by the marks of the request. */
export function bookedFor(facts: Pick<Facts, "booked">, tag: number): Booked[] {
  return facts.booked.filter((one) => one.magic === tag || isTagged(one.comment, tag));
}

export const NO_FACTS: Facts = {
  booked: [],
  rows: [],
  journal: [],
  answers: [],
  sendings: [],
  logins: [],
  admissions: [],
  journaled: [],
  possessions: [],
  connects: [],
  texts: [],
  passwords: [],
};
