// One terminal and what is known about it: its state, and which account it is logged in to. Callers use it one at a time
// (the scheduler sees to that). What it believes is only ever a short cut: the terminal compares login and server itself,
// in the call that reads or sends.
import type { Log } from "../log.ts";
import { describeError } from "../log.ts";
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
  type TerminalFacts,
  TerminalLost,
  type TerminalPort,
} from "../mt5/mod.ts";
import { type AccountRef, isSameAccount } from "../protocol.ts";
import { isSameSpelled, mayLogIn, type TerminalLimits, UNLIMITED } from "./limits.ts";
import { Neighbours } from "./neighbours.ts";
import { isSilent, lossOf, type QuarantineReason, reasonOf } from "./quarantine.ts";
import { TerminalRecord } from "./terminal-record.ts";
import { isConnected, NEXT_STATES, type TerminalState } from "./terminal-state.ts";

export type SessionOptions = {
  port: TerminalPort;
  kind: "simulator" | "rpyc";
  log: Log;
  now: () => number;
  /** In [0, 1), for pauses; without it they are not shortened. */
  random?: () => number;
  limits?: TerminalLimits;
  /** The terminals of the same worker. */
  neighbours?: Neighbours;
  /** A keeper opens it anew after a quarantine. Without one, its next user does. */
  kept?: boolean;
};

export type TerminalHealth = {
  name: string;
  kind: "simulator" | "rpyc";
  state: TerminalState;
  /** Why no work is given to it, and for how many seconds; absent while it is well. */
  reason?: QuarantineReason;
  since_s?: number;
};

export type StateListener = (to: TerminalState, from: TerminalState) => void;

/**
 * The least that a reading is given, whatever time its caller has left: a terminal that cannot answer within nothing is not
 * hung. `account-status.ts` keeps back more than this and the port's own grace.
 */
const READ_PATIENCE_MS = 1_000;

export class TerminalSession {
  readonly name: string;
  readonly kind: "simulator" | "rpyc";
  readonly limits: TerminalLimits;
  /** The end of a quarantine is a change of its state, and not of the time. */
  readonly kept: boolean;
  readonly #port: TerminalPort;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #neighbours: Neighbours;
  readonly #listeners: StateListener[] = [];
  readonly #record: TerminalRecord;
  #state: TerminalState = "disconnected";
  #isWorking = false;
  #opening: Promise<void> | undefined;
  #account: AccountRef | null = null;
  #terminal: TerminalFacts | null = null;
  #epoch: string | null = null;
  #isStranded = false;
  constructor({ port, kind, log, now, random, limits, neighbours, kept }: SessionOptions) {
    this.name = port.name;
    this.kind = kind;
    this.limits = limits ?? UNLIMITED;
    this.#port = port;
    this.#log = log.scope({ room: "terminals", terminal: port.name });
    this.#now = now;
    this.#random = random ?? (() => 0);
    this.#neighbours = neighbours ?? new Neighbours();
    this.#neighbours.join(this);
    this.kept = kept ?? false;
    this.#record = new TerminalRecord(now());
  }

  get state(): TerminalState {
    return this.#state;
  }

  /** The account the terminal was last seen on; null when it is on none or nobody knows. */
  get account(): AccountRef | null {
    return this.#account;
  }

  get terminal(): TerminalFacts | null {
    return this.#terminal;
  }

  /** The terminal's process as it was last opened; null before that. */
  get epoch(): string | null {
    return this.#epoch;
  }

  /** The last login of the job that has it, or had it last, reached no broker. */
  get isStranded(): boolean {
    return this.#isStranded;
  }

