// What a benchmark reports of its samples. Pure.

export type Summary = { n: number; p50: number; p95: number; min: number };

/** Nearest-rank percentile of sorted samples. */
export function percentile(sorted: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    n: sorted.length,
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    min: sorted[0] ?? Number.NaN,
  };
}

export type Contender = { name: string; run: () => Promise<unknown> };

export type RaceOptions = {
  /** Uncounted calls of each contender first: a worker runs for weeks, so compiled code is what is measured. */
  warmUp: number;
  rounds: number;
  perRound: number;
};

/**
 * Times every contender in turn, round by round and in alternating order, so that what disturbs the machine disturbs
 * all of them. Milliseconds per call.
 */
export async function race(
  contenders: readonly Contender[],
  { warmUp, rounds, perRound }: RaceOptions,
): Promise<Record<string, Summary>> {
  for (const { run } of contenders) for (let call = 0; call < warmUp; call++) await run();
  const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? contenders : [...contenders].reverse();
    for (const { name, run } of order) {
      for (let call = 0; call < perRound; call++) {
        const started = performance.now();
        await run();
        samples.get(name)?.push(performance.now() - started);
      }
    }
  }
  return Object.fromEntries([...samples].map(([name, list]) => [name, summarize(list)]));
}

export function ratio(a: number, b: number): number {
  return Math.round((a / b) * 1000) / 1000;
}
