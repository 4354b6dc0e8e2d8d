// A TerminalPort on a real terminal: two RPyC connections into its Python process, with the guard at the other end. One
// carries what touches MetaTrader, the other one asks about tags while the first may hang.
// Modes: closed → open → (a call fails) closed, until `open` is called again; watching survives the loss of commanding.
import { readFileSync } from "node:fs";
import type { z } from "zod";
import type { AccountRef } from "../protocol.ts";
import { connectRpc, type RpcEndpoint } from "../rpyc/mod.ts";
import { type GuardSession, openGuardSession } from "./guard-session.ts";
import {
  AccountAnswer,
  HelloAnswer,
  HistoryAnswer,
  LoginAnswer,
  OpenAnswer,
  ReadAnswer,
  RecordsAnswer,
  SendAnswer,
  TagAnswer,
} from "./parse.ts";
import {
  type AccountReply,
  type HistoryQuery,
  type HistoryReply,
  type LoginReply,
  type ReadParts,
  type ReadReply,
  type RecordsQuery,
  type RecordsReply,
  type SendOrder,
  type SendReply,
  type TagState,
  TerminalLost,
  type TerminalPort,
} from "./terminal-port.ts";

/** Time in milliseconds that the guard's own "too late" has to reach us before we give up on the connection. */
export const REPLY_GRACE_MS = 1000;

export type RpycTerminalOptions = {
  name: string;
  endpoint: RpcEndpoint;
  /** Names this worker process for the guard: the last owner that opened the terminal is the only one that may send. */
  owner: string;
  /** Monotonic milliseconds; `notAfterMs` of a send is a time of this clock. */
  now: () => number;
  connect?: typeof connectRpc;
  /** Milliseconds for connecting, TLS and dialect together. */
  handshakeTimeoutMs: number;
  /** Milliseconds for calls that wait for nothing: install, adopt, query, poison. */
  callTimeoutMs: number;
  /** Milliseconds that MetaTrader may take to start; default 60 000, as its own. */
  startTimeoutMs?: number;
  /** Full path of `terminal64.exe`. Without it the package takes whichever terminal it finds. */
  path?: string;
  portable?: boolean;
};

const START_TIMEOUT_MS = 60_000;

/** Reads guard.py; opens nothing. */
export function createRpycTerminal(options: RpycTerminalOptions): RpycTerminal {
  return new RpycTerminal(options, readFileSync(new URL("guard/guard.py", import.meta.url), "utf8"));
}

export class RpycTerminal implements TerminalPort {
  readonly name: string;
  readonly #options: RpycTerminalOptions;
  readonly #source: string;
  #command: GuardSession | undefined;
  #watch: GuardSession | undefined;
  #watchOpening: Promise<GuardSession> | undefined;
  /** The process that `open` found. Another one knows nothing of what this one sent. */
  #epoch: string | undefined;
  #life = new AbortController();
  #isCalling = false;
  #pastRoundTrips = 0;

  constructor(options: RpycTerminalOptions, source: string) {
    this.name = options.name;
    this.#options = options;
    this.#source = source;
  }

  /** Requests sent over both connections so far, the ones to connect and to install included. */
  get roundTrips(): number {
    return this.#pastRoundTrips + (this.#command?.roundTrips ?? 0) + (this.#watch?.roundTrips ?? 0);
  }