  /** Milliseconds until it can be used, as far as that is known; 0 when it can be now. */
  get unavailableForMs(): number {
    if (isConnected(this.#state)) return 0;
    const pauseMs = this.#record.retryInMs(this.#now());
    return this.kept && this.outage !== null ? Math.max(1, pauseMs) : pauseMs;
  }

  /** Milliseconds in which its process may still have something to say about a send of ours. */
  get mayAnswerForMs(): number {
    return this.#record.mayAnswerForMs(this.#now());
  }

  /** What it is quarantined for, and since when; null while it is well. */
  get outage(): { reason: QuarantineReason; sinceMs: number } | null {
    return this.#record.outage;
  }

  health(): TerminalHealth {
    const { name, kind, state, outage } = this;
    if (outage === null) return { name, kind, state };
    const { reason, sinceMs } = outage;
    return { name, kind, state, reason, since_s: Math.round((this.#now() - sinceMs) / 1000) };
  }

  onChange(listener: StateListener): void {
    this.#listeners.push(listener);
  }

  isOn(account: AccountRef): boolean {
    return isConnected(this.#state) && this.#account !== null && isSameAccount(this.#account, account);
  }

  /** A job has the terminal from here to `end`. */
  begin(): void {
    this.#isWorking = true;
    // A job that comes to no login says nothing of its broker.
    this.#isStranded = false;
    if (this.#state === "idle") this.#setState("busy");
  }

  end(): void {
    this.#isWorking = false;
    if (this.#state === "busy") this.#setState("idle");
  }

  /** Makes the terminal usable. Throws TerminalLost, at once while it is left alone after a quarantine. */
  async ensureOpen(): Promise<void> {
    if (isConnected(this.#state)) return;
    if (this.unavailableForMs > 0) {
      const reason = this.outage?.reason ?? "unreachable";
      throw new TerminalLost(lossOf(reason), `Terminal ${this.name} is being given a pause: ${reason}`);
    }
    return this.open();
  }

  /** Connects, pause or not; for the keeper. Joins an attempt that is under way. */
  open(): Promise<void> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** A real login. Whatever happens, the terminal is afterwards believed to be only where it said it is. */
  async login(account: AccountRef, password: string, timeoutMs: number): Promise<LoginReply> {
    if (!mayLogIn(this.limits, account))
      throw new TerminalLost("connection", `Terminal ${this.name} may not log in to this account`);
    this.#account = null;
    const reply = await this.#guarded(() => {
      this.#setState("switching");
      return this.#port.login(account, password, timeoutMs);
    });
    if (reply.kind === "ok" && !isSameSpelled(reply.account, account)) {
      this.#surprised(account, reply.account);
      throw new TerminalLost("protocol", "The terminal shows another account than it was given");
    }
    if (reply.kind === "ok") {
      this.#account = { login: reply.account.login, server: reply.account.server };
      this.#terminal = reply.terminal;
    } else if (reply.shown !== undefined) {
      // The broker said yes, and the terminal stayed on another account.
      this.#surprised(account, reply.shown);
    } else if (isSilent(reply.lastError)) {
      // It is on no account, and so the first choice for the next one: it would fail them all.
      this.#quarantine("ipc", { last_error: reply.lastError });
    }
    this.#isStranded = reply.kind === "failed" && reply.reason === "no_connection";
    // Last: whoever hears of it asks which account it is on.
    if (this.#state === "switching") this.#setState(this.#isWorking ? "busy" : "idle");
    return reply;
  }

  async readAccount(account: AccountRef, timeoutMs: number): Promise<AccountReply> {
    return this.#noted(account, await this.#guarded(() => this.#port.account(account, patient(timeoutMs))));
  }

  async read(account: AccountRef, parts: ReadParts, timeoutMs: number): Promise<ReadReply> {
    const reply = await this.#guarded(() => this.#port.read(account, parts, patient(timeoutMs)));
    if (reply.kind === "ok") this.#terminal = reply.terminal;
    return this.#noted(account, reply);
  }

  async history(account: AccountRef, query: HistoryQuery, timeoutMs: number): Promise<HistoryReply> {
    return this.#noted(account, await this.#guarded(() => this.#port.history(account, query, patient(timeoutMs))));
  }

  async records(account: AccountRef, query: RecordsQuery, timeoutMs: number): Promise<RecordsReply> {
    return this.#noted(account, await this.#guarded(() => this.#port.records(account, query, patient(timeoutMs))));
  }

  async send(order: SendOrder): Promise<SendReply> {
    const answerByMs = this.#now() + order.timeoutMs;
    const reply = await this.#guarded(() => this.#port.send(order)).catch((error: unknown) => {
      this.#record.sendLost(answerByMs);
      throw error;
    });
    if (reply.kind === "refused") {
      if (reply.actual !== undefined) this.#surprised(order.account, reply.actual);
      if (reply.reason === "stale_owner") this.#quarantine("taken_over");
      if (reply.reason === "wrong_terminal") this.#quarantine("wrong_terminal");
    } else if (reply.after === null || !isSameAccount(reply.after, order.account)) {
      // Somebody moves this terminal while we send.
      this.#surprised(order.account, reply.after);
    }
    return reply;
  }

  /** Beside a hanging call; does not disturb what is known about the terminal. */
  query(tag: number): Promise<TagState> {
    return this.#port.query(tag);
  }

  poison(tag: number, commandId: string, epoch: string): Promise<TagState> {
    return this.#port.poison(tag, commandId, epoch);
  }

  async close(): Promise<void> {
    this.#account = null;
    this.#record.closed();
    if (this.#state !== "disconnected" && this.#state !== "draining") this.#setState("draining");
    await this.#port.close();
    this.#epoch = null;
    if (this.#state === "draining") this.#setState("disconnected");
  }

  async #open(): Promise<void> {
    if (this.#state !== "disconnected" && this.#state !== "quarantined")
      throw new TerminalLost("connection", `Terminal ${this.name} is being closed`);
    this.#setState("connecting");
    const { terminal, account, epoch } = await this.#asked(() => this.#port.open());
    const twin = this.#neighbours.inProcess(this, epoch);
    if (this.state !== "connecting" || twin !== undefined) {
      // Closed meanwhile, or it is somebody else's: the connection must not stay.
      await this.#port.close();
      if (twin !== undefined) this.#quarantine("same_process", { other: twin });
      throw new TerminalLost(
        "connection",
        `Terminal ${this.name} ${twin ? `is the process of ${twin}` : "was closed"}`,
      );
    }
    this.#terminal = terminal;
    this.#epoch = epoch;
    this.#account = account === null ? null : { login: account.login, server: account.server };
    this.#record.connected(this.#now());
    this.#setState(this.#isWorking ? "busy" : "idle");
  }

  /** A call of a connected terminal. Nothing is asked of one that must be opened anew first. */
  #guarded<T>(call: () => Promise<T>): Promise<T> {
    if (isConnected(this.#state)) return this.#asked(call);
    return Promise.reject(new TerminalLost("connection", `Terminal ${this.name} is not open`));
  }

  async #asked<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      this.#quarantine(reasonOf(error), { error: describeError(error) });
      throw error instanceof TerminalLost
        ? error
        : new TerminalLost("protocol", "The terminal answered nonsense", error);
    }
  }

  /** What a reading says about the terminal itself. */
  #noted<Reply extends ReadReply | AccountReply | HistoryReply | RecordsReply>(
    account: AccountRef,
    reply: Reply,
  ): Reply {
    if (reply.kind === "wrong_account") this.#surprised(account, reply.actual);
    else {
      const lastError = reply.kind === "failed" ? reply.lastError : undefined;
      if (this.#record.read(lastError)) this.#quarantine("ipc", { last_error: lastError });
    }
    return reply;
  }

  /** Somebody else moved the terminal: a person at its window, the broker, or another name of the same terminal. */
  #surprised(expected: AccountRef, shown: AccountRef | null): void {
    const actual = shown === null ? null : { login: shown.login, server: shown.server };
    const other = actual === null ? undefined : this.#neighbours.onAccount(this, actual);
    this.#log.error("terminal.wrong_account", { expected, actual, other });
    this.#quarantine(other === undefined ? "wrong_account" : "shared_terminal", { other });
  }

  #quarantine(reason: QuarantineReason, facts: Record<string, unknown> = {}): void {
    if (this.#state !== "connecting" && !isConnected(this.#state)) return;
    this.#account = null;
    const pauseMs = this.#record.quarantined(reason, this.#now(), this.#random());
    this.#log.warn("terminal.quarantined", { reason, retry_in_ms: pauseMs, ...facts });
    this.#setState("quarantined");
  }

  /** The one place that changes the state. */
  #setState(to: TerminalState): void {
    const from = this.#state;
    if (from === to) return;
    if (!NEXT_STATES[from].includes(to)) throw new Error(`Terminal ${this.name} cannot become ${to} when ${from}`);
    this.#log.debug("terminal.state", { from, to });
    this.#state = to;
    for (const listener of this.#listeners) listener(to, from);
  }
}

function patient(timeoutMs: number): number {
  return Math.max(timeoutMs, READ_PATIENCE_MS);
}
