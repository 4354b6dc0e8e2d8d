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
  /** The terminal's process that is about to be asked; null: not known. */
  epoch: string | null;
  /** Sealed. Kept while the outcome is open, to read evidence with; wiped when the command is final. */
  credential: string;
  /** The trade request as sent, and what the terminal showed before it. */
  plan: unknown;
  baseline: unknown;
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

export type Ending = { id: string; userId: string; kind: string; result: string; final: boolean };

export type ProofKey = { userId: string; account: AccountRef; credentialHash: string };

/** Counters of one (server, login) for its risk limits: equity in account currency, `day` by the broker's clock. */
export type RiskCounters = { day: string; dayStartEquity: number; peakEquity: number };

/** Who made a tagged order, to give a caller his own magic and comment back. */
export type TagOwner = { id: string; userId: string; request: unknown };

export interface Journal {
  readonly workerId: string;
  /** Unix milliseconds at which this journal was made: commands older than it were not written here. */
  readonly createdAt: number;
  find(id: string): JournalEntry | undefined;
  /** J1. Throws when the id exists: a command is begun once. */
  recordIntent(intent: Intent): void;
  /**
   * J2, for commands with and without an intent (a refusal, an expiry, a tombstone). A final ending wipes the
   * credential. An entry that is final already keeps its first ending: returns the result that counts.
   */
  recordEnding(ending: Ending): string;
  /** Intents without an ending: what a crash interrupted. */
  interrupted(): Intent[];
  /** Commands that may have been sent and are not final, oldest first: the interrupted ones and the unknown ones. */
  unsettled(): Intent[];
  tagOwner(tag: number): TagOwner | undefined;
  /** Results that the function has not confirmed yet, oldest first. */
  undelivered(limit: number): { id: string; result: string }[];
  /** Confirms one result; a later ending of the same command counts as undelivered again. */
  confirmDelivery(id: string, result: string): void;
  /** Orders begun on the account since `sinceMs` (Unix milliseconds). */
  intentsSince(account: AccountRef, sinceMs: number): number;
  isProven(key: ProofKey, sinceMs: number): boolean;
  prove(key: ProofKey, atMs: number): void;
  disprove(key: ProofKey): void;
  riskCounters(account: AccountRef): RiskCounters | undefined;
  saveRiskCounters(account: AccountRef, counters: RiskCounters): void;
  close(): void;
}
