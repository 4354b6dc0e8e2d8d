// What became of one command. While it is open, its worker is asked: it may know what the ledger has not heard yet.
import { AppError, toAppError } from "../../_shared/errors/mod.ts";
import type { CommandRow } from "../db/mod.ts";
import { questionAbout, settledRow } from "./command-question.ts";
import type { Caller, ServiceContext } from "./context.ts";
import { hasOutcome, isRelease } from "./settle-command.ts";

/** Throws `command_not_found`, for another user's command as for one that does not exist. */
export async function readCommand(context: ServiceContext, caller: Caller, commandId: string): Promise<CommandRow> {
  const row = await context.db.getCommand(caller.token, commandId);
  if (row === null) throw new AppError("command_not_found");
  if (!row.open) return row;
  try {
    return (await askAndSettle(context, caller, row)) ?? row;
  } catch (thrown) {
    // The ledger's view is a true answer too; the worker's would only have been a newer one.
    context.log.warn("command.not_asked", { commandId, error: toAppError(thrown) });
    return row;
  }
}

async function askAndSettle(context: ServiceContext, caller: Caller, row: CommandRow): Promise<CommandRow | undefined> {
  const question = questionAbout(context, caller, row, "status");
  if (question === undefined) return undefined;
  const claims = await context.bridge.askCommand(question, row.id);
  if (claims === null || !hasOutcome(claims) || isRelease(claims.command)) return undefined;
  return await settledRow(context, claims, row);
}
