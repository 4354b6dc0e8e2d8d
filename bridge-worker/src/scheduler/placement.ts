// Which terminal a lane goes to. A lane with work stays where it is, because an account is on at most one terminal; a
// lane that comes back goes where its account is still logged in, else to the least loaded terminal. Pure.

export type TerminalView = {
  /** The lane the terminal is logged in to, or null. */
  lane: string | null;
  /** Jobs waiting or running there. */
  load: number;
  /** Milliseconds until it can be used; 0 when it is. */
  unavailableForMs: number;
  /** Monotonic time of its last job: the longest idle account is the cheapest to log out. */
  lastUsedMs: number;
};

/** Index of the terminal for a lane that has no work anywhere. `terminals` is not empty. */
export function placeLane(lane: string, terminals: readonly TerminalView[]): number {
  const cost = (view: TerminalView): [number, number, number, number] => [
    view.unavailableForMs > 0 ? 1 : 0,
    view.lane === lane ? 0 : 1,
    view.load,
    // A terminal on no account is free to take; otherwise the one unused for longest.
    view.lane === null ? -1 : view.lastUsedMs,
  ];
  let best = 0;
  for (let index = 1; index < terminals.length; index++) {
    if (isLess(cost(at(terminals, index)), cost(at(terminals, best)))) best = index;
  }
  return best;
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError("no terminal");
  return item;
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
