// Which accounts a terminal may serve, as its operator says. Server names are compared without regard to case: the broker
// takes any spelling, and a wrong one must get as far as the login that corrects it. Pure.
import type { AccountRef } from "../protocol.ts";

export type TerminalLimits = {
  /** Servers it may log in to; null: all. */
  servers: readonly string[] | null;
  /** Accounts that it alone serves; with any, it serves no others. */
  pinned: readonly AccountRef[];
};

export const UNLIMITED: TerminalLimits = { servers: null, pinned: [] };

export function mayLogIn({ servers, pinned }: TerminalLimits, account: AccountRef): boolean {
  if (pinned.length > 0) return pinned.some((one) => isSameSpelled(one, account));
  return servers === null || servers.some((server) => isSameServer(server, account.server));
}

/**
 * Whether `limits` let the terminal serve the account, `all` being the limits of every terminal of the worker: an account
 * that one terminal is pinned to goes to no other.
 */
export function serves(limits: TerminalLimits, account: AccountRef, all: readonly TerminalLimits[]): boolean {
  if (!mayLogIn(limits, account)) return false;
  return limits.pinned.length > 0 || !all.some((other) => other.pinned.length > 0 && mayLogIn(other, account));
}

/** One account, whichever way its server is spelled. */
export function isSameSpelled(a: AccountRef, b: AccountRef): boolean {
  return a.login === b.login && isSameServer(a.server, b.server);
}

export function isSameServer(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
