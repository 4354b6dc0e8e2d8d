// What the policy promises, and whether the cases that were run keep it: for every single seed, unless it says otherwise.
import type { Comparison, PolicyResult } from "./compare.ts";

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

export function checkTargets(cases: readonly Comparison[]): object[] {
  const checks = TARGETS.flatMap(({ caseName, policy, says, value, most }) => {
    const result = cases.find(({ name }) => name === caseName)?.policies[policy];
    if (result === undefined) return [];
    return [{ case: caseName, policy, says, value: value(result), most, met: value(result) <= most }];
  });
  const late = cases.reduce((sum, { policies }) => sum + (policies.balanced?.late ?? 0), 0);
  return [...checks, { case: "all", policy: "balanced", says: "late trades", value: late, most: 0, met: late === 0 }];
}
