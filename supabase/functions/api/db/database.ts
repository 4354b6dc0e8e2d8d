// What the services may ask of the database: one method per SQL function, same name in camelCase.
import { type AccountDatabase, createAccountDatabase } from "./accounts.ts";
import type { CallSql } from "./client.ts";
import { type CommandDatabase, createCommandDatabase } from "./commands.ts";

/**
 * `token`: runs as the user who holds it. `userId`: a trusted call, on behalf of a user whose token was verified here.
 * Every method throws AppError: what the function raised, else `database_unavailable` or `internal_error`.
 */
export type Database = AccountDatabase & CommandDatabase;

export function createDatabase(call: CallSql): Database {
  return { ...createAccountDatabase(call), ...createCommandDatabase(call) };
}