  /** Which Python process this is; undefined before the first `open`. Its memory of tags begins and ends with it. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  open(): ReturnType<TerminalPort["open"]> {
    return this.#alone(async () => {
      if (this.#life.signal.aborted) this.#life = new AbortController();
      this.#dropCommand();
      const command = await this.#connect();
      this.#command = command;
      try {
        await this.#watchBeside(command);
        const { owner, path, portable = false, callTimeoutMs, startTimeoutMs = START_TIMEOUT_MS } = this.#options;
        await command.call({ op: "adopt", owner }, HelloAnswer, callTimeoutMs);
        this.#epoch = command.epoch;
        const message = { op: "open", path: path ?? null, portable };
        return { ...(await this.#limited(command, message, OpenAnswer, startTimeoutMs)), epoch: command.epoch };
      } catch (error) {
        this.#dropCommand();
        throw error;
      }
    });
  }

  login({ login, server }: AccountRef, password: string, timeoutMs: number): Promise<LoginReply> {
    return this.#commanded({ op: "login", account: { login, server }, password }, LoginAnswer, timeoutMs);
  }

  account({ login, server }: AccountRef, timeoutMs: number): Promise<AccountReply> {
    return this.#commanded({ op: "account", account: { login, server } }, AccountAnswer, timeoutMs);
  }

  read({ login, server }: AccountRef, parts: ReadParts, timeoutMs: number): Promise<ReadReply> {
    return this.#commanded({ op: "read", account: { login, server }, parts }, ReadAnswer, timeoutMs);
  }

  send(order: SendOrder): Promise<SendReply> {
    const { tag, commandId, account, request, requirePosition: required } = order;
    return this.#alone(async () => {
      const session = this.#openCommand();
      // A send that nobody waits for any more must not begin either.
      const notAfterMs = Math.min(order.notAfterMs, this.#options.now() + order.timeoutMs);
      const message = {
        op: "send",
        owner: this.#options.owner,
        tag,
        command: commandId,
        account: { login: account.login, server: account.server },
        request,
        own_magic: order.ownMagic,
        not_after: session.toGuardClock(notAfterMs),
        require_position: required && {
          ticket: required.ticket,
          type: required.type,
          min_volume: required.minVolume,
        },
      };
      return await session.call(message, SendAnswer, order.timeoutMs);
    });
  }

  query(tag: number): Promise<TagState> {
    return this.#watched({ op: "query", tag });
  }

  poison(tag: number, commandId: string, epoch?: string): Promise<TagState> {
    return this.#watched({ op: "poison", tag, command: commandId }, epoch);
  }

  history({ login, server }: AccountRef, query: HistoryQuery, timeoutMs: number): Promise<HistoryReply> {
    const { tag, tickets = [], from, to } = query;
    const message = { op: "history", account: { login, server }, tag, tickets, from, to };
    return this.#commanded(message, HistoryAnswer, timeoutMs);
  }

  records({ login, server }: AccountRef, query: RecordsQuery, timeoutMs: number): Promise<RecordsReply> {
    const { list, fromMsc, toMsc, position, before, limit } = query;
    const bound = before && { time_msc: before.timeMsc, ticket: before.ticket };
    const message = { op: "records", account: { login, server }, list, position, before: bound, limit };
    return this.#commanded({ ...message, from_msc: fromMsc, to_msc: toMsc }, RecordsAnswer, timeoutMs);
  }

  async close(): Promise<void> {
    this.#life.abort(new TerminalLost("connection", "The terminal was closed"));
    this.#dropCommand();
    this.#dropWatch();
  }

  #commanded<T>(message: Record<string, unknown>, schema: z.ZodType<T>, timeoutMs: number): Promise<T> {
    return this.#alone(() => this.#limited(this.#openCommand(), message, schema, timeoutMs));
  }

  /** A call that touches MetaTrader: the guard drops it if it cannot begin in time. */
  #limited<T>(
    session: GuardSession,
    message: Record<string, unknown>,
    schema: z.ZodType<T>,
    timeoutMs: number,
  ): Promise<T> {
    const { owner, now } = this.#options;
    const not_after = session.toGuardClock(now() + timeoutMs);
    return session.call({ ...message, owner, not_after }, schema, timeoutMs + REPLY_GRACE_MS);
  }

  /** One call at a time: a second one in the socket could still run after the first one's connection was given up. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isCalling) throw new Error(`Terminal "${this.name}" was called while another call was running`);
    this.#isCalling = true;
    try {
      return await work();
    } finally {
      this.#isCalling = false;
    }
  }

  #openCommand(): GuardSession {
    if (this.#command?.isUsable) return this.#command;
    throw new TerminalLost("connection", "The terminal is not open");
  }

  #connect(): Promise<GuardSession> {
    const { endpoint, connect = connectRpc, now, handshakeTimeoutMs, callTimeoutMs } = this.#options;
    const { signal } = this.#life;
    return openGuardSession({
      endpoint,
      connect,
      source: this.#source,
      now,
      handshakeTimeoutMs,
      callTimeoutMs,
      signal,
    });
  }

  /** Makes sure that both connections end in one process: a tag must be visible on either. */
  async #watchBeside(command: GuardSession): Promise<void> {
    if (this.#watch?.isUsable && this.#watch.isSameProcess(command)) return;
    const watch = await this.#connect();
    if (!watch.isSameProcess(command)) {
      watch.reset();
      throw new TerminalLost("guard_not_shared", "Two connections to the terminal reach two different processes");
    }
    this.#dropWatch();
    this.#watch = watch;
  }

  /** A tag call changes nothing that a second one would change again, so a lost connection is worth one more try. */
  async #watched(message: Record<string, unknown>, epoch?: string): Promise<TagState> {
    const { callTimeoutMs } = this.#options;
    if (this.#watch?.isUsable) {
      try {
        return await ofProcess(this.#watch, epoch).call(message, TagAnswer, callTimeoutMs);
      } catch (error) {
        if (!(error instanceof TerminalLost) || error.reason !== "connection") throw error;
      }
    }
    return await ofProcess(await this.#reopenedWatch(), epoch).call(message, TagAnswer, callTimeoutMs);
  }

  #reopenedWatch(): Promise<GuardSession> {
    if (this.#watch?.isUsable) return Promise.resolve(this.#watch);
    this.#watchOpening ??= this.#reopenWatch().finally(() => {
      this.#watchOpening = undefined;
    });
    return this.#watchOpening;
  }

  async #reopenWatch(): Promise<GuardSession> {
    if (this.#epoch === undefined) throw new TerminalLost("connection", "The terminal is not open");
    const watch = await this.#connect();
    if (watch.epoch !== this.#epoch) {
      watch.reset();
      throw new TerminalLost("guard_not_shared", "The terminal's process is not the one that was opened");
    }
    this.#dropWatch();
    this.#watch = watch;
    return watch;
  }

  #dropCommand(): void {
    this.#pastRoundTrips += this.#command?.roundTrips ?? 0;
    this.#command?.reset();
    this.#command = undefined;
  }

  #dropWatch(): void {
    this.#pastRoundTrips += this.#watch?.roundTrips ?? 0;
    this.#watch?.reset();
    this.#watch = undefined;
  }
}

/** A connection ends in one process; while a terminal is being opened, that may be a newer one than is asked for. */
function ofProcess(session: GuardSession, epoch: string | undefined): GuardSession {
  if (epoch === undefined || session.epoch === epoch) return session;
  throw new TerminalLost("guard_not_shared", "The process that was to send is not there any more");
}
