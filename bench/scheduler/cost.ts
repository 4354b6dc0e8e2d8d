// What a decision costs, with few and with many works waiting, and what an account that does nothing costs in memory.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { PRESETS } from "../../bridge-worker/src/scheduler/policy/params.ts";
import { Policy } from "../../bridge-worker/src/scheduler/policy/policy.ts";
import type { Work } from "../../bridge-worker/src/scheduler/policy/work.ts";
import { race, ratio } from "../statistics.ts";
import { round } from "./figures.ts";
import { type Random, randomOf } from "./random.ts";
import type { Results } from "./targets.ts";

const TERMINALS = 64;
const LANES = 5_000;
const WAITING = [100, 1_000, 10_000] as const;
const IDLE_LANES = 20_000;
/** Cycles in one sample: a single one is too short for the clock. */
const CYCLES = 200;
const RACE = { warmUp: 20, rounds: 20, perRound: 10 };
/** As often as 64 terminals with full queues have done something. */
const CYCLE_MS = 20;
const NEVER_MS = 1e12;

export async function decisionCost(): Promise<Results["decision"] & Record<string, unknown>> {
  const contenders = WAITING.map((waiting) => {
    const bed = new TestBed(waiting);
    return {
      name: String(waiting),
      run: async () => {
        for (let cycle = 0; cycle < CYCLES; cycle++) bed.cycle();
      },
    };
  });
  const results = await race(contenders, RACE);
  // The quickest sample: what else the machine does can only add to it.
  const microseconds = (waiting: number): number => ((results[waiting]?.min ?? Number.NaN) * 1_000) / CYCLES;
  return {
    unit: "microseconds for one finish, one decision and one submission: the quickest sample of 200",
    ...{ terminals: TERMINALS, lanes: LANES },
    waiting: Object.fromEntries(WAITING.map((waiting) => [waiting, round(microseconds(waiting), 2)])),
    ratio_10000_to_100: ratio(microseconds(10_000), microseconds(100)),
    ratio_of_logarithms: ratio(Math.log(10_000), Math.log(100)),
  };
}

/** A policy whose terminals are all busy and in which a fixed number of works waits. */
class TestBed {
  readonly #random: Random = randomOf(1, 1);
  readonly #policy: Policy;
  #nowMs = 0;
  #id = 0;
  #busy: string[] = [];

  constructor(waiting: number) {
    this.#policy = policyOf(TERMINALS);
    while (this.#policy.waiting < waiting) this.#submit();
  }

  cycle(): void {
    this.#nowMs += CYCLE_MS;
    const terminal = this.#busy.shift() as string;
    this.#policy.finished(this.#nowMs, terminal, {
      loginMs: 1_000,
      workMs: 20,
      snapshotAtMs: null,
      exposed: null,
      onAccount: true,
    });
    this.#decide();
    this.#submit();
  }

  #submit(): void {
    const chance = this.#random();
    const kind = chance < 0.7 ? "read" : chance < 0.82 ? "close" : "open";
    this.#id += 1;
    this.#policy.submit(this.#nowMs, workOf(this.#id, Math.floor(this.#random() * LANES), kind, this.#nowMs));
    this.#decide();
  }

  #decide(): void {
    for (const decision of this.#policy.decide(this.#nowMs)) {
      if (decision.kind !== "expire") this.#busy.push(decision.terminal);
    }
  }
}

export function memoryPerIdleLane(): Results["memory"] & Record<string, unknown> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const policy = policyOf(TERMINALS);
  let nowMs = 0;
  const visit = (lane: number): void => {
    nowMs += 1;
    policy.submit(nowMs, workOf(lane, lane, "read", nowMs));
    for (const decision of policy.decide(nowMs)) {
      if (decision.kind === "expire") continue;
      policy.finished(nowMs, decision.terminal, {
        loginMs: 1,
        workMs: 1,
        snapshotAtMs: nowMs,
        exposed: true,
        onAccount: true,
      });
    }
  };
  for (let lane = 0; lane < TERMINALS; lane++) visit(lane);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let lane = TERMINALS; lane < TERMINALS + IDLE_LANES; lane++) visit(lane);
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / IDLE_LANES;
  return { idle_lanes: policy.lanes - TERMINALS, bytes_per_idle_lane: Math.round(bytes), limit_bytes: 2_048 };
}

function policyOf(terminals: number): Policy {
  const ids = Array.from({ length: terminals }, (_, index) => `terminal ${index}`);
  // Nothing is refused and no read holds back: what is measured is the work of choosing, and all terminals are busy.
  const params = { ...PRESETS.prompt.params, maxWaiting: NEVER_MS, maxLaneWaiting: NEVER_MS };
  const policy = new Policy(
    params,
    ids.map((id) => ({ id, servers: null, pinned: [] })),
  );
  for (const id of ids) policy.terminalChanged(0, id, "up");
  return policy;
}

function workOf(id: number, lane: number, kind: Work["kind"], nowMs: number): Work {
  return {
    ...{ id: `work ${id}`, lane: `Broker-Server\n${1_000_000 + lane}`, server: "Broker-Server", user: `user ${lane}` },
    ...{ kind, arrivedMs: nowMs, deadlineMs: nowMs + NEVER_MS, maxAgeMs: 0, snapshotable: true, proven: true },
  };
}
