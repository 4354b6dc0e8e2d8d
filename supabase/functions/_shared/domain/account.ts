// What a broker account is called and how it is classified. Pure.
import { z } from "zod";
import { Login, ServerName, Uuid } from "./ids.ts";

/** One broker account: the same login number exists at several brokers, so a login never stands alone. */
export const AccountRef = z.object({ login: Login, server: ServerName });
export type AccountRef = z.infer<typeof AccountRef>;

/** The account a command or an answer is about: the row the caller registered, and what the broker calls it. */
export const AccountTarget = AccountRef.extend({ id: Uuid });
export type AccountTarget = z.infer<typeof AccountTarget>;

export function isSameAccount(a: AccountRef, b: AccountRef): boolean {
  return a.login === b.login && a.server === b.server;
}

/** The key of the lane that carries this account's work. A line break occurs in neither part. */
export function laneKey(account: AccountRef): string {
  return `${account.server}\n${account.login}`;
}

/** ENUM_ACCOUNT_TRADE_MODE of the MQL5 reference. */
export const TradeModes = { demo: 0, contest: 1, real: 2 } as const;
export type TradeMode = keyof typeof TradeModes;
export const TradeMode = z.enum(["demo", "contest", "real"]);

export const AccountType = z.enum(["demo", "live"]);
export type AccountType = z.infer<typeof AccountType>;

/** Real money is `live`; a contest account trades play money. */
export function accountTypeOf(mode: TradeMode): AccountType {
  return mode === "real" ? "live" : "demo";
}
