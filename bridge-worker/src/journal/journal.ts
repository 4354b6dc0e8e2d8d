// What the worker remembers across a crash: commands that may have been sent and how they ended, and which credentials
// are proven. Every method that writes has reached the disk when it returns.
import type { AccountRef } from "../protocol.ts";

/** A command as it was when the terminal was about to be asked: written before the send (J1). */
export type Intent = {
  id: string;
  userId: string;
  kind: string;
  tag: number;
  account: AccountRef & { id: string };
  /** The exact body that the function signed, without the credential: what was asked for. */
  request: unknown;
  /** The terminal that is about to be asked, and the process it then was (null: not known). */
  terminal: string;
  epoch: string | null;
  /** Sealed. Kept while the outcome is open, to read evidence with; wiped when the command is final. */
  credential: string;
  /** The trade request as sent, and what the terminal showed before it. */
  plan: unknown;
  baseline: unknown;
};

/**
 * An intent whose outcome is not final: `begunAt` Unix milliseconds; `acknowledged`: its user no longer waits for it;
 * `evidence`: of the last ending that was recorded, null before that.
 */
export type OpenIntent = Intent & {
  begunAt: number;
  acknowledged: boolean;
  evidence: Record<string, unknown> | null;
};

export type JournalState = "intent" | "unknown" | "final";

/** `result` is the signed result (JWS) exactly as it is told to everyone. */
export type JournalEntry = {
  id: string;
  userId: string;
  kind: string;
  tag: number | null;
  account: (AccountRef & { id: string }) | null;
  state: JournalState;
  result: string | null;
  request: unknown;
};

export type Ending = {
  id: string;
  userId: string;
  kind: string;
  result: string;
  /** What an `unknown` rests on, to go on from. */
  evidence?: Record<string, unknown> | null;
  final: boolean;
};

export type ProofKey = { userId: string; account: AccountRef; credentialHash: string };

/** Counters of one (server, login) for its risk limits: equity in account currency, `day` by the broker's clock. */
export type RiskCounters = { day: string; dayStartEquity: number; peakEquity: number };

/** Who made a tagged order, to give a caller his own magic and comment back. Kept for ever, also after compaction. */
export type TagOwner = { id: string; userId: string; request: unknown };

/** Whether what we write on an order is still there when the broker shows it; null: never seen. */
export type MarkSurvival = { magic: boolean | null; comment: boolean | null };

export interface Journal {
  readonly workerId: string;
  /** Unix milliseconds at which this journal was made. */
  readonly createdAt: number;
  /** Unix milliseconds: commands older than this may have been here once, or in an earlier journal, and be forgotten. */
  readonly knowsSince: number;
  find(id: string): JournalEntry | undefined;
  /** J1. Throws when the id exists: a command is begun once. */
  recordIntent(intent: Intent): void;
  /**
   * J2, for commands with and without an intent (a refusal, an expiry, a tombstone). A final ending wipes the
   * credential. An entry that is final already keeps its first ending: returns the result that counts.
   */
  recordEnding(ending: Ending): string;
  /** Intents without an ending: what a crash interrupted. */
  interrupted(): OpenIntent[];
  /** Commands that may have been sent and are not final, oldest first: the interrupted ones and the unknown ones. */
  unsettled(): OpenIntent[];
  /** Those of one account, of whichever user. */
  unsettledOf(account: AccountRef): OpenIntent[];
  /** The user gives up waiting for an unknown command: it blocks nothing any more. Its state stays. */
  acknowledge(id: string): void;
  tagOwner(tag: number): TagOwner | undefined;
  /** Results that the function has not confirmed yet, oldest first. */
  undelivered(limit: number): { id: string; result: string }[];
  /** Confirms one result; a later ending of the same command counts as undelivered again. */
  confirmDelivery(id: string, result: string): void;
  /** Unknown commands that nobody has acknowledged; and since when the oldest undelivered result waits, Unix milliseconds. */
  backlog(): { unknown: number; undeliveredSince: number | null };
  /** Orders begun on the account since `sinceMs` (Unix milliseconds). */
  intentsSince(account: AccountRef, sinceMs: number): number;
  isProven(key: ProofKey, sinceMs: number): boolean;
  prove(key: ProofKey, atMs: number): void;
  disprove(key: ProofKey): void;
  /** What became of the marks on a completed order of this account. */
  recordMarkCheck(account: AccountRef, marks: { magic: boolean; comment: boolean }): void;
  isMarkChecked(account: AccountRef): boolean;
  /** Over all checked accounts of the server: one order that lost a mark says that the mark does not survive there. */
  markSurvival(server: string): MarkSurvival;
  /** Forgets final, confirmed commands that ended before this time (Unix milliseconds); answers how many. */
  compact(endedBeforeMs: number): number;
  riskCounters(account: AccountRef): RiskCounters | undefined;
  saveRiskCounters(account: AccountRef, counters: RiskCounters): void;
  close(): void;
}
