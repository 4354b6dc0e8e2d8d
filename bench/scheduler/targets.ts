// What the policy promises, and whether the cases that were run keep it: for every single seed, unless it says otherwise.
import type { Comparison, PolicyResult, Throughput, Variant } from "./compare.ts";
import { round } from "./figures.ts";

type Target = {
  caseName: string;
  policy: string;
  says: string;
  value: (result: PolicyResult) => number;
  most: number;
};

const worstRatio = ({ range }: PolicyResult): number => range.ratio_to_lb0[1];
const worstP99 = ({ range }: PolicyResult): number => range.trade_p99[1];
const ratioSays = "switches to LB(0), worst seed";
const p99Says = "trade p99 in seconds, worst seed";

const TARGETS: readonly Target[] = [
  { caseName: "k16_heavy", policy: "balanced", says: ratioSays, value: worstRatio, most: 1.2 },
  { caseName: "k16_heavy", policy: "balanced", says: p99Says, value: worstP99, most: 5 },
  { caseName: "k16_heavy", policy: "balanced_hold_3s", says: ratioSays, value: worstRatio, most: 1.1 },
  { caseName: "k16_heavy", policy: "prompt", says: ratioSays, value: worstRatio, most: 1.65 },
  { caseName: "k4_heavy", policy: "balanced", says: ratioSays, value: worstRatio, most: 1.05 },
  { caseName: "k4_heavy", policy: "balanced", says: p99Says, value: worstP99, most: 5.2 },
  { caseName: "k2_heavy", policy: "balanced", says: ratioSays, value: worstRatio, most: 0.95 },
  { caseName: "k2_heavy", policy: "balanced", says: p99Says, value: worstP99, most: 6.8 },
  ...["k2_heavy", "k4_heavy", "k16_heavy", "k2_overload"].map((caseName) => ({
    ...{ caseName, policy: "balanced", says: "close p95 to open p95, worst seed", most: 1 },
    value: ({ range }: PolicyResult) => range.close_to_open_p95[1],
  })),
  ...["k2_overload", "k4_overload", "k16_overload"].map((caseName) => ({
    ...{ caseName, policy: "balanced", says: "expired share of trades, worst seed", most: 0.005 },
    value: ({ range }: PolicyResult) => range.expired_trade_share[1],
  })),
];

export type Results = {
  cases: readonly Comparison[];
  variants: Readonly<Record<string, Variant>>;
  throughput: readonly Throughput[];
  decision: { ratio_10000_to_100: number; ratio_of_logarithms: number };
  memory: { bytes_per_idle_lane: number; limit_bytes: number };
};

export function checkTargets({ cases, variants, throughput, decision, memory }: Results): object[] {
  const checks = TARGETS.flatMap(({ caseName, policy, says, value, most }) => {
    const result = cases.find(({ name }) => name === caseName)?.policies[policy];
    if (result === undefined) return [];
    return [{ case: caseName, policy, says, value: value(result), most, met: value(result) <= most }];
  });
  const late = cases.reduce((sum, { policies }) => sum + (policies.balanced?.late ?? 0), 0);
  const others = Object.entries(variants).flatMap(([name, { ratio_of_trade_p99: ratio }]) =>
    ratio === undefined ? [] : [check(name, "trade p99 of the others, with a bulk user to without him", ratio, 1.05)],
  );
  return [
    ...checks,
    check("all", "late trades", late, 0),
    ...others,
    check("k2_overload", "most that was ever served to what is served of any more", lossOf(throughput), 1.05),
    check("cost", "10,000 works to 100", decision.ratio_10000_to_100, decision.ratio_of_logarithms),
    check("memory", "bytes for an idle lane", memory.bytes_per_idle_lane, memory.limit_bytes),
  ];
}

/** The best that was served so far, to what is served of some greater load; 1 when more load never costs anything. */
function lossOf(throughput: readonly Throughput[]): number {
  let best = 0;
  let worst = 1;
  for (const { served } of throughput) {
    best = Math.max(best, served);
    worst = Math.max(worst, best / served);
  }
  return round(worst, 3);
}

function check(name: string, says: string, value: number, most: number): object {
  return { case: name, policy: "balanced", says, value, most, met: value <= most };
}
