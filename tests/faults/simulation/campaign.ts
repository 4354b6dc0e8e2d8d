// Many runs, one after the other, and what they add up to: the figures that the promises are judged by.
import type { Violation } from "../invariants/mod.ts";
import { type Fault, FaultNames, type Fired, noneFired } from "./faults.ts";
import { type MutantName, Mutants } from "./mutants.ts";
import { nothingReached, type Reached, type Way, Ways } from "./reached.ts";
import { RegressionStories } from "./regression-stories.ts";
import { type RegressionName, Regressions } from "./regressions.ts";
import { playScenario, type RunReport, runSeed } from "./run.ts";
import { Scenarios } from "./scenarios.ts";

export type Figures = {
  runs: number;
  commands: number;
  orders: number;
  duplicates: number;
  wrong_account: number;
  untrue_outcomes: number;
  contradicted_answers: number;
  late_sends: number;
  overlapping_sends: number;
  lost_outcomes: number;
  leaked_passwords: number;
  refused_logins: number;
  limits_exceeded: number;
  virtual_hours: number;
  /** Commands, or answers, that went each way. */
  reached: Reached;
  /** How often each fault struck inside its window. */
  faults: Fired;
};

export type Failure = Pick<RunReport, "seed" | "mode" | "faults" | "violations">;
export type Campaign = { figures: Figures; failures: Failure[] };

const FIGURE_OF: Readonly<Record<string, keyof Omit<Figures, "faults" | "reached">>> = {
  I1: "duplicates",
  I2: "wrong_account",
  I3: "untrue_outcomes",
  I4: "contradicted_answers",
  I5: "late_sends",
  I6: "overlapping_sends",
  I7: "overlapping_sends",
  I8: "lost_outcomes",
  I9: "leaked_passwords",
  I10: "refused_logins",
  I11: "contradicted_answers",
  I12: "limits_exceeded",
};

export function noFigures(): Figures {
  return {
    ...{ runs: 0, commands: 0, orders: 0, duplicates: 0, wrong_account: 0, untrue_outcomes: 0 },
    ...{ contradicted_answers: 0, late_sends: 0, overlapping_sends: 0, lost_outcomes: 0, leaked_passwords: 0 },
    ...{ refused_logins: 0, limits_exceeded: 0, virtual_hours: 0, reached: nothingReached(), faults: noneFired() },
  };
}

/** Seeds `first` … `first + count - 1`. */
export async function runCampaign(first: number, count: number): Promise<Campaign> {
  const figures = noFigures();
  const failures: Failure[] = [];
  for (let seed = first; seed < first + count; seed += 1) {
    const report = await runSeed(seed);
    add(figures, report);
    const { mode, faults, violations } = report;
    if (violations.length > 0) failures.push({ seed, mode, faults, violations });
  }
  return { figures, failures };
}

function add(figures: Figures, { commands, orders, reached, virtualMs, fired, violations }: RunReport): void {
  figures.runs += 1;
  figures.commands += commands;
  figures.orders += orders;
  figures.virtual_hours += virtualMs / 3_600_000;
  for (const { invariant } of violations) {
    const name = FIGURE_OF[invariant];
    if (name === undefined) throw new Error(`no figure for ${invariant}`);
    figures[name] += 1;
  }
  for (const way of Ways) figures.reached[way] += reached[way];
  for (const name of FaultNames) figures.faults[name] += fired[name];
}

/** Two campaigns of one programme. */
export function merge(a: Campaign, b: Campaign): Campaign {
  const figures = noFigures();
  for (const name of Object.keys(figures) as (keyof Figures)[]) {
    if (name === "faults" || name === "reached") continue;
    figures[name] = a.figures[name] + b.figures[name];
  }
  for (const fault of FaultNames) figures.faults[fault] = a.figures.faults[fault] + b.figures.faults[fault];
  for (const way of Ways) figures.reached[way] = a.figures.reached[way] + b.figures.reached[way];
  return { figures, failures: [...a.failures, ...b.failures] };
}

/** A way that no command went. */
export function neverReached({ reached }: Figures): Way[] {
  return Ways.filter((way) => reached[way] === 0);
}

/** A fault that never struck where it could do harm proves nothing. */
export function neverFired({ faults }: Figures): Fault[] {
  return FaultNames.filter((name) => faults[name] === 0);
}

export function describeFailure({ seed, mode, faults, violations }: Failure): string {
  const list = violations.slice(0, 5).map(({ invariant, what }) => `  ${invariant}: ${what}`);
  return [
    `seed ${seed} (${mode}); replay: npm run test:faults -- --seed ${seed}`,
    ...list,
    `  mixture: ${faults}`,
  ].join("\n");
}

/** Seeds that a story is told with: what comes when in it is chance. */
export const STORY_SEEDS = 20;

export type MutantReport = {
  name: MutantName | RegressionName;
  caughtBy: Violation | undefined;
  seed: number;
  sound: Violation[];
};

/** The story until the broken build is caught, at most so many times; the sound build must live through all of it. */
export async function huntMutant(name: MutantName | RegressionName): Promise<MutantReport> {
  const scenario = STORIES[name];
  const sound: Violation[] = [];
  for (let seed = 1; seed <= STORY_SEEDS; seed += 1) {
    sound.push(...(await playScenario(seed, scenario, {})).violations);
    const { violations } = await playScenario(seed, scenario, BUILDS[name]);
    if (violations.length > 0) return { name, caughtBy: violations[0], seed, sound };
  }
  return { name, caughtBy: undefined, seed: STORY_SEEDS, sound };
}

const BUILDS = { ...Mutants, ...Regressions };
const STORIES = { ...Scenarios, ...RegressionStories };
export const MutantNames = Object.keys(Mutants) as MutantName[];
export const RegressionNames = Object.keys(Regressions) as RegressionName[];
