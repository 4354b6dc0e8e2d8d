// The second TerminalPort: a connection to a simulated terminal on the paper broker, with the latencies, the losses and
// the guard of a real one.
import {
  type AccountFacts,
  type AccountReply,
  canBeFound,
  type HistoryQuery,
  type HistoryReply,
  type LastError,
  type LoginReply,
  type OpenReply,
  type ReadParts,
  type ReadReply,
  type RecordsQuery,
  type RecordsReply,
  type SendOrder,
  type SendReply,
  type TagState,
  TerminalLost,
  type TerminalPort,
} from "../mt5/mod.ts";
import { type AccountRef, isSameAccount } from "../protocol.ts";
import type { SimBroker } from "./sim-broker.ts";
import { SimProcess } from "./sim-process.ts";
import { readNow } from "./sim-reading.ts";
import { refused, type SendContext, sendNow } from "./sim-sending.ts";
import type { TagRegistry } from "./sim-tags.ts";

/** How long a login takes at this broker. */
export const LOGIN_LATENCY_MS = 300;
/** How long the broker takes to answer an order. */
export const ORDER_LATENCY_MS = 40;
/** How long `open` waits for a terminal that is busy. */
export const OPEN_TIMEOUT_MS = 10_000;

/** Time that the terminal's own "too late" has to arrive before the connection is given up. */
const REPLY_GRACE_MS = 1000;

const AUTH_FAILED: LastError = [-6, "Terminal: Authorization failed"];
const NO_CONNECTION: LastError = [-10005, "IPC timeout"];
const NOT_RUNNING = {
  kind: "failed" as const,
  call: "terminal_info",
  lastError: [-10004, "No IPC connection"] satisfies LastError,
};

const NOT_CONNECTED = {
  kind: "failed" as const,
  call: "terminal_info",
  lastError: [-1, "not connected"] satisfies LastError,
};

export type SimTerminalOptions = {
  name: string;
  broker: SimBroker;
  /** Names who opens the terminal: the last one to open it owns it. */
  owner: string;
  /** Monotonic milliseconds: the clock of `notAfterMs`. */
  now: () => number;
  /** Resolves after so many milliseconds; rejects when the signal aborts. */
  wait: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  /** Milliseconds since 1970, for prices and the broker's clock. Default: the system's clock. */
  utcNow?: () => number;
  /** The folder of the terminal that is expected. */
  path?: string;
  /** The terminal's process, for a second connection to it and for faults. Default: one of its own. */
  process?: SimProcess;
  loginLatencyMs?: number;
  orderLatencyMs?: number;
  openTimeoutMs?: number;
};

/** A terminal of its own on the broker, or one more connection to `options.process`. */
export function createSimTerminal(options: SimTerminalOptions): TerminalPort {
  return new SimTerminal(options);
}

/** One connection: once lost it stays lost, and `open` makes another. */
type Session = { isOpen: boolean; readonly lost: PromiseWithResolvers<never> };

class SimTerminal implements TerminalPort {
  readonly name: string;
  readonly #options: SimTerminalOptions;
  readonly #process: SimProcess;
  readonly #broker: SimBroker;
  readonly #context: SendContext;
  readonly #utcNow: () => number;
  #session: Session | null = null;
  /** From the first `open` to `close`: tags can be asked for although the connection that sends was lost. */
  #isWatching = false;
  #isCalling = false;

