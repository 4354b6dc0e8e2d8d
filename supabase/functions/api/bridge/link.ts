// One open link to one worker: frames in and out, calls multiplexed by id. Its life: opening → open → retired → closed;
// retired links finish what they carry and take nothing new.
import { AppError, toAppError } from "../../_shared/errors/mod.ts";
import {
  type CallerFrame,
  decodeFrame,
  encodeFrame,
  isLonger,
  LINK_PROTOCOL,
  MAX_ANSWER_FRAME_BYTES,
  MAX_CALL_BODY_CHARS,
  MAX_CALL_FRAME_BYTES,
  TICKET_PREFIX,
  WorkerFrame,
  type WorkerHealth,
} from "../../_shared/protocol/mod.ts";
import type { After } from "./after.ts";
import { Mailbox } from "./mailbox.ts";
import { PendingCalls } from "./pending-calls.ts";
import type { BridgeTransport, OpenTransport } from "./transport.ts";
import type { WorkerClock } from "./worker-clock.ts";

export type LinkOptions = {
  workerId: string;
  url: string;
  ticket: string;
  openTransport: OpenTransport;
  monotonicMs: () => number;
  after: After;
  openTimeoutMs: number;
  /** Frames that do not fit the protocol end the link; this says so to the log. */
  onFault: (fault: AppError) => void;
};

type Mode = "opening" | "open" | "retired" | "closed";

export class Link {
  readonly workerId: string;
  readonly openedAtMs: number;
  clock: WorkerClock = { nowMs: 0, receivedAtMs: 0 };
  bootId = "";
  /** Local monotonic time of the last frame in either direction. */
  lastUsedMs: number;
  readonly #options: LinkOptions;
  readonly #calls = new PendingCalls();
  readonly #pongs = new Map<number, (health: WorkerHealth) => void>();
  #transport: BridgeTransport | null = null;
  #mode: Mode = "opening";
  #welcomed: (() => void) | null = null;
  #ended: ((reason: string) => void) | null = null;

  private constructor(options: LinkOptions) {
    this.#options = options;
    this.workerId = options.workerId;
    this.openedAtMs = options.monotonicMs();
    this.lastUsedMs = this.openedAtMs;
  }

  /** Resolves when the worker has said welcome. Throws `worker_unreachable`. */
  static async open(options: LinkOptions): Promise<Link> {
    const link = new Link(options);
    const abort = new AbortController();
    const callOff = options.after(options.openTimeoutMs, () => {
      abort.abort();
      link.drop("The worker did not say welcome in time");
    });
    try {
      const welcome = new Promise<void>((resolve, reject) => {
        link.#welcomed = resolve;
        link.#ended = (reason) => reject(new Error(reason));
      });
      // Observed at once: it may reject while the socket is still opening, and be awaited only after.
      welcome.catch(() => {});
      link.#transport = await options.openTransport(
        { url: options.url, protocols: [LINK_PROTOCOL, TICKET_PREFIX + options.ticket], signal: abort.signal },
        { onText: (text) => link.#receive(text), onClose: (reason) => link.drop(reason) },
      );
      await welcome;
      return link;
    } catch (cause) {
      link.drop("The link did not open");
      // A socket that opened just after the time was up is not yet known to drop().
      link.#transport?.close();
      throw new AppError("worker_unreachable", { cause });
    } finally {
      callOff();
    }
  }

  get isOpen(): boolean {
    return this.#mode === "open";
  }

  get callsInFlight(): number {
    return this.#calls.size;
  }

  /** Sends a frame. False: certainly nothing was written. Throws `payload_too_large`, and has written nothing then. */
  send(frame: CallerFrame): boolean {
    const text = encodeFrame(frame);
    // The worker would end the link over it, and with it everybody else's calls.
    if (isLonger(text, MAX_CALL_FRAME_BYTES) || ("body" in frame && frame.body.length > MAX_CALL_BODY_CHARS)) {
      throw new AppError("payload_too_large");
    }
    if (this.#mode === "closed" || this.#transport?.send(text) !== true) return false;
    this.lastUsedMs = this.#options.monotonicMs();
    return true;
  }

  /** Everything that arrives for this id, from now on until `end`. */
  listen(id: string): { events: Mailbox; end: () => void } {
    const events = new Mailbox(this.#options.after);
    if (this.#mode === "closed") events.put({ type: "down", reason: "The link is closed" });
    const remove = this.#calls.add(id, (event) => events.put(event));
    const end = (): void => {
      remove();
      this.#closeIfDone();
    };
    return { events, end };
  }

  /** What the worker said of itself, or null when it did not answer within `timeoutMs`. */
  async ping(timeoutMs: number): Promise<WorkerHealth | null> {
    // Distinct also for pings sent within the clock's grain.
    const t = this.#options.monotonicMs() + this.#pongs.size;
    if (!this.send({ type: "ping", t })) return null;
    return await new Promise((resolve) => {
      const finish = (health: WorkerHealth | null): void => {
        callOff();
        this.#pongs.delete(t);
        resolve(health);
      };
      const callOff = this.#options.after(timeoutMs, () => finish(null));
      this.#pongs.set(t, finish);
    });
  }

  /** Takes no new calls; closes when the last one is done. */
  retire(): void {
    if (this.#mode !== "open") return;
    this.#mode = "retired";
    this.#closeIfDone();
  }

  /** Ends the link now. Calls in flight hear `down`: they may have been written. */
  drop(reason: string): void {
    if (this.#mode === "closed") return;
    this.#mode = "closed";
    this.#transport?.close();
    this.#ended?.(reason);
    this.#calls.failAll(reason);
  }

  #closeIfDone(): void {
    if (this.#mode === "retired" && this.#calls.size === 0) this.drop("Retired");
  }

  #receive(text: string): void {
    if (this.#mode === "closed") return;
    try {
      this.#handle(decodeFrame(WorkerFrame, text, MAX_ANSWER_FRAME_BYTES));
    } catch (thrown) {
      this.#options.onFault(toAppError(thrown));
      this.drop("The worker sent a frame that does not fit the protocol");
    }
  }

  #handle(frame: WorkerFrame): void {
    const now = this.#options.monotonicMs();
    this.lastUsedMs = now;
    if (frame.type === "welcome") {
      this.#welcome(frame, now);
      return;
    }
    if (this.#mode === "opening") throw new AppError("bad_frame", { detail: "The first frame must be welcome" });
    switch (frame.type) {
      case "ack":
        this.#calls.settle(frame.id, { type: "ack", phase: frame.phase });
        return;
      case "result":
        this.#calls.settle(frame.id, { type: "result", result: frame.result });
        return;
      case "pong":
        this.#pongs.get(frame.t)?.(frame.health);
        return;
      case "error": {
        const { id, code, detail, retry_after_ms: retryAfterMs } = frame;
        // Without an id it concerns the link: the worker is about to close it, and says why.
        if (id === undefined) throw new AppError("bad_frame", { detail: `The worker refused the link: ${code}` });
        this.#calls.settle(id, { type: "error", code, detail, retryAfterMs });
      }
    }
  }

  #welcome(frame: Extract<WorkerFrame, { type: "welcome" }>, now: number): void {
    if (this.#mode !== "opening") throw new AppError("bad_frame", { detail: "The second welcome on one link" });
    if (frame.worker_id !== this.workerId) {
      throw new AppError("bad_frame", { detail: `This is worker "${frame.worker_id}", not "${this.workerId}"` });
    }
    this.clock = { nowMs: frame.now_ms, receivedAtMs: now };
    this.bootId = frame.boot_id;
    this.#mode = "open";
    this.#welcomed?.();
  }
}
