// The calls that the rest of the worker makes, on top of a connection whose root object is known.
import type { RpcValue } from "./boxing.ts";
import { decodeBrine } from "./brine-reader.ts";
import type { Connection } from "./connection.ts";
import { ProtocolViolation } from "./errors.ts";
import type { Dialect } from "./messages.ts";
import { RemoteError } from "./remote-error.ts";
import type { RemoteRef } from "./remote-ref.ts";

/**
 * A connection to a classic RPyC server. Every call is one request and one reply; the server carries them out strictly
 * one after another. Calls reject with
 * - `RemoteError`: Python raised; the connection stays usable
 * - `RpcTimeout`: no reply within `timeoutMs`; the connection is reset and the other waiting calls fail with it
 * - `ConnectionLost`, `ProtocolViolation`: the connection is gone; unless the kind says otherwise the call may have run
 * - `TypeError`, `RangeError`: the arguments cannot be sent, and nothing was
 */
export interface RpcConnection {
  readonly dialect: Dialect;
  /** Resolves once, with the reason; undefined if this side closed or reset the connection. */
  readonly closed: Promise<Error | undefined>;
  /** Requests sent so far that ask for a reply, the opening one included. */
  readonly roundTrips: number;
  /** Runs statements in the connection's namespace. Constant source only: data travels as arguments of {@link call}. */
  execute(source: string, timeoutMs: number): Promise<void>;
  /** Evaluates one constant expression: plain values, or a reference to anything else. */
  evaluate(expression: string, timeoutMs: number): Promise<RpcValue>;
  call(fn: RemoteRef, args: readonly RpcValue[], timeoutMs: number): Promise<RpcValue>;
  getAttribute(ref: RemoteRef, name: string, timeoutMs: number): Promise<RpcValue>;
  /** The methods of an object, as (name, documentation) pairs: what Python's own client asks before it uses one. */
  inspect(ref: RemoteRef, timeoutMs: number): Promise<RpcValue>;
  ping(timeoutMs: number): Promise<void>;
  /**
   * Lets the server forget the object. The reference is unusable at once; a second release does nothing. Resolves when
   * the server has answered, and without time-out, as it may wait behind a call that has its own.
   */
  release(ref: RemoteRef): Promise<void>;
  /** Sends CLOSE and ends. What was sent before is still carried out. */
  close(): void;
  /** Ends with a TCP reset. The running call completes, those queued behind it are not carried out. */
  reset(): void;
}

export class RpcClient implements RpcConnection {
  readonly #connection: Connection;
  readonly #root: RemoteRef;

  constructor(connection: Connection, root: RemoteRef) {
    this.#connection = connection;
    this.#root = root;
  }

  get dialect(): Dialect {
    return this.#connection.dialect;
  }

  get closed(): Promise<Error | undefined> {
    return this.#connection.closed;
  }

  get roundTrips(): number {
    return this.#connection.requestsSent;
  }

  async execute(source: string, timeoutMs: number): Promise<void> {
    await this.#connection.request("callAttr", [this.#root, "execute", [source], []], timeoutMs);
  }

  evaluate(expression: string, timeoutMs: number): Promise<RpcValue> {
    return this.#connection.request("callAttr", [this.#root, "eval", [expression], []], timeoutMs);
  }

  call(fn: RemoteRef, args: readonly RpcValue[], timeoutMs: number): Promise<RpcValue> {
    return this.#connection.request("call", [fn, args, []], timeoutMs);
  }

  getAttribute(ref: RemoteRef, name: string, timeoutMs: number): Promise<RpcValue> {
    return this.#connection.request("getAttr", [ref, name], timeoutMs);
  }

  inspect(ref: RemoteRef, timeoutMs: number): Promise<RpcValue> {
    // The one request that names an object by its plain id-pack instead of a reference.
    return this.#connection.request("inspect", [decodeBrine(ref.idPackFor(this.#connection))], timeoutMs);
  }

  async ping(timeoutMs: number): Promise<void> {
    const sent = this.#connection.requestsSent;
    const echo = await this.#connection.request("ping", [sent], timeoutMs);
    if (echo === sent) return;
    const violation = new ProtocolViolation("malformed", "Ping was answered with something else");
    this.#connection.fail(violation);
    throw violation;
  }

  async release(ref: RemoteRef): Promise<void> {
    if (ref.isReleased) return;
    // Throws for another connection's reference, which then stays usable there.
    ref.idPackFor(this.#connection);
    const answered = this.#connection.request("del", [ref, 1], undefined);
    ref.markReleased();
    try {
      await answered;
    } catch (error) {
      // The server knows no such object: then there is nothing left to release.
      if (!(error instanceof RemoteError)) throw error;
    }
  }

  close(): void {
    this.#connection.close();
  }

  reset(): void {
    this.#connection.reset();
  }
}
