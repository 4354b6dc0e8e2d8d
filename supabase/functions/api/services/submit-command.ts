// One change on one account, at most once: the ledger first, then the worker, then the ledger's answer.
import { AppError, Catalogue, type ErrorExtras, toAppError } from "../../_shared/errors/mod.ts";
import {
  type CommandBody,
  type CommandRequest,
  CommandStates,
  isLonger,
  MAX_RISK_LIMITS_BYTES,
  type Outcome,
} from "../../_shared/protocol/mod.ts";
import { ANSWER_GRACE_MS, type CommandReply } from "../bridge/mod.ts";
import type { SubmittedCommand } from "../db/mod.ts";
import { workerOf } from "./choose-worker.ts";
import type { Caller, ServiceContext } from "./context.ts";
import { renderUnknown, UNKNOWN_STATUS } from "./render-outcome.ts";
import { hasOutcome, isRelease, settleCommand } from "./settle-command.ts";

export type CommandSubmission = {
  caller: Caller;
  /** Null: the account the user last switched to, else the default. */
  accountId: string | null;
  request: CommandRequest;
  key: string;
  fingerprint: string;
  timeoutMs: number;
};

/** Status and body as stored, or the 202 that says nobody knows yet. */
export type CommandAnswer = { commandId: string; status: number; body: string; retryAfterMs?: number };

/**
 * Throws AppError with `executed: false` when the command certainly reached no worker; its key is free again then, unless
 * the database was the part that failed.
 */
export async function submitCommand(context: ServiceContext, submission: CommandSubmission): Promise<CommandAnswer> {
  const { db, clock, log } = context;
  const { caller, accountId, request, key, fingerprint, timeoutMs } = submission;
  const sentAtMs = clock.monotonicMs();
  const submitted = await db.submitCommand({
    userId: caller.userId,
    accountId,
    kind: request.kind,
    key,
    fingerprint,
    request: request.params,
    timeoutMs,
    requestId: caller.requestId,
  });
  const { command, created } = submitted;
  log.info("command.submitted", { commandId: command.id, kind: request.kind, created, state: command.raw_state });
  if (CommandStates[command.raw_state].final && command.status !== null && command.body !== null) {
    return { commandId: command.id, status: command.status, body: command.body };
  }
  const reply = await sendToWorker(context, submission, submitted, sentAtMs);
  return await answerReply(context, submission, submitted, reply);
}

async function sendToWorker(
  { bridge, newId, workerIds }: ServiceContext,
  { caller, request, timeoutMs }: CommandSubmission,
  { command, account, remaining_ms, submitted_ago_ms }: SubmittedCommand,
  sentAtMs: number,
): Promise<CommandReply> {
  const workerId = workerOf(workerIds, command.worker_id);
  if (workerId === undefined) return { type: "unsent" };
  const { login, server } = account;
  const call = {
    ...{ workerId, userId: caller.userId, userToken: caller.token },
    // Both counted from before the database was asked: the way there and back shortens the time and ages the command.
    startByMs: sentAtMs + remaining_ms,
    submittedAtMs: sentAtMs - submitted_ago_ms,
    waitUntilMs: sentAtMs + timeoutMs + ANSWER_GRACE_MS,
  };
  const credential = account.encrypted_password;
  if (account.id === null || credential === null) {
    // An open command of an account that is gone: it cannot be sent any more, but its worker may know how it ended.
    const body = JSON.stringify({ command_id: command.id });
    const question = { ...call, id: newId(), kind: "status", account: { login, server }, body };
    const claims = await bridge.askCommand(question, command.id);
    return claims === null ? { type: "silent" } : { type: "outcome", claims };
  }
  const body: CommandBody = {
    ...{ request, tag: command.tag, credential, risk_limits: limitsFor(account.risk_limits) },
    ...(account.pass_magic === true ? { pass_magic: true } : {}),
  };
  return await bridge.runCommand({
    ...call,
    ...{ id: command.id, kind: request.kind, account: { id: account.id, login, server }, body: JSON.stringify(body) },
  });
}

/**
 * A user may write limits past this API, as long as the database takes them. What does not fit into a frame does not parse
 * either: said to be too large, it refuses openings like any limits that cannot be read, and closing works.
 */
function limitsFor(limits: unknown): unknown {
  return isLonger(JSON.stringify(limits ?? null), MAX_RISK_LIMITS_BYTES) ? "too large" : (limits ?? null);
}

async function answerReply(
  context: ServiceContext,
  { caller }: CommandSubmission,
  { command, account, created }: SubmittedCommand,
  reply: CommandReply,
): Promise<CommandAnswer> {
  const unknown = { commandId: command.id, status: UNKNOWN_STATUS, body: renderUnknown(command.id) };
  const release = (): Promise<boolean> =>
    created ? withdraw(context, caller.userId, command.id) : Promise.resolve(false);
  switch (reply.type) {
    case "silent":
      context.log.warn("command.unanswered", { commandId: command.id });
      return unknown;
    case "unsent":
      if (!(await release())) return unknown;
      throw new AppError("worker_unreachable", { cause: reply.cause });
    case "refused":
      // A refusal that does not say that nothing happened is none: the row stays, and its worker is asked again.
      if (Catalogue[reply.code].executed === null || !(await release())) return unknown;
      throw refusal(reply.code, reply);
    case "outcome": {
      const { claims } = reply;
      if (!hasOutcome(claims)) return unknown;
      const outcome = claims.command;
      if (isRelease(outcome)) {
        if (!(await release())) return unknown;
        throw refusal(outcome.code, { detail: outcome.detail, retryAfterMs: outcome.retry_after_ms });
      }
      const { state, status, body } = await settleCommand(context, claims, account);
      return { commandId: command.id, status, body, ...(state === outcome.state ? retryAfter(outcome) : {}) };
    }
  }
}

/** For whoever hears it first: days later the wait is over, and the stored answer is the same bytes without it. */
function retryAfter(outcome: Outcome): { retryAfterMs?: number } {
  if (outcome.state === "done" || outcome.state === "unknown" || outcome.retry_after_ms === undefined) return {};
  return { retryAfterMs: outcome.retry_after_ms };
}

/** Only the request that made the row may take it back, and only if no other has been given it: the database decides. */
async function withdraw({ db, log }: ServiceContext, userId: string, commandId: string): Promise<boolean> {
  try {
    return await db.withdrawCommand(userId, commandId);
  } catch (thrown) {
    log.error("command.not_withdrawn", { commandId, error: toAppError(thrown) });
    return false;
  }
}

function refusal(code: AppError["code"], { detail, retryAfterMs }: ErrorExtras): AppError {
  const isOurs = code === "bad_frame" || code === "proof_refused";
  return isOurs ? new AppError("worker_unreachable") : new AppError(code, { detail, retryAfterMs });
}
