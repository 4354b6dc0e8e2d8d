// Delivers results that nobody confirmed: the function that asked may be gone, but the ledger must learn the outcome.
// The journal is the queue; posting the same result twice is harmless, because the ledger compares and sets.
import { z } from "zod";
import type { After } from "../after.ts";
import type { Journal } from "../journal/mod.ts";
import { describeError, type Log } from "../log.ts";
import { type ErrorCode, MAX_RESULTS_BODY_BYTES, MAX_RESULTS_PER_POST } from "../protocol.ts";

/** The link's own ack comes within milliseconds; what is still unconfirmed at two sweeps in a row is posted. */
const SWEEP_MS = 2_000;
const RETRY_FIRST_MS = 4_000;
const RETRY_MAX_MS = 60_000;
const POST_TIMEOUT_MS = 10_000;

/** What `POST /internal/results` answers: ids that are stored, and places in the batch that are not. */
const Receipt = z.object({
  stored: z.array(z.string()),
  rejected: z.array(z.object({ index: z.int(), code: z.string() })).default([]),
});
/**
 * What only an operator can change: the ledger has no such command, or does not know this worker's key. Such a result is
 * never dropped, because the key may be mended; it only stands aside between attempts.
 */
const UNFIT: ReadonlySet<string> = new Set<ErrorCode>(["command_not_found", "invalid_result"]);
export const SET_ASIDE_MS = 10 * 60_000;
/** It concerns all of them alike, and passes: they are posted again together. */
const PASSING: ErrorCode = "database_unavailable";
/** One that the function cannot store for any other reason. */
export const SET_ASIDE_ALONE_MS = RETRY_MAX_MS;

export type OutboxOptions = {
  journal: Journal;
  url: string;
  log: Log;
  /** Monotonic milliseconds. */
  now: () => number;
  after: After;
  post?: typeof fetch;
};

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #post: typeof fetch;
  readonly #now: () => number;
  /** Result → when it is offered again. A newer one of the same command is none of them. */
  readonly #setAside = new Map<string, number>();
  #seen = new Set<string>();
  #callOff = (): void => {};
  #abort = new AbortController();
  #retryMs = RETRY_FIRST_MS;
  #work: Promise<void> = Promise.resolve();

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#post = options.post ?? fetch;
    this.#now = options.now;
  }

  start(): void {
    this.#schedule(SWEEP_MS);
  }

  async stop(): Promise<void> {
    this.#callOff();
    this.#abort.abort();
    await this.#work;
  }

  #schedule(ms: number): void {
    this.#callOff = this.#options.after(ms, () => {
      this.#work = this.#sweep().then((next) => {
        if (!this.#abort.signal.aborted) this.#schedule(next);
      });
    });
  }

  /** One sweep; answers after how many milliseconds to look again. Public for tests. */
  async sweepOnce(): Promise<number> {
    return this.#sweep();
  }

  async #sweep(): Promise<number> {
    const waiting = this.#waiting();
    const due = waiting.filter(({ result }) => this.#seen.has(result));
    this.#seen = new Set(waiting.map(({ result }) => result));
    if (due.length === 0) return SWEEP_MS;
    try {
      await this.#deliver(due);
      this.#retryMs = RETRY_FIRST_MS;
      return SWEEP_MS;
    } catch (error) {
      this.#options.log.warn("outbox.delayed", { waiting: due.length, error: describeError(error) });
      const pause = this.#retryMs;
      this.#retryMs = Math.min(RETRY_MAX_MS, pause * 2);
      return pause;
    }
  }

  /** The oldest unconfirmed results, without those set aside: a few of these must not hold up every newer one. */
  #waiting(): { id: string; result: string }[] {
    const now = this.#now();
    for (const [result, until] of this.#setAside) if (until <= now) this.#setAside.delete(result);
    const oldest = this.#options.journal.undelivered(MAX_RESULTS_PER_POST + this.#setAside.size);
    return oldest.filter(({ result }) => !this.#setAside.has(result)).slice(0, MAX_RESULTS_PER_POST);
  }

  async #deliver(due: readonly { id: string; result: string }[]): Promise<void> {
    const batch = fitting(due);
    const { stored, rejected } = await this.#offer(batch.map(({ result }) => result));
    const { journal, log } = this.#options;
    for (const { id, result } of batch) if (stored.includes(id)) journal.confirmDelivery(id, result);
    for (const { index, code } of rejected) {
      const entry = batch[index];
      if (entry === undefined || code === PASSING) continue;
      const pauseMs = UNFIT.has(code) ? SET_ASIDE_MS : SET_ASIDE_ALONE_MS;
      this.#setAside.set(entry.result, this.#now() + pauseMs);
      log.error("outbox.refused", { command_id: entry.id, code, next_attempt_in_ms: pauseMs });
    }
    const waiting = batch.filter(({ id, result }) => !stored.includes(id) && !this.#setAside.has(result));
    if (waiting.length > 0) throw new Error(`${waiting.length} results were not stored`);
  }

  async #offer(results: readonly string[]): Promise<z.infer<typeof Receipt>> {
    const late = new AbortController();
    const callOff = this.#options.after(POST_TIMEOUT_MS, () => late.abort(new Error("The function did not answer")));
    try {
      const response = await this.#post(this.#options.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ results }),
        signal: AbortSignal.any([this.#abort.signal, late.signal]),
      });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return Receipt.parse(await response.json());
    } finally {
      callOff();
    }
  }
}

/** As many results from the front as one request may carry; at least one. */
function fitting<Result extends { result: string }>(due: readonly Result[]): Result[] {
  const batch: Result[] = [];
  let bytes = 0;
  for (const entry of due) {
    bytes += entry.result.length + 16;
    if (batch.length > 0 && bytes > MAX_RESULTS_BODY_BYTES) break;
    batch.push(entry);
  }
  return batch;
}
