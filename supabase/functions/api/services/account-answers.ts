// What a login told about an account, and what of it is kept. Pure.
import { type AccountRef, type AccountType, accountTypeOf } from "../../_shared/domain/mod.ts";
import { AppError } from "../../_shared/errors/mod.ts";
import type { AccountInfoView } from "../../_shared/protocol/mod.ts";

/** An account in an answer: its id beside everything the terminal said. */
export type AccountAnswer = { id: string } & AccountInfoView;

/**
 * The broker must have logged in to exactly what was asked for. Throws `server_mismatch` with the broker's own spelling,
 * because the row, the lane and every later check go by that; `account_type_mismatch`; `terminal_unavailable` when the
 * terminal is on another account.
 */
export function checkLogin(info: AccountInfoView, asked: AccountRef, type: AccountType | undefined): void {
  if (info.login !== asked.login) {
    throw new AppError("terminal_unavailable", { detail: "The terminal answered for another account" });
  }
  if (info.server !== asked.server) {
    const detail = `The broker calls this server "${info.server}", not "${asked.server}"`;
    throw new AppError("server_mismatch", {
      detail,
      fields: [{ path: "server", message: `must be "${info.server}"` }],
    });
  }
  const actual = accountTypeOf(info.trade_mode);
  if (type === undefined || type === actual) return;
  const detail = `The broker says that this is a ${actual} account (${info.trade_mode})`;
  throw new AppError("account_type_mismatch", {
    detail,
    fields: [{ path: "account_type", message: `must be "${actual}"` }],
  });
}

/** After the investor password an account can be read, not traded. */
export function credentialStatusOf(info: AccountInfoView): "ok" | "read_only" {
  return info.trade_allowed ? "ok" : "read_only";
}
