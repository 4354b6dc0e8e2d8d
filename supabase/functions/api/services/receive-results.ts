// Takes signed results from a worker's outbox: those whose caller, or whose function, was gone when they were ready.
import { AppError, type ErrorCode, toAppError } from "../../_shared/errors/mod.ts";
import type { ServiceContext } from "./context.ts";
import { hasOutcome, isRelease, renderClaims, storeOutcome } from "./settle-command.ts";

export type Receipt = { stored: string[]; rejected: { index: number; code: ErrorCode }[] };

/**
 * Every result is judged by itself: one bad one does not hold up the others. `rejected` with `database_unavailable` or
 * `internal_error` is worth another delivery; `invalid_result` and `command_not_found` are not.
 */
export async function receiveResults(context: ServiceContext, results: readonly string[]): Promise<Receipt> {
  const receipt: Receipt = { stored: [], rejected: [] };
  // One after the other: an `unknown` and the proof that follows it may lie in the same batch.
  for (const [index, jws] of results.entries()) {
    try {
      receipt.stored.push(await receiveOne(context, jws));
    } catch (thrown) {
      const error = toAppError(thrown);
      context.log.warn("result.rejected", { index, error });
      receipt.rejected.push({ index, code: error.code });
    }
  }
  return receipt;
}

async function receiveOne(context: ServiceContext, jws: string): Promise<string> {
  const claims = await context.verifyResult(jws);
  if (!hasOutcome(claims) || isRelease(claims.command)) {
    throw new AppError("invalid_result", { detail: "The result is no command's outcome" });
  }
  const { account, command } = claims;
  // Only a success names its account; a result without one can be rendered in every other case.
  if (account === undefined && command.state === "done") {
    throw new AppError("invalid_result", { detail: "The result names no account" });
  }
  await storeOutcome(context, claims, renderClaims(claims, { id: null, login: "", server: "" }));
  return claims.jti;
}
