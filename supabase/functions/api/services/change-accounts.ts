// The account list of one user: what needs no terminal. The database decides with the user's own token.
import { AppError } from "../../_shared/errors/mod.ts";
import type { AccountChanges, AccountRow } from "../db/mod.ts";
import type { Caller, ServiceContext } from "./context.ts";

type WithDatabase = Pick<ServiceContext, "db">;

export async function listAccounts(
  { db }: WithDatabase,
  caller: Caller,
  includeInactive: boolean,
): Promise<AccountRow[]> {
  return await db.listAccounts(caller.token, includeInactive);
}

/** Throws `account_not_found`, for another user's account as for one that does not exist. */
export async function getAccount({ db }: WithDatabase, caller: Caller, accountId: string): Promise<AccountRow> {
  const account = await db.getAccount(caller.token, accountId);
  if (account === null) throw new AppError("account_not_found");
  return account;
}

/** Throws `account_not_found`, `account_inactive` (an inactive account cannot be the default). */
export async function updateAccount(
  { db }: WithDatabase,
  caller: Caller,
  accountId: string,
  changes: AccountChanges,
): Promise<AccountRow> {
  return await db.updateAccount(caller.token, accountId, changes);
}

/** Throws `account_not_found`; `account_busy` while a command is open, unless `abandon`. */
export async function removeAccount(
  { db }: WithDatabase,
  caller: Caller,
  accountId: string,
  abandon: boolean,
): Promise<{ abandonedCommands: number }> {
  return await db.removeAccount(caller.token, accountId, abandon);
}
