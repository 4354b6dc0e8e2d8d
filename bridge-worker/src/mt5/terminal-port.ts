// What a terminal can do: the one interface between the pool and MetaTrader. Two implementations keep it, proven by one
// numbered contract suite: a real terminal behind RPyC, and the simulator.
import type { AccountRef } from "../protocol.ts";
import type {
  AccountFacts,
  DealFacts,
  LastError,
  OrderFacts,
  PositionFacts,
  SendResultFacts,
  SymbolFacts,
  TerminalFacts,
  TickFacts,
} from "./facts.ts";

/**
 * The terminal's process cannot be reached, or did not answer in time. What the call was doing may still happen there:
 * after a `send`, this means that the outcome is unknown. The port has dropped its connection; `open` makes a new one.
 */
export class TerminalLost extends Error {
  readonly reason: "timeout" | "connection" | "guard_not_shared" | "protocol";
  constructor(reason: TerminalLost["reason"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "TerminalLost";
    this.reason = reason;
  }
}

/** `epoch`: the random name of the terminal's process. What one process knows of a tag, another one does not. */
export type OpenReply = { terminal: TerminalFacts; account: AccountFacts | null; epoch: string };

export type LoginReply =
  /** The broker accepted the password. `account` is what the terminal now shows, with the broker's own spelling. */
  | { kind: "ok"; account: AccountFacts; terminal: TerminalFacts }
  /**
   * `auth_failed`: login, password or server refused. `no_connection`: the broker never judged the password, or the account
   * never appeared; `shown`: the other account that the terminal stayed on although the login was accepted.
   */
  | { kind: "failed"; reason: "auth_failed" | "no_connection"; lastError: LastError; shown?: AccountRef };

/**
 * `symbol`: select it and read its rules and last tick. `symbolOf`: the same for the symbol of the position with this
 * ticket (no such position: as if not asked). Lists may be limited to one symbol.
 */
export type ReadParts = {
  symbol?: string;
  symbolOf?: string;
  positions?: { symbol?: string };
  orders?: { symbol?: string };
};

export type Reading = {
  kind: "ok";
  account: AccountFacts;
  terminal: TerminalFacts;
  /** Null: the broker has no such symbol. Absent: not asked for. */
  symbol?: SymbolFacts | null;
  /** Null: the symbol has never ticked. */
  tick?: TickFacts | null;
  positions?: PositionFacts[];
  orders?: OrderFacts[];
  /** Newest tick seen in this call, milliseconds of the broker's clock: what the clock's offset is learned from. */
  broker_now_msc: number | null;
};

export type AccountReply =
  | { kind: "ok"; account: AccountFacts }
  | { kind: "wrong_account"; actual: AccountRef | null }
  | { kind: "failed"; call: string; lastError: LastError };

export type ReadReply =
  | Reading
  /** The terminal is logged in to another account, or to none. */
  | { kind: "wrong_account"; actual: AccountRef | null }
  /** A call returned None: an error, never an empty list. `call` names it. */
  | { kind: "failed"; call: string; lastError: LastError };

/**
 * A trade request under MetaTrader's own field names (TradeRequest): prices and volumes as numbers, tickets as text.
 * `magic` is the command's tag, and `comment` begins with it. See `ownMagic` for the exception.
 */
export type SendRequest = {
  action: number;
  symbol?: string;
  volume?: number;
  type?: number;
  price?: number;
  stoplimit?: number;
  sl?: number;
  tp?: number;
  deviation?: number;
  type_filling?: number;
  type_time?: number;
  /** Seconds of the broker's clock. */
  expiration?: number;
  position?: string;
  /** The opposite position of a close-by. */
  position_by?: string;
  order?: string;
  magic: number;
  comment: string;
};

export type SendOrder = {
  tag: number;
  commandId: string;
  account: AccountRef;
  request: SendRequest;
  /**
   * True: `magic` may be the caller's own (below 2^40), if the tag stands at the front of the comment. A request that
   * carries the tag in neither place could never be found again: it is not sent, and `TerminalLost` is thrown.
   */
  ownMagic?: boolean;
  /** The send may not begin after this time of the clock the port was made with (monotonic milliseconds). */
  notAfterMs: number;
  /** A close: in the sending call this position must still have this type (0 buy, 1 sell) and at least this volume. */
  requirePosition?: { ticket: string; type: number; minVolume: number };
  /** Milliseconds to wait for the reply; after that the outcome is unknown and `TerminalLost` is thrown. */
  timeoutMs: number;
};

/** Why a send was certainly not attempted. */
export const SendRefusals = [
  "stale_owner",
  "expired",
  "poisoned",
  "wrong_account",
  "wrong_terminal",
  "not_connected",
  "trading_disabled",
  "position_changed",
] as const;
export type SendRefusal = (typeof SendRefusals)[number];

export type SendReply =
  | { kind: "refused"; reason: SendRefusal; actual?: AccountRef | null }
  /**
   * `order_send` ran once. `result` null: it returned None, and `lastError` was read in the same locked call.
   * `after`: the account the terminal showed directly afterwards; null when it could not be read.
   */
  | { kind: "sent"; result: SendResultFacts | null; lastError: LastError; after: AccountRef | null };

/** What the terminal's process knows of a tag. `waiting`, `sending` and `forgotten` prove nothing. */
export type TagState =
  | { kind: "unseen" | "waiting" | "sending" | "poisoned" | "forgotten" }
  | { kind: "finished"; reply: SendReply };

/**
 * `tag`: records whose magic is the tag or whose comment begins with it. `tickets`: these orders too, and their deals,
 * whatever they carry, and the orders themselves however old. `from`, `to`: seconds of the broker's clock, for what is in the
 * history.
 */
export type HistoryQuery = { tag: number; tickets?: readonly string[]; from: number; to: number };

/** `counts`: records of the whole period, found or not: a history that is still being loaded grows. */
export type History = {
  kind: "ok";
  account: AccountRef;
  open_orders: OrderFacts[];
  orders: OrderFacts[];
  deals: DealFacts[];
  counts: { orders: number; deals: number };
};

export type HistoryReply =
  | History
  | { kind: "wrong_account"; actual: AccountRef | null }
  | { kind: "failed"; call: string; lastError: LastError };

/**
 * One page of what an account did, newest first: orders by the time they were done, deals by theirs. Times in milliseconds of
 * the broker's clock, `toMsc` not included; an order is inside if it was placed or done inside, as far as the terminal
 * lists it (terminals select orders by one of the two). `before`: only what comes after this record in the list.
 */
export type RecordsQuery = {
  list: "orders" | "deals";
  fromMsc: number;
  toMsc: number;
  position?: string;
  before?: { timeMsc: number; ticket: string };
  limit: number;
};

/** The list that was not asked for is empty. `truncated`: the period holds more after these. */
export type Records = {
  kind: "ok";
  account: AccountRef;
  orders: OrderFacts[];
  deals: DealFacts[];
  truncated: boolean;
};

export type RecordsReply =
  | Records
  | { kind: "wrong_account"; actual: AccountRef | null }
  | { kind: "failed"; call: string; lastError: LastError };

/**
 * One terminal. Calls that touch MetaTrader are made one at a time by the caller; `query` and `poison` may run beside a
 * hanging `send`. Every method may throw `TerminalLost`; nothing else crosses this line.
 */
export interface TerminalPort {
  readonly name: string;
  /** Connects, takes ownership in the terminal's process (the last owner wins), makes sure that MetaTrader runs. */
  open(): Promise<OpenReply>;
  /** A real login, also when the terminal shows this account already. `timeoutMs` bounds the broker's answer. */
  login(account: AccountRef, password: string, timeoutMs: number): Promise<LoginReply>;
  /** One round trip: what the account holds, and whose it is, from one reading. The commonest call of all. */
  account(account: AccountRef, timeoutMs: number): Promise<AccountReply>;
  /** One round trip. Account and lists are read under one lock; the account is compared before and after. */
  read(account: AccountRef, parts: ReadParts, timeoutMs: number): Promise<ReadReply>;
  /** One round trip, at most one `order_send`, ever, for a tag: a known tag answers what it knows and sends nothing. */
  send(order: SendOrder): Promise<SendReply>;
  /** What became of a tag in this process of the terminal. Waits for nothing. */
  query(tag: number): Promise<TagState>;
  /**
   * Makes sure that a tag that has not begun to send never will; the state it finds afterwards is the answer. `epoch`: the
   * process that was to send. Another one would deny what that one did, and is not asked: throws TerminalLost. Without it,
   * whichever is there.
   */
  poison(tag: number, commandId: string, epoch?: string): Promise<TagState>;
  /** What the broker's records hold of one command. A terminal without a connection to the broker answers `failed`. */
  history(account: AccountRef, query: HistoryQuery, timeoutMs: number): Promise<HistoryReply>;
  /** One page of an account's history. A terminal without a connection to the broker answers `failed`. */
  records(account: AccountRef, query: RecordsQuery, timeoutMs: number): Promise<RecordsReply>;
  /** Drops the connections; queued requests do not run any more. */
  close(): Promise<void>;
}
