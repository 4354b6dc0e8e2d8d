// One RPyC connection with the guard installed on it: calls of the guard, and its clock. Turns every failure of the wire
// or of Python into TerminalLost, and resets the connection then, so that nothing that was queued behind it still runs.
import type { z } from "zod";
import {
  ConnectionLost,
  type connectRpc,
  RemoteError,
  RemoteRef,
  type RpcConnection,
  type RpcEndpoint,
  RpcTimeout,
} from "../rpyc/mod.ts";
import { BadReply, type GuardProblem, HelloAnswer, parseReply } from "./parse.ts";
import { lastErrorRow } from "./retcodes.ts";
import { TerminalLost } from "./terminal-port.ts";

/** The name that guard.py leaves in the connection's namespace. */
const ENTRY_POINT = "switchyard_guard";

export type GuardSessionOptions = {
  endpoint: RpcEndpoint;
  connect: typeof connectRpc;
  /** guard.py as it is: constant text, never built from anything that came in. */
  source: string;
  /** Monotonic milliseconds. */
  now: () => number;
  handshakeTimeoutMs: number;
  callTimeoutMs: number;
  signal: AbortSignal;
};

/** Connects and installs the guard. Rejects with `TerminalLost` (or as `signal` says); nothing stays open then. */
export async function openGuardSession(options: GuardSessionOptions): Promise<GuardSession> {
  const { endpoint, connect, source, now, handshakeTimeoutMs, callTimeoutMs, signal } = options;
  let connection: RpcConnection | undefined;
  const abort = (): void => connection?.reset();
  signal.addEventListener("abort", abort);
  try {
    connection = await connect(endpoint, { handshakeTimeoutMs, signal });
    if (signal.aborted) throw signal.reason;
    await connection.execute(source, callTimeoutMs);
    const entry = await connection.evaluate(ENTRY_POINT, callTimeoutMs);
    if (!(entry instanceof RemoteRef)) throw new BadReply("The guard is not a function");
    const session = new GuardSession(connection, entry, now);
    await session.greet(callTimeoutMs);
    return session;
  } catch (error) {
    connection?.reset();
    throw asTerminalLost(signal.aborted ? signal.reason : error);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

export class GuardSession {
  readonly #connection: RpcConnection;
  readonly #entry: RemoteRef;
  readonly #now: () => number;
  #hello: HelloAnswer | undefined;
  /** Guard's clock minus ours, as of the newest reply: never more than the truth, so a limit can only come early. */
  #offsetMs = 0;
  #isUsable = true;

  constructor(connection: RpcConnection, entry: RemoteRef, now: () => number) {
    this.#connection = connection;
    this.#entry = entry;
    this.#now = now;
    void connection.closed.then(() => {
      this.#isUsable = false;
    });
  }

  async greet(timeoutMs: number): Promise<void> {
    this.#hello = await this.call({ op: "hello" }, HelloAnswer, timeoutMs);
  }

  /** False once the connection has ended, for whatever reason. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  get roundTrips(): number {
    return this.#connection.roundTrips;
  }

  /** The random name of the guard's state: one Python process, from its first guard to its end. */
  get epoch(): string {
    return this.#hello?.epoch ?? "";
  }

  isSameProcess(other: GuardSession): boolean {
    return this.#hello?.epoch === other.#hello?.epoch && this.#hello?.pid === other.#hello?.pid;
  }

  /**
   * A time of our clock on the guard's. The reply that the mapping rests on was under way for a while when we read our
   * clock, so the result is early by that time, never late.
   */
  toGuardClock(timeMs: number): number {
    return timeMs + this.#offsetMs;
  }

  /** One round trip. Rejects with `TerminalLost`, the connection being reset then. */
  async call<T>(message: Record<string, unknown>, schema: z.ZodType<T>, timeoutMs: number): Promise<T> {
    try {
      const reply = await this.#connection.call(this.#entry, [JSON.stringify(message)], timeoutMs);
      const receivedMs = this.#now();
      const answer = parseReply(reply, schema);
      this.#offsetMs = answer.nowMs - receivedMs;
      if (answer.ok) return answer.value;
      throw problemLost(answer.problem, answer.lastError?.[0]);
    } catch (error) {
      this.reset();
      throw asTerminalLost(error);
    }
  }

  reset(): void {
    this.#isUsable = false;
    this.#connection.reset();
  }
}

const Reasons: Readonly<Record<GuardProblem, TerminalLost["reason"]>> = {
  bad_request: "protocol",
  busy: "timeout",
  forgotten: "protocol",
  forked: "guard_not_shared",
  initialize_failed: "connection",
  internal: "protocol",
  no_metatrader: "connection",
  stale_owner: "connection",
  too_large: "protocol",
  wrong_terminal: "connection",
};

const Texts: Readonly<Record<GuardProblem, string>> = {
  bad_request: "The guard refused the form of the call",
  busy: "The terminal was busy with another call until the time was over",
  forgotten: "The guard may have sent this tag long ago and no longer knows what came of it",
  forked: "The RPyC server forks: its connections do not share one process",
  initialize_failed: "MetaTrader could not be started or reached",
  internal: "The guard failed",
  no_metatrader: "Python has no MetaTrader5 package",
  stale_owner: "Another worker has taken over this terminal",
  too_large: "The reply was larger than the guard sends",
  wrong_terminal: "MetaTrader runs from another folder than configured",
};

function problemLost(problem: GuardProblem, lastErrorCode: number | undefined): TerminalLost {
  const named = lastErrorCode !== undefined && lastErrorCode < -1 ? ` (${lastErrorRow(lastErrorCode).name})` : "";
  return new TerminalLost(Reasons[problem], Texts[problem] + named);
}

function asTerminalLost(error: unknown): TerminalLost {
  if (error instanceof TerminalLost) return error;
  if (error instanceof RpcTimeout) return new TerminalLost("timeout", "The terminal did not answer in time", error);
  if (error instanceof ConnectionLost) return new TerminalLost("connection", "The terminal's process was lost", error);
  // No cause: an exception's arguments are text that we did not write, and the call may have carried a password.
  if (error instanceof RemoteError) return new TerminalLost("protocol", `Python raised ${error.className}`);
  return new TerminalLost("protocol", "The terminal's process gave an answer that makes no sense", error);
}
