// Turns time that is left into the worker's own monotonic clock. Pure.

/** What the worker said when the link opened, and when (local monotonic clock) we read it. */
export type WorkerClock = { nowMs: number; receivedAtMs: number };

/**
 * The moment on the worker's clock when `remainingMs` will be over. The worker's clock already ran on while its welcome
 * travelled, so this is never later than the truth: transit shortens a deadline and cannot lengthen it.
 */
export function notAfter(clock: WorkerClock, localNowMs: number, remainingMs: number): number {
  return clock.nowMs + (localNowMs - clock.receivedAtMs) + remainingMs;
}
