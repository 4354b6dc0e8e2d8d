// `npm run bench recovery`: kill -9 of the worker on a stack of real processes, at rest and at each point of a command's
// life, and the time from the blow until a trade is done again: start of the process, journal, terminal, settling of what
// was under way, and the trade itself on the same symbol. Logins in that time are counted: there should be none.
import { loadavg } from "node:os";
import type { WorkerPoint } from "../tests/faults/processes/crash-points.ts";
import type { Player } from "../tests/faults/processes/players.ts";
import { type Rig, startRig } from "../tests/faults/processes/rig.ts";
import { pythonCommand } from "../tests/support/python.ts";
import { percentile, type Summary, summarize } from "./statistics.ts";

const ROUNDS = 5;
const TARGET_MS = 5_000;
const GIVE_UP_MS = 20_000;
const ORDER = { symbol: "EURUSD", order_type: "buy", volume: 0.01, timeout_ms: 8_000 };

/** `first`: whose trade comes first afterwards, the one whose account the terminal then shows. */
type Blow = { name: string; first: "ann" | "bob"; strike: (rig: Rig) => Promise<void> };
type Sample = { ms: number; logins: number };

const Blows: readonly Blow[] = [
  { name: "at_rest", first: "ann", strike: (rig) => rig.killWorker() },
  atPoint("admitted"),
  atPoint("before_login", "bob"),
  atPoint("logged_in"),
  atPoint("before_intent"),
  atPoint("intent_written"),
  {
    name: "sending",
    first: "ann",
    async strike(rig) {
      await rig.broker.control({ send: [{ hang: true }] });
      const pending = trade(rig.ann);
      await rig.hanging();
      const { worker } = rig.stack.parts;
      worker.kill("SIGKILL");
      await worker.exited;
      await rig.broker.control({ release: true });
      await worker.restart();
      await pending;
    },
  },
  atPoint("answered"),
  atPoint("result_written"),
  atPoint("told"),
];

export async function benchRecovery(): Promise<object> {
  if (pythonCommand() === undefined)
    throw new Error("needs python3 with rpyc and numpy: apt-get install python3-rpyc python3-numpy");
  const rig = await startRig();
  try {
    const samples = new Map<string, Sample[]>(Blows.map(({ name }) => [name, []]));
    // Round by round, so that what disturbs the machine disturbs all of them.
    for (let round = 0; round < ROUNDS; round++) {
      for (const blow of Blows) samples.get(blow.name)?.push(await sample(rig, blow));
    }
    const points = Object.fromEntries([...samples].map(([name, list]) => [name, summaryOf(list)]));
    const rest = samples.get("at_rest") ?? [];
    const open = [...samples].filter(([name]) => name !== "at_rest").flatMap(([, list]) => list);
    const all = [...rest, ...open];
    return {
      unit: "ms from kill -9 of the worker to the next trade done",
      rounds: ROUNDS,
      target_ms: TARGET_MS,
      within_target: all.filter(({ ms }) => ms <= TARGET_MS).length,
      of: all.length,
      slowest_ms: Math.round(Math.max(...all.map(({ ms }) => ms))),
      nothing_open: summaryOf(rest),
      command_open: summaryOf(open),
      open_to_nothing_open_p50: round(p50(open) / p50(rest)),
      points,
      load_average: loadavg()[0],
    };
  } finally {
    await rig.stop();
  }
}

async function sample(rig: Rig, { first, strike }: Blow): Promise<Sample> {
  // Both users have proven their accounts, and the terminal is where the blow wants it.
  for (const player of [first === "ann" ? rig.bob : rig.ann, rig[first]]) await untilDone(player);
  const { worker } = rig.stack.parts;
  const before = worker.pid;
  let killedMs = 0;
  const killed = worker.exited.then(() => {
    killedMs = performance.now();
  });
  const striking = strike(rig);
  await killed;
  const logins = await countLogins(rig);
  await untilDone(rig[first]);
  const ms = performance.now() - killedMs;
  await striking;
  if (worker.pid === before) throw new Error("the worker was not killed");
  const after = await countLogins(rig);
  await rig.heal();
  await rig.serves();
  return { ms, logins: after - logins };
}

/** With a new key each time: what was refused has freed its own, and what is under way stays so. */
async function untilDone(player: Player): Promise<void> {
  const end = performance.now() + GIVE_UP_MS;
  for (;;) {
    const answer = await trade(player);
    if (answer?.status === 200) return;
    if (performance.now() > end) throw new Error(`no trade is done: HTTP ${answer?.status} ${answer?.text}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function trade({ trader }: Player) {
  return trader.post("/trades", ORDER).catch(() => undefined);
}

function atPoint(point: WorkerPoint, first: Blow["first"] = "ann"): Blow {
  return {
    name: point,
    first,
    async strike(rig) {
      // A login is needed where the point is one of a login: the terminal is on the other account then.
      if (point === "logged_in") await untilDone(rig.bob);
      const { result } = await rig.killWorkerAt(point, () => trade(rig.ann));
      await result;
    },
  };
}

async function countLogins({ broker }: Rig): Promise<number> {
  return (await broker.seen()).calls.filter((call) => call === "login").length;
}

function summaryOf(list: readonly Sample[]): Summary & { logins: number } {
  const { n, p50, p95, min } = summarize(list.map(({ ms }) => ms));
  return {
    n,
    p50: round(p50),
    p95: round(p95),
    min: round(min),
    logins: list.reduce((sum, one) => sum + one.logins, 0),
  };
}

function p50(list: readonly Sample[]): number {
  return percentile(
    list.map(({ ms }) => ms).sort((a, b) => a - b),
    0.5,
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
