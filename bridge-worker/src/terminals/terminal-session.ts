// One terminal and what is known about it: whether it is reachable and which account it is logged in to. Callers use it
// one at a time (the scheduler sees to that). What it believes is only ever a short cut: the terminal compares login and
// server itself, in the call that reads or sends.
import type { Log } from "../log.ts";
import { describeError } from "../log.ts";
import {
  type AccountReply,
  type HistoryQuery,
  type HistoryReply,
  type LoginReply,
  type Reading,
  type ReadParts,
  type ReadReply,
  type SendOrder,
  type SendReply,
  type TagState,
  type TerminalFacts,
  TerminalLost,
  type TerminalPort,
} from "../mt5/mod.ts";
import { type AccountRef, isSameAccount } from "../protocol.ts";

/**
 * closed → opening → open ⇄ lost → opening …
 * `closed`: not opened yet, or shut down. `opening`: connecting. `open`: calls can be made; `account` says to whom the
 * terminal is logged in, as far as we know. `lost`: a call failed on the way; the next use opens it anew, but not before
 * `reopenAt`.
 */
export type SessionState = "closed" | "opening" | "open" | "lost";

const REOPEN_FIRST_MS = 250;
const REOPEN_MAX_MS = 15_000;

export type SessionOptions = { port: TerminalPort; kind: "simulator" | "rpyc"; log: Log; now: () => number };

export class TerminalSession {
  readonly name: string;
  readonly kind: "simulator" | "rpyc";
  readonly #port: TerminalPort;
  readonly #log: Log;
  readonly #now: () => number;
  #state: SessionState = "closed";
  #account: AccountRef | null = null;
  #terminal: TerminalFacts | null = null;
  #epoch: string | null = null;
  #failures = 0;
  #reopenAt = 0;

  constructor({ port, kind, log, now }: SessionOptions) {
    this.name = port.name;
    this.kind = kind;
    this.#port = port;
    this.#log = log.scope({ room: "terminals", terminal: port.name });
    this.#now = now;
  }

  get state(): SessionState {
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

  /** Milliseconds until a lost terminal is tried again; 0 when it can be used now. */
  get unavailableForMs(): number {
    return this.#state === "lost" || this.#state === "closed" ? Math.max(0, this.#reopenAt - this.#now()) : 0;
  }

  isOn(account: AccountRef): boolean {
    return this.#state === "open" && this.#account !== null && isSameAccount(this.#account, account);
  }

  /** Makes the terminal usable. Throws TerminalLost, at once while the pause after a failure lasts. */
  async ensureOpen(): Promise<void> {
    if (this.#state === "open") return;
    if (this.unavailableForMs > 0) throw new TerminalLost("connection", `Terminal ${this.name} is being given a pause`);
    this.#setState("opening");
    const { terminal, account, epoch } = await this.#guarded(() => this.#port.open());
    if (this.state !== "opening") {
      // Closed meanwhile: the connection that came too late must not stay.
      await this.#port.close();
      throw new TerminalLost("connection", `Terminal ${this.name} was closed`);
    }
    this.#terminal = terminal;
    this.#epoch = epoch;
    this.#account = account === null ? null : { login: account.login, server: account.server };
    this.#failures = 0;
    this.#setState("open");
  }

  /** A real login. Whatever happens, the terminal is afterwards believed to be only where it said it is. */
  async login(account: AccountRef, password: string, timeoutMs: number): Promise<LoginReply> {
    this.#account = null;
    const reply = await this.#guarded(() => this.#port.login(account, password, timeoutMs));
    if (reply.kind === "ok") {
      if (reply.account.login !== account.login) {
        this.#lose(new Error("the terminal shows another login than it was given"));
        throw new TerminalLost("protocol", "The terminal shows another login than it was given");
      }
      this.#account = { login: reply.account.login, server: reply.account.server };
      this.#terminal = reply.terminal;
    }
    return reply;
  }

  async readAccount(account: AccountRef, timeoutMs: number): Promise<AccountReply> {
    const reply = await this.#guarded(() => this.#port.account(account, timeoutMs));
    if (reply.kind === "wrong_account") this.#surprised(account, reply.actual);
    return reply;
  }

  async read(account: AccountRef, parts: ReadParts, timeoutMs: number): Promise<ReadReply> {
    const reply = await this.#guarded(() => this.#port.read(account, parts, timeoutMs));
    if (reply.kind === "wrong_account") this.#surprised(account, reply.actual);
    if (reply.kind === "ok") this.#terminal = (reply satisfies Reading).terminal;
    return reply;
  }

  async history(account: AccountRef, query: HistoryQuery, timeoutMs: number): Promise<HistoryReply> {
    const reply = await this.#guarded(() => this.#port.history(account, query, timeoutMs));
    if (reply.kind === "wrong_account") this.#surprised(account, reply.actual);
    return reply;
  }

  async send(order: SendOrder): Promise<SendReply> {
    const reply = await this.#guarded(() => this.#port.send(order));
    if (reply.kind === "refused") {
      if (reply.actual !== undefined) this.#surprised(order.account, reply.actual);
      if (reply.reason === "stale_owner") this.#lose(new Error("another worker took it over"));
    } else if (reply.after === null || !isSameAccount(reply.after, order.account)) {
      // Quarantine: somebody moves this terminal while we send. It is opened anew before it is trusted with anything.
      this.#surprised(order.account, reply.after);
      this.#lose(new Error("the account changed during a send"));
    }
    return reply;
  }

  /** Beside a hanging call; does not disturb what is known about the terminal. */
  query(tag: number): Promise<TagState> {
    return this.#port.query(tag);
  }

  poison(tag: number, commandId: string): Promise<TagState> {
    return this.#port.poison(tag, commandId);
  }

  async close(): Promise<void> {
    this.#setState("closed");
    this.#account = null;
    await this.#port.close();
  }

  async #guarded<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      this.#lose(error);
      throw error instanceof TerminalLost
        ? error
        : new TerminalLost("protocol", "The terminal answered nonsense", error);
    }
  }

  #lose(error: unknown): void {
    this.#account = null;
    const pause = Math.min(REOPEN_MAX_MS, REOPEN_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#reopenAt = this.#now() + pause;
    this.#setState("lost");
    this.#log.warn("terminal.lost", { error: describeError(error), retry_in_ms: pause });
  }

  /** Somebody else moved the terminal: a person at its window, or the broker. */
  #surprised(expected: AccountRef, actual: AccountRef | null): void {
    this.#account = actual;
    this.#log.error("terminal.wrong_account", { expected, actual });
  }

  #setState(next: SessionState): void {
    if (next === this.#state) return;
    this.#log.debug("terminal.state", { from: this.#state, to: next });
    this.#state = next;
  }
}
