// The paper broker: all servers, accounts, orders and prices of a worker, shared by its simulated terminals. A state
// machine without a clock: every question carries the time it is asked at, in milliseconds since 1970 (UTC).
import { z } from "zod";
import {
  type AccountFacts,
  type History,
  type HistoryQuery,
  isTagged,
  type OrderFacts,
  type PositionFacts,
  type RecordsQuery,
  type SendRequest,
  type SendResultFacts,
  type SymbolFacts,
  type TickFacts,
} from "../mt5/mod.ts";
import { type AccountRef, laneKey } from "../protocol.ts";
import {
  type Access,
  type AccountPlan,
  authenticate,
  findServer,
  planAccount,
  type SimServer,
} from "./sim-accounts.ts";
import { Book, describeAccount, describeOrder, describePosition, emptyBook, type Prices } from "./sim-book.ts";
import { closeBy } from "./sim-close-by.ts";
import { deal } from "./sim-deals.ts";
import { type Desk, refusal } from "./sim-desk.ts";
import { lastOpenMs, type Quote, quoteAt } from "./sim-market.ts";
import { changeLevels, changeOrder, placeOrder, removeOrder } from "./sim-orders.ts";
import { pageOf, type SimRecords } from "./sim-records.ts";
import { Retcode } from "./sim-retcodes.ts";
import { findSymbol, type SimSymbol } from "./sim-symbols.ts";

/** TRADE_ACTION_…. */
const Action = { Deal: 1, Pending: 5, Levels: 6, Modify: 7, Remove: 8, CloseBy: 10 } as const;
const STATE_VERSION = 1;
const MINUTE_MS = 60_000;

export type SimBrokerOptions = {
  /** Chooses the price history. */
  seed?: number;
  /** `closed`: markets rest on Saturday and Sunday of the broker's clock. Default `open`, so that a demo always trades. */
  weekends?: "open" | "closed";
};

/** An order as the broker knows it: what tests count. */
export type LedgerEntry = AccountRef & { ticket: string; magic: string; comment: string; type: number; symbol: string };

/** Who asks: the account logged in, what its password permits, and whether the terminal's AutoTrading button is on. */
export type TradingSession = { account: AccountRef; access: Access; isAutoTradingOn: boolean };

const Ticket = z.string().regex(/^[0-9]{1,20}$/);
const State = z.object({
  version: z.literal(STATE_VERSION),
  seed: z.int(),
  weekends: z.enum(["open", "closed"]),
  next_tickets: z.record(z.string(), Ticket),
  accounts: z.array(z.object({ login: z.string(), server: z.string(), book: Book })),
});
export type SimBrokerState = z.infer<typeof State>;

export class SimBroker {
  readonly #seed: number;
  readonly #weekends: "open" | "closed";
  /** By lane key; an account that nobody asked for has none yet. */
  readonly #books = new Map<string, { plan: AccountPlan; book: Book }>();
  readonly #nextTickets = new Map<string, bigint>();

  constructor(options: SimBrokerOptions = {}) {
    this.#seed = options.seed ?? 1;
    this.#weekends = options.weekends ?? "open";
  }

  /** What a password opens; undefined: refused. Another case of the server's name is accepted, its own is answered. */
  authenticate(account: AccountRef, password: string): { ref: AccountRef; access: Access } | undefined {
    return authenticate(account, password);
  }

