// Opens a connection: finds out which dialect the server speaks and says clearly why there is none if it fails.
import { RpcClient, type RpcConnection } from "./client.ts";
import { Connection } from "./connection.ts";
import { describeEndpoint, type RpcEndpoint } from "./endpoint.ts";
import { ConnectionLost, ProtocolViolation, RpcTimeout } from "./errors.ts";
import { MAX_TIMEOUT_MS } from "./limits.ts";
import type { Dialect } from "./messages.ts";
import { RemoteRef } from "./remote-ref.ts";
import { openTcp } from "./tcp-transport.ts";

/** `handshakeTimeoutMs` limits everything together: name lookup, TCP, TLS, and asking in up to two dialects. */
export type RpcOptions = { handshakeTimeoutMs: number; signal?: AbortSignal };

/**
 * Connects to a classic RPyC server. Rejects with `ConnectionLost` (`unreachable`, `tls`, `lost`), `RpcTimeout`,
 * `ProtocolViolation`, `RemoteError`, or the reason of `signal`; nothing stays open then.
 */
export async function connectRpc(endpoint: RpcEndpoint, options: RpcOptions): Promise<RpcConnection> {
  const { handshakeTimeoutMs, signal } = options;
  if (!(handshakeTimeoutMs > 0 && handshakeTimeoutMs <= MAX_TIMEOUT_MS)) {
    throw new RangeError(`Time-out of ${handshakeTimeoutMs} ms is not between 0 and ${MAX_TIMEOUT_MS}`);
  }
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(silence(endpoint, handshakeTimeoutMs)), handshakeTimeoutMs);
  const giveUp = (): void => limit.abort(signal?.reason);
  if (signal?.aborted) giveUp();
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    const dialect = endpoint.dialect ?? "auto";
    return await (dialect === "auto" ? detect(endpoint, limit.signal) : open(endpoint, dialect, limit.signal));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/**
 * v6 first, because a 5.x server refuses it at once, while a 6.x server asked in v5 waits up to 30 s. A 5.x server
 * answers with a CLOSE in its own dialect, or, as that can get lost in a reset, with nothing but the end.
 */
async function detect(endpoint: RpcEndpoint, signal: AbortSignal): Promise<RpcClient> {
  try {
    return await open(endpoint, "v6", signal);
  } catch (error) {
    if (!isRefusalOfDialect(error)) throw error;
  }
  try {
    return await open(endpoint, "v5", signal);
  } catch (cause) {
    if (!(cause instanceof ConnectionLost) || cause.kind !== "lost") throw cause;
    const message = `${describeEndpoint(endpoint)} closes the connection unanswered: not an RPyC server, or one that expects TLS`;
    throw new ConnectionLost("lost", message, { cause });
  }
}

function isRefusalOfDialect(error: unknown): boolean {
  if (error instanceof ProtocolViolation) return error.kind === "foreign_dialect";
  return error instanceof ConnectionLost && error.kind === "lost";
}

async function open(endpoint: RpcEndpoint, dialect: Dialect, signal: AbortSignal): Promise<RpcClient> {
  const connection = new Connection(await openTcp(endpoint, signal), dialect);
  const abort = (): void => connection.fail(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const root = await connection.request("getRoot", [], undefined);
    if (!(root instanceof RemoteRef)) throw new ProtocolViolation("malformed", "Server has no root object");
    return new RpcClient(connection, root);
  } catch (error) {
    connection.reset();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Silence has few causes, and the usual one is TLS on one side only: a plain server takes a TLS hello for a long frame. */
function silence(endpoint: RpcEndpoint, timeoutMs: number): RpcTimeout {
  const spoken = endpoint.tls
    ? "TLS was spoken: the port may be plain"
    : "plain RPyC was spoken: the port may expect TLS";
  return new RpcTimeout(
    `${describeEndpoint(endpoint)} did not answer within ${timeoutMs} ms: no RPyC server, a blocked one, or another transport (${spoken})`,
  );
}
