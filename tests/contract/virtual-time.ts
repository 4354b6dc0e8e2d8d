// A clock for tests that nobody waits for: when nothing else is left to do, time jumps to the next moment that somebody
// waits for. Runs are fast and always the same.

export type VirtualTime = {
  /** Milliseconds since the beginning. */
  now(): number;
  /** Milliseconds since 1970. */
  utcNow(): number;
  wait(ms: number, signal?: AbortSignal): Promise<void>;
};

type Waiter = { at: number; wake: () => void };

export function createVirtualTime(startUtcMs: number): VirtualTime {
  const waiters = new Set<Waiter>();
  let now = 0;
  let isTurning = false;

  const turn = (): void => {
    isTurning = false;
    const [next] = [...waiters].sort((a, b) => a.at - b.at);
    if (next === undefined) return;
    waiters.delete(next);
    now = Math.max(now, next.at);
    next.wake();
    schedule();
  };
  /** After all promises have settled that can. */
  const schedule = (): void => {
    if (isTurning || waiters.size === 0) return;
    isTurning = true;
    setImmediate(turn);
  };

  return {
    now: () => now,
    utcNow: () => startUtcMs + now,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        const waiter = { at: now + ms, wake: resolve };
        signal?.addEventListener("abort", () => {
          waiters.delete(waiter);
          reject(signal.reason);
        });
        waiters.add(waiter);
        schedule();
      }),
  };
}