  account(account: AccountRef, access: Access, utcMs: number): AccountFacts {
    const plan = planOf(account);
    return describeAccount(plan, this.#bookOf(plan), access, this.#prices(plan.server, utcMs));
  }

  /** Null: no such symbol. */
  symbol(name: string): SymbolFacts | null {
    return findSymbol(name)?.facts ?? null;
  }

  /** The newest tick on the clock of the server; null: no such symbol. */
  tick(server: string, name: string, utcMs: number): TickFacts | null {
    const symbol = findSymbol(name);
    const at = findServer(server);
    if (symbol === undefined || at === undefined) return null;
    const quote = this.#quote(at, symbol, utcMs);
    return { time_msc: quote.utcMs + offsetMs(at), bid: quote.bid, ask: quote.ask, last: 0 };
  }

  positions(account: AccountRef, utcMs: number, symbol?: string): PositionFacts[] {
    const plan = planOf(account);
    const prices = this.#prices(plan.server, utcMs);
    return this.#bookOf(plan)
      .positions.filter((one) => symbol === undefined || one.symbol === symbol)
      .map((one) => describePosition(plan, one, prices));
  }

  orders(account: AccountRef, utcMs: number, symbol?: string): OrderFacts[] {
    const plan = planOf(account);
    const prices = this.#prices(plan.server, utcMs);
    return this.#bookOf(plan)
      .pending.filter((one) => symbol === undefined || one.symbol === symbol)
      .map((one) => describeOrder(one, prices));
  }

  /** What carries the tag or is asked for by ticket: working orders, what was done in the period, and older orders asked for. */
  history(account: AccountRef, { tag, tickets = [], from, to }: HistoryQuery, utcMs: number): SimHistory {
    const book = this.#bookOf(planOf(account));
    const magic = String(tag);
    const hasTag = (one: { magic: string; comment: string }): boolean =>
      one.magic === magic || isTagged(one.comment, tag);
    const isInside = (msc: number): boolean => msc >= from * 1000 && Math.floor(msc / 1000) <= to;
    const orders = book.orders.filter((one) => isInside(one.time_done_msc));
    const deals = book.deals.filter((one) => isInside(one.time_msc));
    return {
      open_orders: this.orders(account, utcMs).filter((one) => hasTag(one) || tickets.includes(one.ticket)),
      orders: book.orders.filter((one) => tickets.includes(one.ticket) || (hasTag(one) && isInside(one.time_done_msc))),
      deals: deals.filter((one) => hasTag(one) || tickets.includes(one.order)),
      counts: { orders: orders.length, deals: deals.length },
    };
  }

  /** One page of what was done, newest first. */
  records(account: AccountRef, query: RecordsQuery): SimRecords {
    return pageOf(this.#bookOf(planOf(account)), query);
  }

  /** Carries out a trade request now. A refusal is an answer with its return code, and changes nothing. */
  execute(session: TradingSession, request: SendRequest, utcMs: number): SendResultFacts {
    if (!session.isAutoTradingOn) return refusal(Retcode.ClientDisablesAutoTrading);
    if (session.access !== "trade") return refusal(Retcode.TradeDisabled);
    const plan = planOf(session.account);
    const desk: Desk = {
      plan,
      book: this.#bookOf(plan),
      prices: this.#prices(plan.server, utcMs),
      brokerMs: Math.floor(utcMs) + offsetMs(plan.server),
      restsAtWeekends: this.#weekends === "closed",
      nextTicket: () => this.#takeTicket(plan.server),
    };
    switch (request.action) {
      case Action.Deal:
        return deal(desk, request);
      case Action.Pending:
        return placeOrder(desk, request);
      case Action.Levels:
        return changeLevels(desk, request);
      case Action.Modify:
        return changeOrder(desk, request);
      case Action.Remove:
        return removeOrder(desk, request);
      case Action.CloseBy:
        return closeBy(desk, request);
      default:
        return refusal(Retcode.Invalid);
    }
  }

  /** Every order the broker ever accepted, of all accounts (as far as their history reaches). */
  ledger(): LedgerEntry[] {
    return [...this.#books.values()].flatMap(({ plan, book }) =>
      [...book.orders, ...book.pending].map(({ ticket, magic, comment, type, symbol }) => ({
        ...plan.ref,
        ticket,
        magic,
        comment,
        type,
        symbol,
      })),
    );
  }

  /** Everything needed to go on with these accounts in another process. */
  toJSON(): SimBrokerState {
    return structuredClone({
      version: STATE_VERSION,
      seed: this.#seed,
      weekends: this.#weekends,
      next_tickets: Object.fromEntries([...this.#nextTickets].map(([server, next]) => [server, String(next)])),
      accounts: [...this.#books.values()].map(({ plan, book }) => ({ ...plan.ref, book })),
    });
  }

  /** The broker that `toJSON` wrote down. Throws when the value is not such a state or names an unknown account. */
  static fromJSON(value: unknown): SimBroker {
    const state = State.parse(value);
    const broker = new SimBroker(state);
    for (const [server, next] of Object.entries(state.next_tickets)) broker.#nextTickets.set(server, BigInt(next));
    for (const { book, ...ref } of state.accounts) broker.#books.set(laneKey(ref), { plan: planOf(ref), book });
    return broker;
  }

  #bookOf(plan: AccountPlan): Book {
    const key = laneKey(plan.ref);
    const known = this.#books.get(key);
    if (known !== undefined) return known.book;
    const book = emptyBook(plan);
    this.#books.set(key, { plan, book });
    return book;
  }

  #takeTicket(server: SimServer): string {
    const ticket = this.#nextTickets.get(server.name) ?? server.firstTicket;
    this.#nextTickets.set(server.name, ticket + 1n);
    return String(ticket);
  }

  #prices(server: SimServer, utcMs: number): Prices {
    return (name) => {
      const symbol = findSymbol(name);
      if (symbol === undefined) throw new Error(`The paper broker has no symbol "${name}"`);
      return { symbol, quote: this.#quote(server, symbol, utcMs) };
    };
  }

  #quote(server: SimServer, symbol: SimSymbol, utcMs: number): Quote {
    if (symbol.isAlwaysOpen || this.#weekends === "open") return quoteAt(this.#seed, symbol, utcMs);
    return quoteAt(this.#seed, symbol, lastOpenMs(utcMs + offsetMs(server)) - offsetMs(server));
  }
}

export type SimHistory = Omit<History, "kind" | "account">;

/** An account that a terminal shows was authenticated, so it exists; anything else is a fault of the caller. */
function planOf(account: AccountRef): AccountPlan {
  const plan = planAccount(account);
  if (plan === undefined || plan.ref.server !== account.server) {
    throw new Error(`The paper broker has no account "${account.login}" on "${account.server}"`);
  }
  return plan;
}

function offsetMs(server: SimServer): number {
  return server.utcOffsetMinutes * MINUTE_MS;
}
