// Lower bounds on switches. Every request has a window in which its account must be on some terminal. Between two
// windows of an account it stays there, or there is a switch; at most K accounts stay at once. The most gaps that can be
// kept is a largest K-colourable set of intervals, which taking them by earliest end finds exactly. What a request of
// another account takes up inside a gap is not counted: true for every policy, and a little too kind.

export type Window = { account: number; fromMs: number; untilMs: number };

/** `windows` in order of arrival within each account. */
export function leastSwitches(windows: readonly Window[], terminals: number): number {
  const { points, gaps } = disjoint(windows);
  gaps.sort((a, b) => a.untilMs - b.untilMs);
  // Per terminal, when its last kept gap ends.
  const freeMs = new Array<number>(terminals).fill(Number.NEGATIVE_INFINITY);
  let kept = 0;
  for (const { fromMs, untilMs } of gaps) {
    let best = -1;
    for (let index = 0; index < terminals; index++) {
      const free = freeMs[index] as number;
      if (free <= fromMs && (best < 0 || free > (freeMs[best] as number))) best = index;
    }
    if (best < 0) continue;
    freeMs[best] = untilMs;
    kept += 1;
  }
  return points - kept;
}

/** Per account as many disjoint windows as there are, by earliest end, and the gaps between neighbours. */
function disjoint(windows: readonly Window[]): { points: number; gaps: { fromMs: number; untilMs: number }[] } {
  const byAccount = new Map<number, Window[]>();
  for (const window of windows) {
    const list = byAccount.get(window.account);
    if (list === undefined) byAccount.set(window.account, [window]);
    else list.push(window);
  }
  let points = 0;
  const gaps: { fromMs: number; untilMs: number }[] = [];
  for (const list of byAccount.values()) {
    list.sort((a, b) => a.untilMs - b.untilMs);
    let lastMs = Number.NEGATIVE_INFINITY;
    for (const { fromMs, untilMs } of list) {
      if (fromMs <= lastMs) continue;
      if (lastMs !== Number.NEGATIVE_INFINITY) gaps.push({ fromMs: lastMs, untilMs: fromMs });
      points += 1;
      lastMs = untilMs;
    }
  }
  return { points, gaps };
}
