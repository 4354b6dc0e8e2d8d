// What one terminal has done wrong lately: what it is quarantined for, for how long it is left alone, and until when its
// process may still be sending for us. Time is an argument.
import type { LastError } from "../mt5/mod.ts";
import { CALM_MS, isIpcFailure, MAX_IPC_FAILURES, pauseAfter, type QuarantineReason } from "./quarantine.ts";

/** The longest that a process may still be sending for an earlier worker when this one begins to use it. */
export const EARLIER_SENDS_MS = 60_000;
/** After a lost send: the time in which its tag is asked for. */
export const ASK_MS = 10_000;

export class TerminalRecord {
  /** From the first quarantine until the terminal is connected again. */
  #outage: { reason: QuarantineReason; sinceMs: number } | null = null;
  #failures = 0;
  #ipcFailures = 0;
  #connectedAtMs: number | null = null;
  #retryAtMs = 0;
  #mayAnswerUntilMs: number;

  constructor(nowMs: number) {
    this.#mayAnswerUntilMs = nowMs + EARLIER_SENDS_MS;
  }

  get outage(): { reason: QuarantineReason; sinceMs: number } | null {
    return this.#outage;
  }

  retryInMs(nowMs: number): number {
    return Math.max(0, this.#retryAtMs - nowMs);
  }

  mayAnswerForMs(nowMs: number): number {
    return Math.max(0, this.#mayAnswerUntilMs - nowMs);
  }

  connected(nowMs: number): void {
    this.#outage = null;
    this.#ipcFailures = 0;
    this.#connectedAtMs = nowMs;
  }

  /** It is not used any more; what it did stays known. */
  closed(): void {
    this.#outage = null;
    this.#connectedAtMs = null;
  }

  /** Returns the rest that it gets. */
  quarantined(reason: QuarantineReason, nowMs: number, random: number): number {
    if (this.#connectedAtMs !== null && nowMs - this.#connectedAtMs >= CALM_MS) this.#failures = 0;
    const pauseMs = pauseAfter(reason, this.#failures, random);
    this.#failures += 1;
    this.#connectedAtMs = null;
    this.#retryAtMs = nowMs + pauseMs;
    this.#outage = { reason, sinceMs: this.#outage?.sinceMs ?? nowMs };
    return pauseMs;
  }

  /** A reading came, or this error instead. True: Python has lost MetaTrader. */
  read(lastError: LastError | undefined): boolean {
    if (lastError === undefined) this.#ipcFailures = 0;
    else if (isIpcFailure(lastError)) this.#ipcFailures += 1;
    return this.#ipcFailures >= MAX_IPC_FAILURES;
  }

  /** A send had until then to be answered, and was not. */
  sendLost(answerByMs: number): void {
    this.#mayAnswerUntilMs = Math.max(this.#mayAnswerUntilMs, answerByMs + ASK_MS);
  }
}
