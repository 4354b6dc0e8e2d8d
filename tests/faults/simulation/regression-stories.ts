// For each fault that was put back the story in which it does harm. On the sound build it ends well.
import type { Actor } from "./actors.ts";
import type { Isolate } from "./isolate.ts";
import type { OrderOddity } from "./paper-broker.ts";
import type { RegressionName } from "./regressions.ts";
import { ask, read, type Submission, submit } from "./requests.ts";
import { COMMAND, ended, order, pass, RESULT, type Scenario, WELCOME } from "./telling.ts";
import type { World } from "./world.ts";

const DAYS_MS = 40 * 86_400_000;
/** Nobody asks: by then the second look that counts is over. */
const PROOF_MS = 300_000;

export const RegressionStories: Record<RegressionName, Scenario> = {
  "a command does not age while its frame is on the way": { story: heldFrameAndANewJournal },
  "a frame that is too late ends its command without a second look": { story: lateAndInTime },
  "that no account was shown after a send counts for nothing": { story: astrayAndAnswered },
  "what a process tells of another account is not written down": { story: astrayAndInterrupted },
  "an order that was filled in part is taken for a cancelled one": { story: filledInPart },
  "a stop that has the tag is no trace": { story: stoppedAtOnce },
  "records are looked through up to the machine's own time": { story: clockOfLongAgo },
  "a journal from the future knows nothing": { story: journalFromTheFuture, isSettled: true },
  "an opening counts as shown before the lists show it": { story: twoOpeningsAtOnce },
  "a settled opening counts as shown before the lists show it": { story: settledAndNotShown },
  "what has to wait again goes behind what came later": { faults: ["last_look_lost"], story: terminalLostForTheFirst },
};

/** The worker has sent the order and lost its memory of it; the client's next request is held a while. */
async function heldFrameAndANewJournal(world: World): Promise<void> {
  world.network.holds = (towards, text) => towards === "function" && RESULT.test(text);
  void submit(world, order(world));
  await pass(world, 2_000);
  world.network.holds = null;
  world.network.held.splice(0);
  world.loseMemory();
  world.machine.kill("with its disk");
  for (const host of world.hosts) host.restart();
  await pass(world, 8_000);
  world.network.holds = (towards, text) => towards === "worker" && COMMAND.test(text);
  void submit(world, order(world));
  await pass(world, 4_000);
  world.network.letGo(true);
  await pass(world, 20_000);
}

/**
 * Two frames of one command, by isolates that reckon its time differently: the first comes a moment too late, the second in
 * time.
 */
async function lateAndInTime(world: World): Promise<void> {
  const [quick, slow] = world.isolates as [Isolate, Isolate];
  const { network } = world;
  const only = (isolate: Isolate): unknown => world.isolates.splice(0, 2, isolate);
  only(quick);
  await ended(world, submit(world, order(world)));
  // The greeting of its link takes its time: this isolate reckons with less of it.
  only(slow);
  network.holds = (towards, text) => towards === "function" && WELCOME.test(text);
  const opened = read(world, world.actors[0] as Actor, "account_info");
  await pass(world, 1_500);
  network.letGo();
  await ended(world, opened);
  network.holds = (towards, text) => towards === "worker" && COMMAND.test(text);
  const second = { ...order(world), key: "second", timeoutMs: 5_000 };
  void submit(world, second);
  await pass(world, 4_000);
  only(quick);
  void submit(world, second);
  await pass(world, 100);
  network.letGo();
  await pass(world, 10_000);
}

/** The broker said yes, and no account was shown; then worker and terminal begin anew, twice. */
async function astrayAndAnswered(world: World): Promise<void> {
  await ended(world, submit(world, order(world)));
  await goesAstray(world);
  await pass(world, 5_000);
  await beginAnewTwice(world);
}

/** The same, and the worker is gone before it has the answer: the terminal's process tells it to the next one. */
async function astrayAndInterrupted(world: World): Promise<void> {
  await ended(world, submit(world, order(world)));
  await goesAstray(world);
  await world.loop.run(world.loop.now + 5_000, () => world.observer.sendings.length > 1);
  world.machine.kill("in the send");
  await pass(world, 20_000);
  await beginAnewTwice(world);
}

async function goesAstray(world: World): Promise<void> {
  for (const { process } of world.hosts) process.faults.addSend({ kind: "switch_account", to: null });
  const { account } = world.actors[4] as Actor;
  await odd(world, { ...order(world), key: "second" }, { strays: account });
}

