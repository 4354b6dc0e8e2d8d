// What became of one command. While it is open, its worker is asked: it may know what the ledger has not heard yet.
import { AppError, toAppError } from "../../_shared/errors/mod.ts";
import {
  ACCEPTED_GRACE_MS,
  CLOCK_TOLERANCE_S,
  COMMAND_TIMEOUT_MAX_MS,
  CommandStates,
} from "../../_shared/protocol/mod.ts";
import { STATUS_TIMEOUT_MS } from "../bridge/mod.ts";
import type { CommandRow } from "../db/mod.ts";
import { workerOf } from "./choose-worker.ts";
import type { Caller, ServiceContext } from "./context.ts";
import { hasOutcome, isRelease, settleCommand } from "./settle-command.ts";

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
  const { bridge, clock, newId, workerIds } = context;
  const workerId = workerOf(workerIds, row.worker_id);
  if (workerId === undefined) return undefined;
  const now = clock.monotonicMs();
  const { id, login, server } = row.account;
  const claims = await bridge.askCommand(
    {
      workerId,
      id: newId(),
      userId: caller.userId,
      userToken: caller.token,
      kind: "status",
      account: { ...(id === null ? {} : { id }), login, server },
      body: JSON.stringify({ command_id: row.id }),
      startByMs: now + timeLeft(row),
      submittedAtMs: now - oldestAge(row, clock.wallMs()),
      waitUntilMs: now + STATUS_TIMEOUT_MS,
    },
    row.id,
  );
  if (claims === null || !hasOutcome(claims) || isRelease(claims.command)) return undefined;
  const { state, executed, status, body } = await settleCommand(context, claims, row.account);
  const { final } = CommandStates[state];
  const completed_at = final ? new Date(clock.wallMs()).toISOString() : null;
  return {
    ...row,
    state,
    executed,
    status,
    body,
    open: !final,
    completed_at,
    evidence: claims.command.evidence ?? row.evidence,
  };
}

/**
 * A worker that has not seen the command buries it once its time is over. The database says whether it is: shown as
 * `accepted` it may still be on its way, and then we leave it every millisecond it could have.
 */
function timeLeft(row: CommandRow): number {
  return row.state === "accepted" ? COMMAND_TIMEOUT_MAX_MS + ACCEPTED_GRACE_MS : 0;
}

/** Rather too old than too young: a worker whose journal is younger than the command must know that it is. */
function oldestAge(row: CommandRow, wallNowMs: number): number {
  return Math.max(0, wallNowMs - Date.parse(row.created_at)) + CLOCK_TOLERANCE_S * 1000;
}
