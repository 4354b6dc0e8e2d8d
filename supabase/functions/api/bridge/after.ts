// Timers as an argument: whoever waits can be run on a clock that a test moves.

/** Runs something once, after so many milliseconds; returns how to call it off. */
export type After = (ms: number, run: () => void) => () => void;

export const realAfter: After = (ms, run) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};