async function beginAnewTwice(world: World): Promise<void> {
  for (let times = 0; times < 2; times += 1) {
    world.machine.kill("to begin anew");
    for (const host of world.hosts) host.restart();
    await pass(world, 15_000);
  }
  await pass(world, PROOF_MS);
}

async function filledInPart(world: World): Promise<void> {
  for (const { process } of world.hosts) silent(process);
  const params = { symbol: "XAUUSD", order_type: "buy" as const, volume: 0.03 };
  await odd(world, { ...order(world), request: { kind: "trade", params } }, { inPart: true });
  await pass(world, 30_000);
}

async function stoppedAtOnce(world: World): Promise<void> {
  await ended(world, submit(world, order(world)));
  for (const { process } of world.hosts) silent(process);
  await odd(world, { ...order(world), key: "second" }, { stopped: true });
  await pass(world, PROOF_MS);
}

/** Worker and terminal are gone in the send, and the machine comes back with a clock of long ago. */
async function clockOfLongAgo(world: World): Promise<void> {
  await ended(world, submit(world, order(world)));
  void submit(world, { ...order(world), key: "second" });
  await world.loop.run(world.loop.now + 5_000, () => world.observer.booked.length > 1);
  world.workerClockShiftMs = -DAYS_MS;
  world.machine.kill("with its machine");
  for (const host of world.hosts) host.restart();
  await pass(world, PROOF_MS);
}

/** The clock was far ahead when the journal was made. */
async function journalFromTheFuture(world: World): Promise<void> {
  world.workerClockShiftMs = DAYS_MS;
  world.loseMemory();
  world.machine.kill("with its disk");
  await pass(world, 10_000);
  world.workerClockShiftMs = 0;
  await pass(world, 100_000);
  await ended(world, submit(world, order(world)));
}

/** One position is there, two are allowed: of two more at once the second one is too much. */
async function twoOpeningsAtOnce(world: World): Promise<void> {
  await oneOfTwo(world);
  const more = ["second", "third"].map((key) => submit(world, { ...order(world), key }));
  await ended(world, Promise.all(more));
}

/** The second one was unknown, and is found in the records before it is in the lists. */
async function settledAndNotShown(world: World): Promise<void> {
  await oneOfTwo(world);
  for (const { process } of world.hosts) silent(process);
  await ended(world, submit(world, { ...order(world), key: "second" }));
  const { userId, id } = world.ledger.all.at(-1) as World["ledger"]["all"][number];
  await ended(world, ask(world, userId, id));
  for (const { process } of world.hosts) process.faults.takeSend();
  await ended(world, submit(world, { ...order(world), key: "third" }));
}

/** The terminal that the first of three orders was given is lost before it began, by the last look at another account. */
async function terminalLostForTheFirst(world: World): Promise<void> {
  const [one, , , two, three] = world.actors as [Actor, Actor, Actor, Actor, Actor];
  for (const actor of [one, two])
    await ended(world, submit(world, { ...order(world), actor, key: actor.account.login }));
  await pass(world, 8_000);
  // The look takes as long as it takes the others to come.
  for (const { process } of world.hosts) void process.exclusive(() => world.loop.sleep(500));
  for (const key of ["second", "third", "fourth"]) {
    void submit(world, { ...order(world), actor: three, key });
    await pass(world, 50);
  }
  await pass(world, 30_000);
}

async function oneOfTwo(world: World): Promise<void> {
  world.oddities.listsLateMs = 1_500;
  for (const account of world.ledger.accounts.values()) account.riskLimits = { max_open_positions: 2 };
  await ended(world, submit(world, order(world)));
  await pass(world, 5_000);
}

/** The order is made, and `order_send` answers nothing. */
function silent({ faults }: World["hosts"][number]["process"]): void {
  faults.addSend({ kind: "none", lastError: [-10005, "IPC timeout"], executes: true });
}

/** An order with which the broker does something odd: its tag is known before its frame arrives. */
async function odd(world: World, submission: Submission, oddity: OrderOddity): Promise<void> {
  world.network.holds = (towards, text) => towards === "worker" && COMMAND.test(text);
  void submit(world, submission);
  await world.loop.run(world.loop.now + 5_000, () => world.network.held.length > 0);
  world.oddities.orders.set(world.ledger.all.at(-1)?.tag ?? 0, oddity);
  world.network.letGo();
}
