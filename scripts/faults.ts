// `npm run test:faults`: the fault tests by themselves, and what `npm test` has no time for. Without arguments the short
// form; `--full` 20,000 simulated runs and 140 of real processes; `--seed N` replays one simulated run, event by event;
// `--runs N` and `--first N` another stretch of seeds. Prints one JSON object with the figures.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import {
  describeFailure,
  huntMutant,
  MutantNames,
  neverFired,
  neverReached,
} from "../tests/faults/simulation/campaign.ts";
import { runSeed } from "../tests/faults/simulation/run.ts";
import { runSharedCampaign } from "../tests/faults/simulation/shared-campaign.ts";

const SHORT_RUNS = 2_000;
const FULL_RUNS = 20_000;
const { values } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    seed: { type: "string" },
    first: { type: "string", default: "1" },
    runs: { type: "string" },
  },
});

/** One run with everything that happened in it. */
async function replay(seed: number): Promise<boolean> {
  const report = await runSeed(seed, { keepsTrace: true });
  for (const line of report.trace ?? []) console.log(line);
  for (const line of report.logged) console.log(`log  ${line}`);
  const { mode, faults, hash, violations } = report;
  console.log(`seed ${seed} (${mode}), trace ${hash}\nmixture: ${faults}`);
  for (const { invariant, what } of violations) console.log(`${invariant}: ${what}`);
  if (violations.length === 0) console.log("every invariant holds");
  return violations.length === 0;
}

/** The layer of real processes prints its own figures. */
async function realProcesses(isFull: boolean): Promise<boolean> {
  const args = ["--import", "./tests/support/no-leaks.ts", "--test", "--test-force-exit", "--test-concurrency=1"];
  const env = isFull ? { FAULTS_FULL: "1" } : {};
  const child = spawn(process.execPath, [...args, "tests/faults/processes/**/*.test.ts"], {
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  return (await new Promise<number | null>((resolve) => child.once("close", resolve))) === 0;
}

async function everything(first: number, runs: number, isFull: boolean, isPart: boolean): Promise<boolean> {
  const { figures, failures } = await runSharedCampaign(first, runs);
  const hunts = [];
  for (const name of MutantNames) hunts.push(await huntMutant(name));
  const caught = hunts.filter(({ caughtBy, sound }) => caughtBy !== undefined && sound.length === 0).length;
  const silent = [...neverFired(figures), ...neverReached(figures)];
  for (const failure of failures) console.error(describeFailure(failure));
  // A handful of runs cannot meet everything.
  const isBroad = runs < SHORT_RUNS || silent.length === 0;
  if (!isBroad) console.error(`never struck inside their window, or never reached: ${silent.join(", ")}`);
  const seeds = { first_seed: first, last_seed: first + runs - 1 };
  console.log(JSON.stringify({ ...seeds, ...figures, mutants_caught: caught, mutants: hunts.length }));
  const isSound = failures.length === 0 && isBroad && caught === hunts.length;
  // Other seeds are asked for to look at the simulation alone.
  return (isPart || (await realProcesses(isFull))) && isSound;
}

if (import.meta.main) {
  const first = Number(values.first);
  const runs = Number(values.runs ?? (values.full ? FULL_RUNS : SHORT_RUNS));
  const isPart = values.runs !== undefined || values.first !== "1";
  const isWell =
    values.seed === undefined ? await everything(first, runs, values.full, isPart) : await replay(Number(values.seed));
  process.exitCode = isWell ? 0 : 1;
}
