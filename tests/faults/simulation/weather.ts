// What strikes by itself, without anybody's call: ends of processes, a database that begins anew, people at a terminal's
// window, a broker that is away. Each strikes only while something of ours is under way.
import type { World } from "./world.ts";

const EVERY_MS = 500;
/** As far as a clock can be wrong: an hour either way. */
const CLOCK_JUMP_MS = 3_600_000;

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
      if (!plan.includes("journal_lost") && plan.strikes("worker_clock_jumped")) {
        world.workerClockShiftMs = random.pick([-CLOCK_JUMP_MS, CLOCK_JUMP_MS]);
        loop.after(random.between(1_000, 10_000), () => {
          world.workerClockShiftMs = 0;
        });
      }
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

function atTheTerminals({ hosts, plan, random, loop }: World): void {
  const host = random.pick(hosts);
  const forAWhile = (end: () => void): void => void loop.after(random.between(500, 15_000), end);
  if (plan.strikes("moved_by_hand")) host.moveByHand();
  if (plan.strikes("broker_link_lost")) forAWhile(host.cut("isConnected"));
  if (plan.strikes("trading_switched_off")) forAWhile(host.cut("isAutoTradingOn"));
  if (plan.strikes("terminal_unreachable")) forAWhile(host.cut("isReachable"));
}
