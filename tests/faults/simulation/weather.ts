// What strikes by itself, without anybody's call: ends of processes, a database that begins anew, people at a terminal's
// window, a broker that is away. Each strikes only while something of ours is under way.
import type { World } from "./world.ts";

const EVERY_MS = 500;
/** As far as a clock can be wrong: an hour either way. */
const CLOCK_JUMP_MS = 3_600_000;
/** A machine whose clock has no battery, until it hears the time. */
const DAYS_MS = 40 * 86_400_000;
/** Moments, or as long as a proof of absence takes when nobody can ask. */
const WRONG_FOR_MS = [20_000, 300_000] as const;
export const LONGEST_WRONG_MS = Math.max(...WRONG_FOR_MS);

export function startWeather(world: World, untilMs: number): void {
  const { loop, plan, machine, random } = world;
  let isReset = false;
  const tick = (): void => {
    if (loop.now > untilMs) return;
    loop.after(EVERY_MS, tick);
    if (machine.isUp && machine.inFlight() > 0) {
      if (plan.strikes("worker_killed")) machine.kill("at random");
      if (plan.strikes("worker_stalled")) machine.stall(random.between(500, 40_000));
      atTheTerminals(world);
      // A clock that was wrong while a new journal was made cannot be found out afterwards by anybody.
      if (!plan.includes("journal_lost") && world.workerClockShiftMs === 0 && plan.strikes("worker_clock_jumped"))
        shiftClock(world, random.pick([-CLOCK_JUMP_MS, CLOCK_JUMP_MS]), random.between(1_000, 10_000));
    }
    if (!world.ledger.all.some(({ state }) => state === "accepted")) return;
    if (plan.strikes("function_killed")) world.replaceIsolate();
    if (!isReset && plan.strikes("database_reset")) {
      isReset = true;
      world.note("the database begins anew");
      world.ledger.reset();
    }
  };
  loop.after(random.between(0, EVERY_MS), tick);
}

/** The worker has died. Its machine may begin anew: without its disk, and with a clock of long ago or far ahead. */
export function comeBackWithAnotherClock(world: World, losesMemory: boolean): void {
  const { plan, random } = world;
  const forMs = random.pick(WRONG_FOR_MS);
  // A journal that was made with a clock of long ago, or is read with one that is ahead, seems to be older than it is.
  const isSafe = losesMemory || !plan.includes("journal_lost");
  if (world.workerClockShiftMs === 0 && isSafe && plan.strikes("clock_ahead_at_start"))
    shiftClock(world, DAYS_MS, forMs);
  if (losesMemory) world.loseMemory();
  else if (world.workerClockShiftMs === 0 && isSafe && plan.strikes("clock_behind_at_start"))
    shiftClock(world, -DAYS_MS, forMs);
}

function shiftClock(world: World, byMs: number, forMs: number): void {
  world.note(`the worker's clock is ${byMs} ms off`);
  world.workerClockShiftMs = byMs;
  world.loop.after(forMs, () => {
    if (world.workerClockShiftMs === byMs) world.workerClockShiftMs = 0;
  });
}

function atTheTerminals({ hosts, plan, random, loop }: World): void {
  const host = random.pick(hosts);
  const forAWhile = (end: () => void): void => void loop.after(random.between(500, 15_000), end);
  if (plan.strikes("moved_by_hand")) host.moveByHand();
  if (plan.strikes("broker_link_lost")) forAWhile(host.cut("isConnected"));
  if (plan.strikes("trading_switched_off")) forAWhile(host.cut("isAutoTradingOn"));
  if (plan.strikes("terminal_unreachable")) forAWhile(host.cut("isReachable"));
}
