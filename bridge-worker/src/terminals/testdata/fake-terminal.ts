// A terminal whose every answer the test writes down, and a log that keeps its lines.
import type { Log } from "../../log.ts";
import type {
  AccountReply,
  LoginReply,
  ReadReply,
  SendOrder,
  SendReply,
  TagState,
  TerminalPort,
} from "../../mt5/mod.ts";
import { accountFacts, reading, terminalFacts } from "../../mt5/testdata/facts.ts";
import type { AccountRef } from "../../protocol.ts";

type Answer<T> = T | Error;
type Opened = Awaited<ReturnType<TerminalPort["open"]>>;

export const ACCOUNT: AccountRef = { login: "5012345", server: "MetaQuotes-Demo" };
export const OTHER: AccountRef = { login: "777", server: "Other-Live" };

export class FakeTerminal implements TerminalPort {
  readonly name: string;
  readonly calls: string[] = [];
  readonly passwords: string[] = [];
  readonly timeouts: number[] = [];
  /** Runs while `login` is under way, before it answers. */
  duringLogin: () => void = () => {};
  onOpen: Answer<Opened> = { terminal: terminalFacts(), account: null, epoch: "epoch-1" };
  onLogin: Answer<LoginReply> | undefined;
  onRead: Answer<ReadReply> = reading();
  onSend: Answer<SendReply> = { kind: "refused", reason: "expired" };
  onQuery: Answer<TagState> = { kind: "unseen" };

  constructor(name = "fake") {
    this.name = name;
  }

  async open(): Promise<Opened> {
    this.calls.push("open");
    return answer(this.onOpen);
  }

  /** Unless told otherwise the broker accepts, and the terminal is where it was asked to be. */
  async login(account: AccountRef, password: string, timeoutMs: number): Promise<LoginReply> {
    this.calls.push(`login ${account.login}`);
    this.passwords.push(password);
    this.timeouts.push(timeoutMs);
    this.duringLogin();
    return answer(
      this.onLogin ?? { kind: "ok", account: accountFacts(account), terminal: terminalFacts({ build: 5000 }) },
    );
  }

  async account(account: AccountRef): Promise<AccountReply> {
    const reply = await this.read(account);
    return reply.kind === "ok" ? { kind: "ok", account: reply.account } : reply;
  }

  async read(account: AccountRef): Promise<ReadReply> {
    this.calls.push(`read ${account.login}`);
    return answer(this.onRead);
  }

  async send(order: SendOrder): Promise<SendReply> {
    this.calls.push(`send ${order.tag}`);
    return answer(this.onSend);
  }

  async query(tag: number): Promise<TagState> {
    this.calls.push(`query ${tag}`);
    return answer(this.onQuery);
  }

  async poison(tag: number, commandId: string): Promise<TagState> {
    this.calls.push(`poison ${tag} ${commandId}`);
    return answer(this.onQuery);
  }

  async history(): Promise<never> {
    throw new Error("no session asks for history");
  }

  async records(): Promise<never> {
    throw new Error("no session asks for records");
  }

  async close(): Promise<void> {
    this.calls.push("close");
  }
}

function answer<T>(value: Answer<T>): T {
  if (value instanceof Error) throw value;
  return value;
}

export type Line = { level: string; event: string; fields: Record<string, unknown> };

/** A log into `lines`. */
export function logInto(lines: Line[]): Log {
  const write =
    (level: string) =>
    (event: string, fields: Record<string, unknown> = {}) => {
      lines.push({ level, event, fields });
    };
  const log: Log = {
    ...{ debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
    scope: () => log,
  };
  return log;
}
