// The servers and demo accounts of the paper broker, derived and not stored: the same logins exist on every server, each
// with its own money, so that a login alone never names an account. Pure.
import type { AccountRef } from "../protocol.ts";

export const MarginMode = { Netting: 0, Hedging: 2 } as const;
const ServerTradeMode = { Demo: 0, Real: 2 } as const;

export type SimServer = {
  name: string;
  company: string;
  marginMode: number;
  tradeMode: number;
  /** The broker's clock minus UTC. It stays the same all year, and differs between the servers. */
  utcOffsetMinutes: number;
  /** Order, deal and position tickets count up from here. */
  firstTicket: bigint;
  /** Pending orders an account may have; 0: no limit. */
  limitOrders: number;
};

export const SIM_SERVERS: readonly SimServer[] = [
  {
    name: "Switchyard-Demo",
    company: "Switchyard Paper Broker",
    marginMode: MarginMode.Hedging,
    tradeMode: ServerTradeMode.Demo,
    utcOffsetMinutes: 180,
    firstTicket: 50_000_001n,
    limitOrders: 200,
  },
  {
    name: "Switchyard-Netting",
    company: "Switchyard Paper Broker",
    marginMode: MarginMode.Netting,
    tradeMode: ServerTradeMode.Demo,
    utcOffsetMinutes: 120,
    firstTicket: 700_000_001n,
    limitOrders: 10,
  },
  /** Says that its money is real. Its tickets are above 2^53: a ticket that becomes a number loses its last digits. */
  {
    name: "Switchyard-Live",
    company: "Switchyard Paper Broker",
    marginMode: MarginMode.Hedging,
    tradeMode: ServerTradeMode.Real,
    utcOffsetMinutes: 60,
    firstTicket: 2n ** 53n + 1n,
    limitOrders: 0,
  },
];

export const FIRST_LOGIN = 5_000_001;
export const ACCOUNTS_PER_SERVER = 200;

const CURRENCIES = [
  { currency: "USD", digits: 2, balance: 10_000 },
  { currency: "EUR", digits: 2, balance: 10_000 },
  { currency: "GBP", digits: 2, balance: 10_000 },
  { currency: "JPY", digits: 0, balance: 1_000_000 },
] as const;
const LEVERAGES = [100, 200, 500, 30] as const;

export type AccountPlan = {
  ref: AccountRef;
  server: SimServer;
  currency: string;
  currencyDigits: number;
  leverage: number;
  /** Money in the account before its first deal. */
  deposit: number;
};

/** `read`: the investor password was used. */
export type Access = "trade" | "read";

/** A server by its own spelling, or by another case of it. */
export function findServer(name: string): SimServer | undefined {
  const wanted = name.toLowerCase();
  return SIM_SERVERS.find((server) => server.name.toLowerCase() === wanted);
}

/** The account behind a login, under the broker's own spelling of the server; undefined if there is none. */
export function planAccount(account: AccountRef): AccountPlan | undefined {
  const server = findServer(account.server);
  const index = /^[1-9][0-9]{0,14}$/.test(account.login) ? Number(account.login) - FIRST_LOGIN : -1;
  if (server === undefined || index < 0 || index >= ACCOUNTS_PER_SERVER) return undefined;
  // Ten accounts in a row have the same currency: demos that compare balances need no conversion.
  const money = CURRENCIES[Math.floor(index / 10) % CURRENCIES.length] ?? CURRENCIES[0];
  return {
    ref: { login: account.login, server: server.name },
    server,
    currency: money.currency,
    currencyDigits: money.digits,
    leverage: LEVERAGES[index % LEVERAGES.length] ?? LEVERAGES[0],
    deposit: money.balance,
  };
}

/** The trading password of a demo account. Play money: it is documented, not secret. */
export function tradingPassword(login: string): string {
  return `demo-${login}`;
}

/** The investor password of a demo account: it may look and not trade. */
export function investorPassword(login: string): string {
  return `view-${login}`;
}

/** What a password opens; undefined: the broker refuses login, password or server and does not say which. */
export function authenticate(account: AccountRef, password: string): { ref: AccountRef; access: Access } | undefined {
  const plan = planAccount(account);
  if (plan === undefined) return undefined;
  if (password === tradingPassword(account.login)) return { ref: plan.ref, access: "trade" };
  if (password === investorPassword(account.login)) return { ref: plan.ref, access: "read" };
  return undefined;
}
