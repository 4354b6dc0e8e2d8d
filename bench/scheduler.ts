// `npm run bench scheduler -- [--full] [--terminals=2,16] [--loads=heavy] [--seeds=1,11] [--policies=balanced] [--no-variants]`:
// the real decision core in a deterministic simulation, beside the usual ways of doing it. Without arguments a part that
// ends within minutes; `--full` is everything. What each number means is said in docs/scheduling.md.
import { parseArgs } from "node:util";
import { baseCase, LOADS, type Load, OTHER_SEEDS, TERMINALS, TUNED_SEEDS, VARIANTS } from "./scheduler/cases.ts";
import { type Comparison, compare, throughput, type Variant, variantsOf } from "./scheduler/compare.ts";
import { CONTENDERS } from "./scheduler/contenders.ts";
import { decisionCost, memoryPerIdleLane } from "./scheduler/cost.ts";
import { checkTargets } from "./scheduler/targets.ts";
import { BASE } from "./scheduler/workload.ts";

/** Without `--full`. */
const PART = { terminals: [2, 4, 16], seeds: [1, 2, 11, 12], variantTerminals: [4], variantSeeds: [11] };
const FULL = {
  ...{ terminals: [...TERMINALS], seeds: [...TUNED_SEEDS, ...OTHER_SEEDS] },
  ...{ variantTerminals: [2, 4, 16], variantSeeds: [11, 12, 13] },
};

export async function benchScheduler(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      full: { type: "boolean", default: false },
      terminals: { type: "string" },
      loads: { type: "string" },
      seeds: { type: "string" },
      policies: { type: "string" },
      "no-variants": { type: "boolean", default: false },
    },
  });
  const extent = values.full ? FULL : PART;
  const terminals = numbers(values.terminals) ?? extent.terminals;
  const seeds = numbers(values.seeds) ?? extent.seeds;
  const loads = (values.loads?.split(",") ?? LOADS).map(loadOf);
  const policies = values.policies?.split(",") ?? Object.keys(CONTENDERS);
  const cases: Comparison[] = [];
  for (const count of terminals) {
    for (const load of loads) {
      console.error(`${count} terminals, ${load}`);
      cases.push(compare({ name: `k${count}_${load}`, shape: baseCase(count, load), seeds, policies }));
    }
  }
  const variants: Record<string, Variant> = {};
  for (const count of values["no-variants"] ? [] : extent.variantTerminals) {
    for (const name of Object.keys(VARIANTS)) {
      console.error(`${count} terminals, heavy, ${name}`);
      variants[`k${count}_${name}`] = variantsOf(name, baseCase(count, "heavy"), extent.variantSeeds);
    }
  }
  const served = throughput(baseCase(2, "overload"), TUNED_SEEDS[0] ?? 1);
  const [decision, memory] = [await decisionCost(), memoryPerIdleLane()];
  return {
    generator: "sfc32; sessions Poisson, accounts Zipf, think time exponential, durations log-normal and clamped",
    workload: { ...BASE, terminals: undefined, sessionRate: undefined },
    seeds: { tuned: TUNED_SEEDS, other: OTHER_SEEDS, run: seeds },
    unit: "waits in seconds from arrival to answer, login included; means over the seeds, ranges as [least, most]",
    targets: checkTargets({ cases, variants, throughput: served, decision, memory }),
    cases,
    variants,
    throughput_k2: served,
    decision,
    memory,
  };
}

function numbers(list: string | undefined): number[] | undefined {
  const parsed = list?.split(",").map(Number);
  if (parsed?.some((number) => !Number.isInteger(number) || number < 1)) throw new Error(`not numbers: ${list}`);
  return parsed;
}

function loadOf(name: string): Load {
  const load = LOADS.find((known) => known === name);
  if (load === undefined) throw new Error(`no load "${name}": ${LOADS.join(", ")}`);
  return load;
}
