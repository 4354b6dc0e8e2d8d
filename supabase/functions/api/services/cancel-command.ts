// Cancels a command that has not started. Only its worker can say so: it writes the cancellation down before it answers,
// and a frame of the command that is still on its way meets that.
import { AppError } from "../../_shared/errors/mod.ts";
import type { CommandRow } from "../db/mod.ts";
import { questionAbout, settledRow } from "./command-question.ts";
import type { Caller, ServiceContext } from "./context.ts";
import { hasOutcome } from "./settle-command.ts";

/**
 * The command as it is afterwards: one that had ended already is shown with its own outcome. Throws `command_not_found`,
 * `command_started`, or `worker_silent`, and then nothing was cancelled as far as anybody knows: ask again.
 */
export async function cancelCommand(context: ServiceContext, caller: Caller, commandId: string): Promise<CommandRow> {
  const row = await context.db.getCommand(caller.token, commandId);
  if (row === null) throw new AppError("command_not_found");
  if (!row.open) return row;
  const question = questionAbout(context, caller, row, "cancel");
  if (question === undefined) throw new AppError("worker_silent", { command_id: row.id });
  const reply = await context.bridge.cancelCommand(question, row.id);
  switch (reply.type) {
    case "outcome":
      if (!hasOutcome(reply.claims)) throw new AppError("worker_silent", { command_id: row.id });
      return await settledRow(context, reply.claims, row);
    case "under_way":
      throw new AppError("command_started", { command_id: row.id });
    case "silent":
      throw new AppError("worker_silent", { command_id: row.id });
  }
}
