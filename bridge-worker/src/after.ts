// The one way in which the worker waits: a timer that can be called off. An argument everywhere, so that a test can run
// hours of retries and deadlines on a clock of its own.

/** Runs `run` once, `ms` milliseconds from now. Returns how to call it off; calling it off later does nothing. */
export type After = (ms: number, run: () => void) => () => void;

export const realAfter: After = (ms, run) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Resolves after `ms` milliseconds. */
export function pause(after: After, ms: number): Promise<void> {
  return new Promise((resolve) => after(ms, resolve));
}
