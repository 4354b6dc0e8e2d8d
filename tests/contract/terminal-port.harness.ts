// What the contract suite of TerminalPort needs from each implementation: a world of accounts and symbols, terminals in
// it, an oracle that tells what the broker really did, and ways to make things go wrong.
import type { LastError, TerminalPort } from "../../bridge-worker/src/mt5/mod.ts";
import type { AccountRef } from "../../bridge-worker/src/protocol.ts";

/** An account and the password that trades on it. */
export type Key = { account: AccountRef; password: string };

export type World = {
  /** Two hedging accounts of one server. */
  main: Key;
  second: Key;
  /** The password of `main` that may only look. */
  investorPassword: string;
  netting: Key;
  /** Its tickets are above 2^53. */
  bigTickets: Key;
  /** Five digits, FOK and IOC, volume step 0.01. */
  symbol: string;
  /** FOK is refused; stops are at least 50 points away. */
  iocSymbol: string;
  disabledSymbol: string;
  /** True: another case of the server's name is accepted, and the broker's own is shown. False: refused. */
  acceptsOtherSpelling: boolean;
};

/** An order that the broker booked, whatever the port answered. */
export type BookedOrder = { login: string; server: string; magic: string; comment: string; ticket: string };

/** What goes wrong with the next `order_send`. `executes`: the order is at the broker nevertheless. */
export type SendFault =
  /** It does not return before `release()`; the order is at the broker then. */
  | { kind: "hang" }
  | { kind: "retcode"; retcode: number; executes: boolean }
  | { kind: "none"; lastError: LastError; executes: boolean }
  /** After the broker has the order, and before the account is read again. */
  | { kind: "switch_account"; to: AccountRef };

/** A broker without any trade, and a terminal that nobody is logged in to. */
export type Fixture = {
  /** Not open yet. */
  port: TerminalPort;
  /** One more connection to the same terminal, for another owner. */
  connect(owner: string): TerminalPort;
  /** Another terminal. */
  neighbour: TerminalPort;
  /** The clock of `notAfterMs`. */
  now(): number;
  /** The orders booked through `port`'s terminal. */
  orders(): Promise<BookedOrder[]>;
  set(settings: { autoTrading?: boolean; connected?: boolean }): Promise<void>;
  /** Somebody at the terminal's window logs in to another account, or out. */
  switchBehindBack(account: AccountRef | null): Promise<void>;
  /** Somebody closes the terminal; its process lives on, and `open` starts it again. */
  closeTerminal(): Promise<void>;
  /** The terminal's process remembers the outcome of so many tags only. */
  keepTags(count: number): Promise<void>;
  failNextSend(fault: SendFault): Promise<void>;
  failNextRead(call: string, lastError: LastError): Promise<void>;
  /** Lets a hanging `order_send` return. */
  release(): Promise<void>;
  /** Closes every port. */
  stop(): Promise<void>;
};

export type Harness = {
  world: World;
  start(): Promise<void>;
  create(): Promise<Fixture>;
  stop(): Promise<void>;
};
