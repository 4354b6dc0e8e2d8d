// One run: a world, traders, faults until the end or until everything is healed, and what the invariants say then.
import { FAILURES_PER_ACCOUNT, STOP_MS } from "../../../bridge-worker/src/terminals/login-limiter.ts";
import {
  allSettled,
  checkLedgerKnows,
  checkSafety,
  type Facts,
  FINAL,
  fewRefusals,
  type Violation,
} from "../invariants/mod.ts";
import { HEDGING, NETTING } from "./actors.ts";
import type { Fired } from "./faults.ts";
import type { Mutant } from "./mutants.ts";
import { type Reached, reachedBy } from "./reached.ts";
import { ask, submit } from "./requests.ts";
import type { Scenario } from "./telling.ts";
import { Traders } from "./traders.ts";
import { LONGEST_WRONG_MS, startWeather } from "./weather.ts";
import { World, type WorldOptions } from "./world.ts";

const ACTIONS = 30;
const ACTIONS_OVER_MS = 40_000;
const AFTER_MS = 45_000;
/**
 * From the end of the faults: two minutes, what a proof of absence takes, the last look at a broker's marks, and as long as a
 * clock is wrong.
 */
const SETTLE_LIMIT_MS = 120_000 + 160_000 + 330_000 + LONGEST_WRONG_MS;
const ASK_EVERY_MS = 11_000;
/** The longest pause of the outbox between two attempts, and then some. */
const OUTBOX_MS = 130_000;
const PROBE_EVERY_MS = 30_000;

export type RunReport = {
  seed: number;
  mode: "safety" | "liveness";
  hash: string;
  violations: Violation[];
  fired: Fired;
  faults: string;
  commands: number;
  orders: number;
  reached: Reached;
  virtualMs: number;
  events: number;
  trace: string[] | null;
  logged: readonly string[];
};

export function modeOf(seed: number): RunReport["mode"] {
  return seed % 2 === 0 ? "liveness" : "safety";
}

export async function runSeed(seed: number, options: Omit<WorldOptions, "seed"> = {}): Promise<RunReport> {
  const world = new World({ seed, ...options });
  const mode = modeOf(seed);
  const traders = new Traders(world);
  traders.schedule(ACTIONS, ACTIONS_OVER_MS);
  startWeather(world, ACTIONS_OVER_MS + 20_000);
  await world.loop.run(ACTIONS_OVER_MS + AFTER_MS);
  const exempt = mode === "liveness" ? await settle(world) : new Set<string>();
  const facts = world.facts();
  // Each life of the worker counts anew; whoever was let in once with another password has a count of his own.
  const refusals = FAILURES_PER_ACCOUNT * 3 * world.machine.boots;
  const violations = [...checkSafety(facts), ...fewRefusals(facts, refusals, STOP_MS)];
  if (mode === "liveness") {
    const late = world.observer.endedSince(world.loop.now - OUTBOX_MS);
    const journal = facts.journal.filter(({ id }) => !late.has(id));
    violations.push(...allSettled(facts, exempt), ...checkLedgerKnows({ ...facts, journal }));
  }
  world.machine.stop();
  return {
    ...{ seed, mode, hash: world.trace.hash, violations, fired: world.plan.fired, faults: world.plan.describe() },
    ...{ commands: facts.rows.length, orders: facts.booked.length, reached: reachedBy(facts) },
    ...{ virtualMs: world.loop.now, events: world.loop.events, trace: world.trace.lines, logged: world.observer.lines },
  };
}

/** Stops the faults, lets every broker show that it keeps marks, and asks until nothing is open. Returns the exempt. */
async function settle(world: World): Promise<ReadonlySet<string>> {
  const { loop, plan, network, machine } = world;
  plan.heal();
  network.heal();
  world.reconnectAll();
  Object.assign(world.oddities, { lateMs: 0, listsLateMs: 0 });
  // Whoever has reached his limit could show nothing.
  for (const account of world.ledger.accounts.values()) account.riskLimits = null;
  for (const host of world.hosts) host.heal();
  world.note("everything works again, but a clock that is wrong is set right in its own time");
  const began = loop.now;
  const open = () => world.ledger.all.filter((row) => !row.withdrawn && !row.lost && !FINAL.has(row.state));
  const exempt = (): Set<string> =>
    new Set(
      open()
        .filter((row) => isBeyondProof(world, row))
        .map(({ id }) => id),
    );
  let isSettled = false;
  loop.after(5_000, () => probe(world, 1, () => isSettled));
  const askAll = (): void => {
    if (isSettled) return;
    loop.after(ASK_EVERY_MS, askAll);
    for (const row of open()) void ask(world, row.userId, row.id);
  };
  loop.after(6_000, askAll);
  const isDone = (): boolean =>
    loop.now > began + 20_000 &&
    machine.isUp &&
    world.workerClockShiftMs === 0 &&
    open().every((row) => isBeyondProof(world, row));
  await loop.run(began + SETTLE_LIMIT_MS, isDone);
  isSettled = true;
  // What the ledger has is told to it by the worker's outbox, too.
  await loop.run(loop.now + OUTBOX_MS);
  return exempt();
}

/** One order on each server, on a symbol of its own: from it the worker learns that the marks survive. */
function probe(world: World, attempt: number, isSettled: () => boolean): void {
  if (isSettled()) return;
  const { actors, random, loop } = world;
  for (const server of [HEDGING, NETTING]) {
    const actor = random.pick(actors.filter(({ isRight, account }) => isRight && account.server === server));
    const params = { symbol: "USDJPY", order_type: "buy" as const, volume: 0.01 };
    const key = `probe-${server}-${attempt}`;
    void submit(world, { actor, request: { kind: "trade", params }, key, timeoutMs: 25_000 });
  }
  // A terminal may still hang in what it was asked for before, or be needed elsewhere when the order is looked for.
  loop.after(random.between(0.5, 1.5) * PROBE_EVERY_MS, () => probe(world, attempt + 1, isSettled));
}

/** Of these nobody can ever know more: the memory of them is gone, or the broker keeps no mark. */
function isBeyondProof(world: World, row: Facts["rows"][number]): boolean {
  if (world.oddities.overwrites.has(row.server)) return true;
  if (world.hosts.some((host) => host.disturbed.has(row.tag))) return true;
  // The age in a question is rounded up by what clocks may differ: a little later counts as before.
  const ageMs = world.ledger.ageMs(row) + 60_000;
  const { memoryLostMs, doubtfulBeforeMs } = world;
  return [memoryLostMs, doubtfulBeforeMs].some((ms) => ms !== null && ageMs > world.loop.now - ms);
}

/** One directed story on a build, sound or broken. */
export async function playScenario(
  seed: number,
  { faults = [], story, isSettled = false }: Scenario,
  build: Mutant,
  keepsTrace = false,
): Promise<{ violations: Violation[]; trace: string[] | null }> {
  const world = new World({ seed, faults, keepsTrace, ...build });
  await story(world);
  const exempt = isSettled ? await settle(world) : null;
  const facts = world.facts();
  const violations = [...checkSafety(facts), ...(exempt === null ? [] : allSettled(facts, exempt))];
  world.machine.stop();
  return { violations, trace: world.trace.lines };
}
