// Processes that die at any time while two users trade: the time comes from a seed, and the seed is in the case's name.
import type { FaultCase, Stage } from "./campaign.ts";
import { killWithChildren } from "./kill-with-children.ts";
import type { Player } from "./players.ts";
import type { Rig } from "./rig.ts";
import type { Run } from "./run.ts";

const COMMANDS_EACH = 6;
/** So long after the first command at the latest; with this send time the load lasts longer. */
const LATEST_KILL_MS = 600;
const SEND_MS = 60;

type Victim = "worker" | "Python" | "function" | "Postgres";

const kill: Record<Victim, (rig: Rig) => Promise<void>> = {
  worker: (rig) => rig.killWorker(),
  Python: async (rig) => {
    await rig.killPython();
    await rig.broker.control({ send_ms: SEND_MS });
  },
  function: async ({ stack }) => {
    stack.parts.function.kill("SIGKILL");
    await stack.parts.function.exited;
    await stack.parts.function.restart();
  },
  Postgres: async ({ stack }) => {
    killWithChildren(stack.parts.postgres);
    await stack.parts.postgres.exited;
    await stack.parts.postgres.restart();
  },
};

/** `seed`: of the whole series; the turn is added to it. */
export function randomCases(seed: number): readonly FaultCase[] {
  return (Object.keys(kill) as Victim[]).map((victim, index) => ({
    name: `${victim} killed at a random time under load, seed ${seed}`,
    run: (stage) => underLoad(stage, victim, fraction(seed + index * 1_000 + stage.turn)),
  }));
}

async function underLoad({ rig, run }: Stage, victim: Victim, when: number): Promise<{ fired: number }> {
  await rig.broker.control({ send_ms: SEND_MS });
  let open = 0;
  const load = Promise.all([rig.ann, rig.bob].map((player) => trade(run, player, (change) => (open += change))));
  // The one wait for its own sake: the time is what is random here.
  await new Promise((resolve) => setTimeout(resolve, when * LATEST_KILL_MS));
  const fired = open;
  await kill[victim](rig);
  await load;
  return { fired };
}

/** One after the other, whatever the answer. */
async function trade(run: Run, player: Player, count: (change: number) => void): Promise<void> {
  for (let turn = 0; turn < COMMANDS_EACH; turn++) {
    count(1);
    await run.trade(player, { order_type: turn % 2 ? "sell" : "buy" });
    count(-1);
  }
}

/** mulberry32: one number in [0, 1) from a seed. */
function fraction(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
