// A question about a command to its worker: how it is put, and how its answer becomes the command's row.
import {
  ACCEPTED_GRACE_MS,
  CLOCK_TOLERANCE_S,
  COMMAND_TIMEOUT_MAX_MS,
  CommandStates,
} from "../../_shared/protocol/mod.ts";
import { STATUS_TIMEOUT_MS, type WorkerCall } from "../bridge/mod.ts";
import type { CommandRow } from "../db/mod.ts";
import { workerOf } from "./choose-worker.ts";
import type { Caller, ServiceContext } from "./context.ts";
import { type CommandClaims, settleCommand } from "./settle-command.ts";

/** Undefined when the command's worker is not known for certain: the wrong one would bury the command. */
export function questionAbout(
  { clock, newId, workerIds }: ServiceContext,
  caller: Caller,
  row: CommandRow,
  kind: "status" | "cancel" | "acknowledge",
  more: { reason?: string } = {},
): WorkerCall | undefined {
  const workerId = workerOf(workerIds, row.worker_id);
  if (workerId === undefined) return undefined;
  const now = clock.monotonicMs();
  const { id, login, server } = row.account;
  return {
    workerId,
    id: newId(),
    userId: caller.userId,
    userToken: caller.token,
    kind,
    account: { ...(id === null ? {} : { id }), login, server },
    body: JSON.stringify({ command_id: row.id, ...more }),
    startByMs: now + timeLeft(row),
    submittedAtMs: now - oldestAge(row, clock.wallMs()),
    waitUntilMs: now + STATUS_TIMEOUT_MS,
  };
}

/** Stores the outcome and shows the command with what the ledger then holds. */
export async function settledRow(context: ServiceContext, claims: CommandClaims, row: CommandRow): Promise<CommandRow> {
  const { state, executed, status, body } = await settleCommand(context, claims, row.account);
  const { final } = CommandStates[state];
  const completed_at = final ? new Date(context.clock.wallMs()).toISOString() : null;
  // What somebody else has stored meanwhile rests on evidence of its own.
  const evidence = state === claims.command.state ? (claims.command.evidence ?? row.evidence) : row.evidence;
  return { ...row, state, executed, status, body, open: !final, completed_at, evidence };
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
