// Acknowledges an unknown outcome: its user has looked and waits no longer. The worker lifts the block first, durably;
// only then does the ledger say so. The command stays unknown, and a proof may still end it.
import { AppError } from "../../_shared/errors/mod.ts";
import type { QuestionReply } from "../bridge/mod.ts";
import type { CommandRow } from "../db/mod.ts";
import { questionAbout, settledRow } from "./command-question.ts";
import type { Caller, ServiceContext } from "./context.ts";
import { hasOutcome } from "./settle-command.ts";

/**
 * The command as it is afterwards: one that has ended is shown with its own outcome. Throws `command_not_found`,
 * `command_under_way`, or `worker_silent`, and then nothing is in the ledger: ask again.
 */
export async function acknowledgeCommand(
  context: ServiceContext,
  caller: Caller,
  commandId: string,
  reason: string,
): Promise<CommandRow> {
  const row = await context.db.getCommand(caller.token, commandId);
  if (row === null) throw new AppError("command_not_found");
  // Also for a command that has ended in the ledger: a worker with an older journal may still hold it for unknown, and
  // then this is the only way to lift its block.
  const reply = await ask(context, caller, row, reason);
  if (reply.type === "outcome" && hasOutcome(reply.claims)) {
    const settled = row.open ? await settledRow(context, reply.claims, row) : row;
    return settled.open ? await context.db.acknowledgeCommand(caller.userId, row.id, reason) : settled;
  }
  // Nothing is left to do: the worker has lifted it before, or there is nothing to lift.
  if (!row.open || row.acknowledged !== null) return row;
  throw new AppError(reply.type === "under_way" ? "command_under_way" : "worker_silent", { command_id: row.id });
}

async function ask(context: ServiceContext, caller: Caller, row: CommandRow, reason: string): Promise<QuestionReply> {
  const question = questionAbout(context, caller, row, "acknowledge", { reason });
  return question === undefined ? { type: "silent" } : await context.bridge.acknowledgeCommand(question, row.id);
}
