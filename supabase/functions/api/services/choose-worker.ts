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

/**
 * A known account stays with its worker: only that one's journal knows what is unknown there and how far its limits are
 * used up. A new account, or one whose worker is no longer configured, goes to the first. Throws `worker_unreachable`.
 */
export function workerToConnect(workerIds: readonly string[], stored: string | null): string {
  const isConfigured = stored !== null && workerIds.includes(stored);
  return requireWorker(workerIds, isConfigured ? stored : (workerIds[0] ?? null));
}
