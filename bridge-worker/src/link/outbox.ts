// Delivers results that nobody confirmed: the function that asked may be gone, but the ledger must learn the outcome.
// The journal is the queue; posting the same result twice is harmless, because the ledger compares and sets.
import type { Journal } from "../journal/mod.ts";
import { describeError, type Log } from "../log.ts";
import { MAX_RESULTS_BODY_BYTES, MAX_RESULTS_PER_POST } from "../protocol.ts";

/** The link's own ack comes within milliseconds; what is still unconfirmed at two sweeps in a row is posted. */
const SWEEP_MS = 2_000;
const RETRY_FIRST_MS = 2_000;
const RETRY_MAX_MS = 60_000;
const POST_TIMEOUT_MS = 10_000;

export type OutboxOptions = { journal: Journal; url: string; log: Log; post?: typeof fetch };

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #post: typeof fetch;
  #seen = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #abort = new AbortController();
  #retryMs = RETRY_FIRST_MS;
  #work: Promise<void> = Promise.resolve();

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#post = options.post ?? fetch;
  }

  start(): void {
    this.#schedule(SWEEP_MS);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#abort.abort();
    await this.#work;
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#work = this.#sweep().then((next) => {
        if (!this.#abort.signal.aborted) this.#schedule(next);
      });
    }, ms);
  }

  /** One sweep; answers after how many milliseconds to look again. Public for tests. */
  async sweepOnce(): Promise<number> {
    return this.#sweep();
  }

  async #sweep(): Promise<number> {
    const waiting = this.#options.journal.undelivered(MAX_RESULTS_PER_POST);
    const due = waiting.filter(({ result }) => this.#seen.has(result));
    this.#seen = new Set(waiting.map(({ result }) => result));
    if (due.length === 0) return SWEEP_MS;
    try {
      await this.#deliver(due);
      this.#retryMs = RETRY_FIRST_MS;
      return SWEEP_MS;
    } catch (error) {
      this.#options.log.warn("outbox.delayed", { waiting: due.length, error: describeError(error) });
      this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
      return this.#retryMs;
    }
  }

  async #deliver(due: readonly { id: string; result: string }[]): Promise<void> {
    const batch = fitting(due);
    const response = await this.#post(this.#options.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ results: batch.map(({ result }) => result) }),
      signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(POST_TIMEOUT_MS)]),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const answer = (await response.json()) as { stored?: unknown };
    const stored = new Set(Array.isArray(answer.stored) ? answer.stored : []);
    for (const { id, result } of batch) if (stored.has(id)) this.#options.journal.confirmDelivery(id, result);
    if (stored.size < batch.length) {
      this.#options.log.error("outbox.rejected", { rejected: batch.length - stored.size });
      throw new Error(`${batch.length - stored.size} results were not stored`);
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
