// A page of the ledger, newest first.
import type { CommandFilter, CommandPage } from "../db/mod.ts";
import type { Caller, ServiceContext } from "./context.ts";

export async function listCommands(
  { db }: Pick<ServiceContext, "db">,
  caller: Caller,
  filter: CommandFilter,
): Promise<CommandPage> {
  return await db.listCommands(caller.token, filter);
}