  constructor(options: SimTerminalOptions) {
    const path = options.path ?? options.process?.path ?? `C:\\Switchyard\\${options.name}`;
    this.name = options.name;
    this.#options = options;
    this.#broker = options.broker;
    this.#process = options.process ?? new SimProcess({ path });
    this.#utcNow = options.utcNow ?? Date.now;
    this.#context = {
      process: this.#process,
      broker: options.broker,
      owner: options.owner,
      expectedPath: path,
      now: options.now,
      utcNow: this.#utcNow,
      brokerAnswers: async () => {
        await options.wait(options.orderLatencyMs ?? ORDER_LATENCY_MS);
      },
    };
  }

  open(): Promise<OpenReply> {
    return this.#alone(() => this.#open());
  }

  async #open(): Promise<OpenReply> {
    if (this.#session !== null)
      this.#lose(this.#session, new TerminalLost("connection", "The terminal is opened anew"));
    if (!this.#process.isReachable) throw new TerminalLost("connection", "The simulated terminal cannot be reached");
    this.#isWatching = true;
    const session: Session = { isOpen: true, lost: Promise.withResolvers() };
    // A session that nobody waits on may be lost, too.
    session.lost.promise.catch(() => undefined);
    this.#session = session;
    this.#process.owner = this.#options.owner;
    const reading = this.#exclusive(session, () => {
      this.#process.isRunning = true;
      return { terminal: this.#process.describe(), account: this.#shown(), epoch: this.#process.epoch };
    });
    return this.#within(session, reading, this.#options.openTimeoutMs ?? OPEN_TIMEOUT_MS);
  }

  login(account: AccountRef, password: string, timeoutMs: number): Promise<LoginReply> {
    return this.#call(timeoutMs + REPLY_GRACE_MS, (session) =>
      this.#exclusive(session, async () => {
        if (this.#process.owner !== this.#options.owner)
          throw new TerminalLost("connection", "Another owner took over");
        return this.#loginNow(account, password, timeoutMs);
      }),
    );
  }

  async account(account: AccountRef, timeoutMs: number): Promise<AccountReply> {
    const reply = await this.read(account, {}, timeoutMs);
    return reply.kind === "ok" ? { kind: "ok", account: reply.account } : reply;
  }

  read(account: AccountRef, parts: ReadParts, timeoutMs: number): Promise<ReadReply> {
    return this.#call(timeoutMs + REPLY_GRACE_MS, (session) =>
      this.#exclusive(session, () => this.#readNow(account, parts)),
    );
  }

  send(order: SendOrder): Promise<SendReply> {
    return this.#call(order.timeoutMs, (session) => this.#send(session, order));
  }

  async query(tag: number): Promise<TagState> {
    return this.#watchedTags().state(tag);
  }

  async poison(tag: number, commandId: string, epoch?: string): Promise<TagState> {
    const tags = this.#watchedTags();
    if (epoch !== undefined && epoch !== this.#process.epoch)
      throw new TerminalLost("guard_not_shared", "The process that was to send is not there any more");
    return tags.poison(tag, commandId);
  }

  history(account: AccountRef, query: HistoryQuery, timeoutMs: number): Promise<HistoryReply> {
    return this.#lookUp(account, timeoutMs, (shown) => this.#broker.history(shown, query, this.#utcNow()));
  }

  records(account: AccountRef, query: RecordsQuery, timeoutMs: number): Promise<RecordsReply> {
    return this.#lookUp(account, timeoutMs, (shown) => this.#broker.records(shown, query));
  }

  async close(): Promise<void> {
    this.#isWatching = false;
    if (this.#session !== null) this.#lose(this.#session, new TerminalLost("connection", "The terminal was closed"));
  }

  async #loginNow(account: AccountRef, password: string, timeoutMs: number): Promise<LoginReply> {
    const process = this.#process;
    const fault = process.faults.takeLogin();
    process.isRunning = true;
    // While it logs in a terminal shows no account, and after a failure it shows none either.
    process.shown = null;
    if (fault?.kind === "no_connection") return { kind: "failed", reason: "no_connection", lastError: fault.lastError };
    const latencyMs = fault?.kind === "slow" ? fault.ms : (this.#options.loginLatencyMs ?? LOGIN_LATENCY_MS);
    await this.#options.wait(Math.min(latencyMs, timeoutMs));
    if (!process.isConnected || latencyMs > timeoutMs) {
      return { kind: "failed", reason: "no_connection", lastError: NO_CONNECTION };
    }
    const opened = this.#broker.authenticate(account, password);
    if (opened === undefined) return { kind: "failed", reason: "auth_failed", lastError: AUTH_FAILED };
    process.shown = { account: opened.ref, access: opened.access };
    if (fault?.kind === "lost_reply") throw new TerminalLost("connection", "The connection broke during the login");
    const facts = this.#broker.account(opened.ref, opened.access, this.#utcNow());
    return { kind: "ok", account: facts, terminal: process.describe() };
  }

  #readNow(account: AccountRef, parts: ReadParts): ReadReply {
    const fault = this.#takeReadFault();
    if (fault !== undefined) return { kind: "failed", ...fault };
    if (!this.#process.isRunning) return NOT_RUNNING;
    return readNow(this.#process, this.#broker, account, parts, this.#utcNow());
  }

  #lookUp<Found extends object>(
    account: AccountRef,
    timeoutMs: number,
    find: (shown: AccountRef) => Found,
  ): Promise<({ kind: "ok"; account: AccountRef } & Found) | Exclude<HistoryReply, { kind: "ok" }>> {
    return this.#call(timeoutMs + REPLY_GRACE_MS, (session) =>
      this.#exclusive(session, () => {
        const fault = this.#takeReadFault();
        if (fault !== undefined) return { kind: "failed" as const, ...fault };
        if (!this.#process.isRunning) return NOT_RUNNING;
        // What a disconnected terminal does not show may exist all the same.
        if (!this.#process.isConnected) return NOT_CONNECTED;
        const actual = this.#process.shown?.account ?? null;
        if (actual === null || !isSameAccount(actual, account)) return { kind: "wrong_account" as const, actual };
        return { kind: "ok" as const, account: actual, ...find(actual) };
      }),
    );
  }

  async #send(session: Session, order: SendOrder): Promise<SendReply> {
    const { tags, faults } = this.#process;
    const fault = faults.takeSend();
    if (fault?.kind === "lost_request") throw new TerminalLost("connection", "The connection broke before the send");
    // Before the tag is registered: nobody would ever settle it.
    if (!canBeFound(order.request, order.tag, order.ownMagic === true))
      throw new TerminalLost("protocol", "The order does not carry its tag");
    const known = tags.find(order.tag);
    if (known !== undefined) return known.commandId === order.commandId ? known.settled.promise : refused("poisoned");
    if (tags.isForgotten(order.tag)) throw new TerminalLost("protocol", "The terminal has forgotten this tag");
    const entry = tags.register(order.tag, order.commandId);
    const reply = await this.#process.exclusive(async () => {
      // The connection that asked is gone: a queued request does not run any more.
      if (!session.isOpen) tags.poison(entry.tag, entry.commandId);
      return tags.settle(entry, await sendNow(this.#context, entry, order, fault));
    });
    if (fault?.kind === "lost_reply") throw new TerminalLost("connection", "The connection broke after the send");
    return reply;
  }

  #takeReadFault(): { call: string; lastError: LastError } | undefined {
    const fault = this.#process.faults.takeRead();
    if (fault?.kind === "lost_reply") throw new TerminalLost("connection", "The connection broke during a read");
    return fault && { call: fault.call, lastError: fault.lastError };
  }

  #shown(): AccountFacts | null {
    const { shown } = this.#process;
    return shown && this.#broker.account(shown.account, shown.access, this.#utcNow());
  }

  #exclusive<T>(session: Session, work: () => T | Promise<T>): Promise<T> {
    return this.#process.exclusive(() => {
      if (!session.isOpen) throw new TerminalLost("connection", "The connection was lost while the call was queued");
      return work();
    });
  }

  #watchedTags(): TagRegistry {
    if (this.#isWatching && this.#process.isReachable) return this.#process.tags;
    throw new TerminalLost("connection", "The terminal is not open");
  }

  #call<T>(timeoutMs: number, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#alone(async () => {
      const session = this.#session;
      if (session === null) throw new TerminalLost("connection", "The terminal is not open");
      return await this.#within(session, work(session), timeoutMs);
    });
  }

  /** As at a real terminal, a second call beside the first is a fault of the caller, and is found here already. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isCalling) throw new Error(`Terminal "${this.name}" was called while another call was running`);
    this.#isCalling = true;
    try {
      return await work();
    } finally {
      this.#isCalling = false;
    }
  }

  /** What the process does goes on when the answer is not waited for any more, as behind a real connection. */
  async #within<T>(session: Session, work: Promise<T>, timeoutMs: number): Promise<T> {
    const timer = new AbortController();
    const timeout = this.#options.wait(timeoutMs, timer.signal).then(() => {
      throw new TerminalLost("timeout", `The simulated terminal did not answer within ${timeoutMs} ms`);
    });
    try {
      return await Promise.race([work, session.lost.promise, timeout]);
    } catch (error) {
      const lost = error instanceof TerminalLost ? error : new TerminalLost("protocol", "The simulator failed", error);
      this.#lose(session, lost);
      throw lost;
    } finally {
      timer.abort();
    }
  }

  #lose(session: Session, error: TerminalLost): void {
    session.isOpen = false;
    session.lost.reject(error);
    if (this.#session === session) this.#session = null;
  }
}
