// Which terminal a lane goes to. A lane with work stays where it is, because an account is on at most one terminal; a
// lane that comes back goes where its account is still logged in, else to the least loaded terminal. Pure.

export type TerminalView = {
  /** The lane the terminal is logged in to, or null. */
  lane: string | null;
  /** Jobs waiting or running there. */
  load: number;
  /** Milliseconds until it can be used; 0 when it is. */
  unavailableForMs: number;
  /** Milliseconds that the job which runs there has taken so far; 0 when none runs. */
  runningForMs?: number;
  /** Monotonic time of its last job: the longest idle account is the cheapest to log out. */
  lastUsedMs: number;
  /** False: it must not serve this lane, whatever happens. */
  serves?: boolean;
};

/** A job this long at work may take much longer. */
const HANGS_AFTER_MS = 2_000;

/** Index of the terminal for a lane that has no work anywhere; undefined when none may serve it. */
export function placeLane(lane: string, terminals: readonly TerminalView[]): number | undefined {
  const cost = (view: TerminalView): readonly number[] => [
    view.unavailableForMs > 0 ? 1 : 0,
    // Nothing else waits where a call hangs, so by load alone it would draw everybody.
    (view.runningForMs ?? 0) > HANGS_AFTER_MS ? 1 : 0,
    view.lane === lane ? 0 : 1,
    view.load,
    // A terminal on no account is free to take; otherwise the one unused for longest.
    view.lane === null ? -1 : view.lastUsedMs,
  ];
  let best: { index: number; cost: readonly number[] } | undefined;
  for (const [index, view] of terminals.entries()) {
    if (view.serves === false) continue;
    const itsCost = cost(view);
    if (best === undefined || isLess(itsCost, best.cost)) best = { index, cost: itsCost };
  }
  return best?.index;
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
