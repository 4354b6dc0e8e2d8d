// The cases: how many terminals, how much load, and what else may be different from the base workload.
import { BASE, type LoginTime, type Shape } from "./workload.ts";

export const LOADS = ["light", "mid", "heavy", "overload"] as const;
export type Load = (typeof LOADS)[number];
export const TERMINALS = [2, 4, 16, 64] as const;

/** The first five were looked at while the parameters were chosen; the others were not. */
export const TUNED_SEEDS: readonly number[] = [1, 2, 3, 4, 5];
export const OTHER_SEEDS: readonly number[] = [11, 12, 13, 14, 15];

/** Sessions per second and terminal. A terminal carries a bit less alone than in company, so heavy is not one number. */
const RATES: Record<Load, (terminals: number) => number> = {
  light: () => 0.025,
  mid: () => 0.041,
  heavy: (terminals) => (terminals <= 2 ? 0.08 : terminals <= 4 ? 0.081 : 0.0825),
  overload: () => 0.124,
};

export function baseCase(terminals: number, load: Load): Shape {
  return { ...BASE, terminals, sessionRate: RATES[load](terminals) };
}

const SLOW: LoginTime = { median: 2_500, sigma: 0.6, min: 500, max: 10_000 };
const THREE_SERVERS: readonly LoginTime[] = [
  { median: 700, sigma: 0.6, min: 300, max: 5_000 },
  { median: 1_200, sigma: 0.6, min: 500, max: 5_000 },
  { median: 3_000, sigma: 0.6, min: 500, max: 8_000 },
];

/** What the real world may do otherwise, each at heavy load. */
export const VARIANTS: Readonly<Record<string, (base: Shape) => Shape>> = {
  base: (base) => base,
  think_10s: (base) => ({ ...base, thinkMs: 10_000 }),
  think_log_normal: (base) => ({ ...base, thinkSigma: 1 }),
  zipf_0_4: (base) => ({ ...base, zipf: 0.4 }),
  zipf_1_2: (base) => ({ ...base, zipf: 1.2 }),
  trade_share_0_6: (base) => ({ ...base, tradeShare: 0.6 }),
  sessions_of_4: (base) => ({ ...base, commands: 4, sessionRate: (base.sessionRate * base.commands) / 4 }),
  sessions_of_40: (base) => ({ ...base, commands: 40, sessionRate: (base.sessionRate * base.commands) / 40 }),
  several_positions: (base) => ({ ...base, closeShare: 0.55 }),
  bursts: (base) => ({ ...base, bursts: true }),
  slow_logins: (base) => ({ ...base, logins: [SLOW] }),
  slow_logins_half_load: (base) => ({ ...base, logins: [SLOW], sessionRate: base.sessionRate / 2 }),
  three_servers: (base) => ({ ...base, logins: THREE_SERVERS }),
  half_snapshotable: (base) => ({ ...base, snapshotable: 0.5 }),
  bulk_user: (base) => ({ ...base, bulk: true }),
};
