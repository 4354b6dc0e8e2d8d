// Which worker a row belongs to. Pure.
import { AppError } from "../../_shared/errors/mod.ts";

/**
 * The worker that a stored account or command names. A row without one is from before workers had names: with a single
 * worker it is that one's; with several, guessing could ask the wrong one, and that would bury a command.
 */
export function workerOf(workerIds: readonly string[], stored: string | null): string | undefined {
  if (stored === null) return workerIds.length === 1 ? workerIds[0] : undefined;
  return workerIds.includes(stored) ? stored : undefined;
}

/** The same for a call that cannot go on without. Throws `worker_unreachable`. */
export function requireWorker(workerIds: readonly string[], stored: string | null): string {
  const workerId = workerOf(workerIds, stored);
  if (workerId !== undefined) return workerId;
  throw new AppError("worker_unreachable", { detail: "The account's worker is not configured here" });
}

/** Where new accounts go: the first of the configuration. Throws `worker_unreachable`. */
export function workerForNewAccount(workerIds: readonly string[]): string {
  return requireWorker(workerIds, workerIds[0] ?? null);
}
