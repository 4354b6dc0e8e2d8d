// The policies that are compared, and how each one's run is made.
import { type PolicyParams, PRESETS } from "../../bridge-worker/src/scheduler/policy/params.ts";
import { Policy } from "../../bridge-worker/src/scheduler/policy/policy.ts";
import { PlainFifo, StickyLru } from "./baselines.ts";
import { GatedBatching } from "./gated.ts";
import { type Contender, type Run, simulate } from "./simulate.ts";
import type { Request, Shape } from "./workload.ts";

type Entry = { maxAgeMs: number; guard: boolean; make: (terminals: readonly string[]) => Contender };

export const CONTENDERS: Readonly<Record<string, Entry>> = {
  plain_fifo: { maxAgeMs: 0, guard: false, make: (terminals) => new PlainFifo(terminals) },
  sticky_lru: { maxAgeMs: 0, guard: false, make: (terminals) => new StickyLru(terminals) },
  gated_batching: { maxAgeMs: 1_000, guard: true, make: (terminals) => new GatedBatching(terminals) },
  prompt: ours("prompt"),
  balanced: ours("balanced"),
  /** As fresh as balanced; what a longer wait of reads is worth. */
  balanced_hold_3s: ours("balanced", { holdMs: 3_000 }),
  /** Does not look at positions: what it costs to keep accounts that hold some. */
  balanced_blind: ours("balanced", { exposedFactor: 1 }),
  lean: ours("lean"),
};

export function run(name: string, requests: readonly Request[], shape: Shape, seed: number): Run {
  const entry = CONTENDERS[name];
  if (entry === undefined) throw new Error(`no policy "${name}": ${Object.keys(CONTENDERS).join(", ")}`);
  const terminals = Array.from({ length: shape.terminals }, (_, index) => `terminal ${index}`);
  const { maxAgeMs, guard } = entry;
  return simulate(entry.make(terminals), requests, { shape, seed, maxAgeMs, guard });
}

function ours(preset: keyof typeof PRESETS, change: Partial<PolicyParams> = {}): Entry {
  const { maxAgeMs, params } = PRESETS[preset];
  const make = (terminals: readonly string[]): Contender => {
    const policy = new Policy(
      { ...params, ...change },
      terminals.map((id) => ({ id, servers: null, pinned: [] })),
    );
    for (const id of terminals) policy.terminalChanged(0, id, "up");
    return policy;
  };
  return { maxAgeMs, guard: true, make };
}
