// Writes a worker's signed outcome to the ledger. What the ledger then holds is what everyone answers.
import { toAppError } from "../../_shared/errors/mod.ts";
import {
  type CommandState,
  CommandStates,
  mayFollow,
  type Outcome,
  type ResultClaims,
} from "../../_shared/protocol/mod.ts";
import type { LedgerAccount } from "../db/mod.ts";
import type { ServiceContext } from "./context.ts";
import { type RenderedAnswer, renderOutcome } from "./render-outcome.ts";

export type SettleContext = Pick<ServiceContext, "db" | "bridge" | "log">;
export type CommandClaims = ResultClaims & { command: Outcome };

export function hasOutcome(claims: ResultClaims): claims is CommandClaims {
  return claims.command !== undefined;
}

/**
 * A refusal for want of room is no outcome: the worker has written nothing down and would admit the same id if it came
 * again. It must never reach the ledger, where another request under the same key may be waiting for the real one.
 */
export function isRelease(outcome: Outcome): outcome is Extract<Outcome, { release?: boolean }> {
  return "release" in outcome && outcome.release === true;
}

/**
 * Stores the outcome and returns what the ledger holds. If the ledger cannot be reached, returns the answer rendered
 * from the signed outcome: the worker still delivers the same outcome, and it renders to the same bytes.
 * `account`: what the ledger says; the signed account counts first, because every later renderer has only that.
 */
export async function settleCommand(
  context: SettleContext,
  claims: CommandClaims,
  account: LedgerAccount,
): Promise<RenderedAnswer> {
  const rendered = renderClaims(claims, account);
  try {
    return await storeOutcome(context, claims, rendered);
  } catch (thrown) {
    context.log.error("command.not_stored", {
      commandId: claims.jti,
      state: rendered.state,
      error: toAppError(thrown),
    });
    return rendered;
  }
}

export function renderClaims(claims: CommandClaims, account: LedgerAccount): RenderedAnswer {
  const signed = claims.account;
  const named = signed === undefined ? account : { ...signed, id: signed.id ?? null };
  return renderOutcome({ id: claims.jti, kind: claims.kind, account: named }, claims.command);
}

/** Throws AppError when the ledger cannot be written. The worker hears of success, and then forgets the outcome. */
export async function storeOutcome(
  { db, bridge, log }: SettleContext,
  claims: CommandClaims,
  rendered: RenderedAnswer,
): Promise<RenderedAnswer> {
  const evidence = storable(claims.command.evidence ?? null);
  const command = { userId: claims.sub, commandId: claims.jti, evidence, workerId: claims.iss };
  let answer = await db.completeCommand({ ...command, ...rendered });
  if (!answer.stored && isBeyond(answer.state, rendered.state)) {
    // A proof about a command whose `unknown` was lost on the way: the ledger takes the step in between first.
    const between = renderClaims({ ...claims, command: { state: "unknown", evidence: evidence ?? {} } }, NO_ACCOUNT);
    await db.completeCommand({ ...command, ...between });
    answer = await db.completeCommand({ ...command, ...rendered });
  }
  const settled = { commandId: claims.jti, state: answer.state, stored: answer.stored };
  const isFinal = CommandStates[rendered.state].final;
  // Two last words cannot both be true. The first stays, and nobody else would notice.
  if (isFinal && CommandStates[answer.state].final && answer.state !== rendered.state)
    log.error("command.contradicted", { ...settled, said: rendered.state });
  else log.info("command.settled", settled);
  // An `unknown` is not the last word: its confirmation could cross a proof on the way and make the worker drop that.
  if (isFinal) bridge.confirm(claims.iss, claims.jti);
  const { state, executed, status, body } = answer;
  // A command that is merely accepted has no answer yet; ours is then as good as any.
  return status === null || body === null ? rendered : { state, executed, status, body };
}

/** A terminal's words may hold what Postgres cannot: better another character than an outcome that is never stored. */
function storable(evidence: Record<string, unknown> | null): Record<string, unknown> | null {
  const clean = (_name: string, value: unknown): unknown =>
    typeof value === "string" ? value.toWellFormed().replaceAll("\0", "\ufffd") : value;
  return JSON.parse(JSON.stringify(evidence, clean));
}

/** The body of an `unknown` names no account. */
const NO_ACCOUNT: LedgerAccount = { id: null, login: "", server: "" };

/** Not an arrow of the table itself, but two of them through `unknown`. */
function isBeyond(from: CommandState, to: CommandState): boolean {
  return !mayFollow(from, to) && mayFollow(from, "unknown") && mayFollow("unknown", to);
}
