// One case: every policy on the same requests, seed by seed, and what comes out over the seeds.
import { VARIANTS } from "./cases.ts";
import { CONTENDERS, run } from "./contenders.ts";
import { boundWithoutWaiting, boundWithSameWaits, type Figures, figuresOf, round, type Waits } from "./figures.ts";
import { generate, type Request, type Shape } from "./workload.ts";

export type SeedResult = { seed: number; bound: number; sameWaits: number } & Figures;

/** Means over the seeds; `range` of what is promised for each single seed. */
export type PolicyResult = {
  switches: number;
  ratio_to_lb0: number;
  ratio_to_same_waits: number;
  busy: number;
  trade: Waits;
  open_p95: number;
  close_p95: number;
  read: Waits;
  late: number;
  expired_trade_share: number;
  expired_reads: number;
  refused: number;
  served: number;
  fairness: number;
  range: { ratio_to_lb0: Range; trade_p99: Range; expired_trade_share: Range; close_to_open_p95: Range };
};
type Range = readonly [number, number];

export type Comparison = {
  name: string;
  requests: number;
  lb0: number;
  policies: Record<string, PolicyResult>;
};

export type CompareOptions = { name: string; shape: Shape; seeds: readonly number[]; policies: readonly string[] };

export function compare({ name, shape, seeds, policies }: CompareOptions): Comparison {
  const workloads = seeds.map((seed) => ({ seed, requests: generate(shape, seed) }));
  const bounds = workloads.map(({ requests }) => boundWithoutWaiting(requests, shape.terminals));
  const results = policies.map((policy): [string, PolicyResult] => {
    const runs = workloads.map(({ seed, requests }, index): SeedResult => {
      const one = run(policy, requests, shape, seed);
      const sameWaits = boundWithSameWaits(one, shape.terminals, CONTENDERS[policy]?.maxAgeMs ?? 0);
      return { seed, bound: bounds[index] as number, sameWaits, ...figuresOf(one) };
    });
    return [policy, summarizeSeeds(runs)];
  });
  return {
    name,
    requests: Math.round(mean(workloads.map(({ requests }) => requests.length))),
    lb0: Math.round(mean(bounds)),
    policies: Object.fromEntries(results),
  };
}

type Others = { trade_p99: number; expired_trade_share: number; refused: number };
/** With a bulk user: what the others see, with him and without him. */
export type Variant = Comparison & { others?: Others; without_him?: Others; ratio_of_trade_p99?: number };
export type Throughput = {
  load: number;
  requests: number;
  served: number;
  refused: number;
  expired_trade_share: number;
};

/** Gated batching and ours; for the bulk user, how the others fare, beside the same hour without him. */
export function variantsOf(name: string, base: Shape, seeds: readonly number[]): Variant {
  const shape = (VARIANTS[name] as (base: Shape) => Shape)(base);
  const compared = compare({ name, shape, seeds, policies: ["gated_batching", "balanced"] });
  if (!shape.bulk) return compared;
  const isOther = ({ user }: Request): boolean => user !== "bulk";
  const others = (of: Shape): Figures[] =>
    seeds.map((seed) => figuresOf(run("balanced", generate(of, seed), of, seed), isOther));
  const [beside, without] = [others(shape), others(base)];
  const p99 = (list: readonly Figures[]): number => round(mean(list.map(({ trades }) => trades.p99)), 3);
  const expired = (list: readonly Figures[]): number => round(mean(list.map(({ expiredShare }) => expiredShare)), 5);
  const refused = (list: readonly Figures[]): number => round(mean(list.map((one) => one.refused)), 1);
  return {
    ...compared,
    others: { trade_p99: p99(beside), expired_trade_share: expired(beside), refused: refused(beside) },
    without_him: { trade_p99: p99(without), expired_trade_share: expired(without), refused: refused(without) },
    ratio_of_trade_p99: round(p99(beside) / p99(without), 3),
  };
}

/** What is served of more and more load, per hour: it must not fall. */
export function throughput(base: Shape, seed: number): Throughput[] {
  return [0.65, 1, 1.25, 1.6, 2.4, 4].map((load) => {
    const shape = { ...base, sessionRate: base.sessionRate * load };
    const requests = generate(shape, seed);
    const { served, refused, expiredShare } = figuresOf(run("balanced", requests, shape, seed));
    return { load, requests: requests.length, served, refused, expired_trade_share: expiredShare };
  });
}

function summarizeSeeds(runs: readonly SeedResult[]): PolicyResult {
  const over = (value: (one: SeedResult) => number, digits: number): number => round(mean(runs.map(value)), digits);
  const range = (value: (one: SeedResult) => number): Range => {
    const values = runs.map(value);
    return [round(Math.min(...values), 5), round(Math.max(...values), 5)];
  };
  const waits = (of: (one: SeedResult) => Waits): Waits => ({
    p50: over((one) => of(one).p50, 2),
    p95: over((one) => of(one).p95, 2),
    p99: over((one) => of(one).p99, 2),
    max: round(Math.max(...runs.map((one) => of(one).max)), 2),
  });
  const ratio = (one: SeedResult): number => round(one.switches / one.bound, 3);
  return {
    switches: over(({ switches }) => switches, 0),
    ratio_to_lb0: over(ratio, 3),
    ratio_to_same_waits: over((one) => one.switches / one.sameWaits, 2),
    busy: over(({ busy }) => busy, 3),
    trade: waits(({ trades }) => trades),
    open_p95: over(({ opens }) => opens.p95, 2),
    close_p95: over(({ closes }) => closes.p95, 2),
    read: waits(({ reads }) => reads),
    late: over(({ late }) => late, 1),
    expired_trade_share: over(({ expiredShare }) => expiredShare, 5),
    expired_reads: over(({ expiredReads }) => expiredReads, 1),
    refused: over(({ refused }) => refused, 1),
    served: over(({ served }) => served, 0),
    fairness: over(({ fairness }) => fairness, 3),
    range: {
      ratio_to_lb0: range(ratio),
      trade_p99: range(({ trades }) => trades.p99),
      expired_trade_share: range(({ expiredShare }) => expiredShare),
      close_to_open_p95: range(({ closes, opens }) => closes.p95 / opens.p95),
    },
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
