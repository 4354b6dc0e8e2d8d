// One RPyC connection: joins framing, messages and pending calls over a byte transport. Knows no socket and no Python
// source. Modes: open → ended, once, with a reason; every call that waits then fails, and later ones are not sent.
import type { RpcValue } from "./boxing.ts";
import type { ByteTransport } from "./byte-transport.ts";
import { ConnectionLost, type LossKind, ProtocolViolation, RpcTimeout } from "./errors.ts";
import { encodeFrame, type Frame, FrameReader } from "./framing.ts";
import { inflatePayload } from "./inflate.ts";
import { MAX_TIMEOUT_MS } from "./limits.ts";
import {
  type Dialect,
  decodeMessage,
  encodeException,
  encodeReply,
  encodeRequest,
  Handler,
  type HandlerName,
  type Message,
} from "./messages.ts";
import { PendingCalls } from "./pending-calls.ts";
import type { BrineValue } from "./python-values.ts";

type Waiter = {
  handler: HandlerName;
  resolve(value: RpcValue): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout | undefined;
};

export class Connection {
  readonly dialect: Dialect;
  /** Resolves once, with why the connection ended; undefined if this side closed or reset it. */
  readonly closed: Promise<Error | undefined>;
  readonly #transport: ByteTransport;
  readonly #frames = new FrameReader();
  readonly #pending = new PendingCalls<Waiter>();
  #ended: { reason: Error | undefined } | undefined;
  #resolveClosed: (reason: Error | undefined) => void;
  #requestsSent = 0;
  #hasReceived = false;

  constructor(transport: ByteTransport, dialect: Dialect) {
    this.dialect = dialect;
    this.#transport = transport;
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    transport.start({ data: (chunk) => this.#receive(chunk), closed: (error) => this.#lost(error) });
  }

  /** Requests sent so far that ask for a reply. */
  get requestsSent(): number {
    return this.#requestsSent;
  }

  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * Sends one request and waits for its reply, at most `timeoutMs` (undefined: as long as the connection lasts). When
   * the time is over the connection is reset, because whatever the server does next is no longer the answer to a
   * question anyone asks. Rejects with `RemoteError`, `ConnectionLost`, `ProtocolViolation`; with `TypeError` or
   * `RangeError`, nothing having been sent, for arguments that cannot be sent.
   */
  async request(handler: HandlerName, args: readonly RpcValue[], timeoutMs: number | undefined): Promise<RpcValue> {
    if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
      throw new RangeError(`Time-out of ${timeoutMs} ms is not between 0 and ${MAX_TIMEOUT_MS}`);
    }
    if (this.#ended) {
      throw new ConnectionLost("not_sent", "Connection has ended, the call was not sent", {
        cause: this.#ended.reason,
      });
    }
    // Encoded before it is registered: a value that cannot be sent must leave no waiter behind.
    const frame = encodeFrame(encodeRequest(this.dialect, this.#pending.nextSeq(), handler, args, this));
    const { promise, resolve, reject } = Promise.withResolvers<RpcValue>();
    const waiter: Waiter = { handler, resolve, reject, timer: undefined };
    const seq = this.#pending.add(waiter);
    if (timeoutMs !== undefined) waiter.timer = setTimeout(() => this.#timeOut(seq, timeoutMs), timeoutMs);
    this.#requestsSent += 1;
    this.#transport.write(frame);
    return promise;
  }

  /** Says CLOSE and ends. Requests already sent are still carried out by the server. */
  close(): void {
    if (this.#ended) return;
    this.#transport.write(encodeFrame(encodeRequest(this.dialect, Number.MAX_SAFE_INTEGER, "close", [], this)));
    this.#transport.end();
    this.#end(undefined, new ConnectionLost("closed_here", "Connection was closed by this side during the call"));
  }

  /** Ends with a TCP reset, so that requests queued behind the running one are not carried out. */
  reset(): void {
    if (this.#ended) return;
    this.#transport.reset();
    this.#end(undefined, new ConnectionLost("closed_here", "Connection was reset by this side during the call"));
  }

  /** Resets because of `reason`, which every waiting call and `closed` get. */
  fail(reason: Error): void {
    if (this.#ended) return;
    this.#transport.reset();
    this.#end(reason, reason);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended) return;
    try {
      this.#frames.push(chunk, (frame) => this.#onFrame(frame));
    } catch (error) {
      this.fail(error instanceof Error ? error : new ProtocolViolation("malformed", String(error)));
    }
  }

  #onFrame({ payload, compressed }: Frame): void {
    // A CLOSE may have been followed by more frames in the same chunk.
    if (this.#ended) return;
    this.#hasReceived = true;
    this.#onMessage(decodeMessage(this.dialect, compressed ? inflatePayload(payload) : payload, this));
  }

  #onMessage(message: Message): void {
    if (message.kind === "request") {
      this.#onRequest(message.handler, message.seq);
      return;
    }
    // A number nobody waits for is ignored, as Python does.
    const waiter = this.#pending.take(message.seq);
    if (waiter === undefined) return;
    clearTimeout(waiter.timer);
    if (message.kind === "reply") waiter.resolve(message.value);
    else waiter.reject(message.error);
  }

  #onRequest(handler: BrineValue, seq: Uint8Array): void {
    if (handler !== Handler.close) {
      // We hand out no objects, so no request makes sense; unanswered, the server would wait for 30 s.
      this.#transport.write(encodeFrame(encodeException(this.dialect, seq, "AttributeError", "not supported")));
      return;
    }
    // The server gives up: a message it could not read or a reply it could not encode. A 6.x server waits for the answer
    // and keeps the socket open meanwhile, so waiting calls must fail here and not at the end of the stream.
    if (this.dialect === "v6") this.#transport.write(encodeFrame(encodeReply(this.dialect, seq, null)));
    this.#transport.end();
    const reason = new ConnectionLost("closed_by_peer", "Server closed the connection (CLOSE request)");
    this.#end(reason, reason);
  }

  #lost(error: Error | undefined): void {
    if (this.#ended) return;
    const where = this.#frames.isIdle ? "" : " in the middle of a frame";
    const reason = error
      ? new ConnectionLost(this.#lossKind(error), `Connection failed${where}: ${error.message}`, { cause: error })
      : new ConnectionLost("lost", `Server ended the connection${where}`);
    this.#transport.reset();
    this.#end(reason, reason);
  }

  #timeOut(seq: number, timeoutMs: number): void {
    const waiter = this.#pending.take(seq);
    if (waiter === undefined) return;
    const reason = new RpcTimeout(`No reply to "${waiter.handler}" within ${timeoutMs} ms, connection reset`);
    this.#transport.reset();
    waiter.reject(reason);
    this.#end(
      reason,
      new ConnectionLost("lost", "Connection was reset because another call timed out", { cause: reason }),
    );
  }

  #end(reason: Error | undefined, forWaiting: Error): void {
    this.#ended = { reason };
    for (const waiter of this.#pending.takeAll()) {
      clearTimeout(waiter.timer);
      waiter.reject(forWaiting);
    }
    this.#resolveClosed(reason);
  }

  /**
   * Under TLS 1.3 a refused client certificate shows only after the handshake. `tls` promises that nothing ran, so it
   * holds only until the first frame: later even an error of the TLS layer leaves open what Python did.
   */
  #lossKind(error: Error): LossKind {
    const isTls = "code" in error && typeof error.code === "string" && error.code.startsWith("ERR_SSL");
    return isTls && !this.#hasReceived ? "tls" : "lost";
  }
}
