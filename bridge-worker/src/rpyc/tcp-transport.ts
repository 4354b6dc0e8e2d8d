// The only file of the room with a socket: plain TCP or TLS, no delay, keep-alive, and a reset that really resets.
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ByteTransport, TransportEvents } from "./byte-transport.ts";
import { describeEndpoint, type RpcEndpoint } from "./endpoint.ts";
import { ConnectionLost } from "./errors.ts";
import { CLOSE_GRACE_MS, KEEP_ALIVE_DELAY_MS } from "./limits.ts";

/**
 * Connects, and with `endpoint.tls` completes the TLS handshake. Rejects with `ConnectionLost` (`unreachable`, `tls`) or
 * with the reason of `signal`; nothing stays open then.
 */
export async function openTcp(endpoint: RpcEndpoint, signal: AbortSignal): Promise<ByteTransport> {
  signal.throwIfAborted();
  const raw = connectTcp({
    host: endpoint.host,
    port: endpoint.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
  });
  const abort = (): void => void raw.destroy(asError(signal.reason));
  signal.addEventListener("abort", abort, { once: true });
  try {
    const plain = await connected(raw, endpoint);
    // Below TLS the plain transport is not used, but goes on keeping errors of the raw socket from being unhandled.
    return endpoint.tls ? await secured(raw, endpoint, endpoint.tls) : plain;
  } catch (error) {
    raw.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

// Each transport is made inside the event that completes its handshake: its listeners are in place before the next
// event of the socket, so an end or error that follows at once is not lost.

function connected(raw: Socket, endpoint: RpcEndpoint): Promise<ByteTransport> {
  return new Promise((resolve, reject) => {
    raw.once("connect", () => resolve(new TcpTransport(raw, raw)));
    raw.once("error", (cause) => {
      const message = `Connecting to ${describeEndpoint(endpoint)} failed: ${cause.message}`;
      reject(new ConnectionLost("unreachable", message, { cause }));
    });
  });
}

function secured(raw: Socket, endpoint: RpcEndpoint, tls: NonNullable<RpcEndpoint["tls"]>): Promise<ByteTransport> {
  return new Promise((resolve, reject) => {
    const failed = (cause?: Error): void => {
      const why = cause?.message ?? "the server ended the connection (its port may be plain)";
      const message = `TLS handshake with ${describeEndpoint(endpoint)} failed: ${why}`;
      reject(new ConnectionLost("tls", message, { cause }));
    };
    const secure = connectTls({ ...tls, socket: raw, host: endpoint.host });
    secure.once("secureConnect", () => resolve(new TcpTransport(raw, secure)));
    secure.once("error", failed);
    raw.once("close", () => failed());
  });
}

class TcpTransport implements ByteTransport {
  readonly #raw: Socket;
  /** What carries our bytes: the socket itself, or the TLS layer on it. */
  readonly #stream: Socket;
  #events: TransportEvents | undefined;
  #error: Error | undefined;
  #isClosed = false;

  constructor(raw: Socket, stream: Socket) {
    this.#raw = raw;
    this.#stream = stream;
    stream.on("error", (error) => {
      this.#error ??= error;
    });
    stream.once("end", () => this.#onClosed());
    stream.once("close", () => this.#onClosed());
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (this.#isClosed) events.closed(this.#error);
    // Only now: without a listener the socket is paused and keeps what arrives.
    else this.#stream.on("data", (chunk: Uint8Array) => this.#events?.data(chunk));
  }

  write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#stream.write(bytes);
  }

  end(): void {
    if (this.#raw.destroyed) return;
    this.#events = undefined;
    // A peer that no longer reads would hold the last bytes, and with them the socket, for ever.
    const grace = setTimeout(() => this.#raw.resetAndDestroy(), CLOSE_GRACE_MS);
    this.#raw.once("close", () => clearTimeout(grace));
    this.#stream.destroySoon();
  }

  reset(): void {
    this.#events = undefined;
    // On the socket below TLS: a TLS stream can only end politely.
    this.#raw.resetAndDestroy();
  }

  #onClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events?.closed(this.#error);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
