// For each broken build the story in which it does harm. The same story on the sound build ends well: that is the other
// half of the test.

import type { Actor } from "./actors.ts";
import type { MutantName } from "./mutants.ts";
import { cancel, connect, read, submit } from "./requests.ts";
import { COMMAND, ended, order, pass, RESULT, type Scenario } from "./telling.ts";
import type { World } from "./world.ts";

export const Scenarios: Record<MutantName, Scenario> = {
  "skip J1's flush": { story: diesInTheSend },
  "skip the guard's account check": { faults: ["switched_before_send"], story: tradesOnce },
  "compare the login without the server": { faults: ["switched_to_same_login_elsewhere"], story: tradesOnce },
  "resend on 10012": { faults: ["send_10012_executed"], story: tradesOnce },
  "answer before J2": { faults: ["database_down_at_complete"], story: diesAfterTheAnswer },
  "forget keys at a restart": {
    async story(world) {
      await ended(world, submit(world, order(world)));
      world.replaceIsolate();
      world.replaceIsolate();
      await ended(world, submit(world, order(world)));
    },
  },
  "accept an expired envelope": { story: oldFrameInANewLife },
  "settle by absence at once": {
    faults: ["records_late", "terminal_restarted_in_send"],
    async story(world) {
      void submit(world, order(world));
      await pass(world, 200_000);
    },
  },
  "connect without a login where the terminal is logged in": {
    async story(world) {
      await ended(world, submit(world, order(world)));
      const stranger = world.actors.at(-1) as Actor;
      await ended(world, connect(world, stranger.userId, stranger.account, false));
    },
  },
  "no tombstone": { story: cancelledBeforeItCame },
  "the guard's time limit checked before its lock only": {
    faults: ["lock_held_before_send"],
    story: async (world) => {
      await ended(world, submit(world, { ...order(world), timeoutMs: 1_000 }));
      await pass(world, 40_000);
    },
  },
  "tags from a sequence": { story: everythingBeginsAnew },
  "a late unknown overwrites done": { faults: ["send_none_executed"], story: unknownComesLate },
};

async function tradesOnce(world: World): Promise<void> {
  await ended(world, submit(world, order(world)));
  await pass(world, 5_000);
}

/** The order is at the broker, and worker and terminal are gone before anybody knows; then the client asks again. */
async function diesInTheSend(world: World): Promise<void> {
  for (const { process } of world.hosts) {
    process.faults.addSend({ kind: "hang", until: world.loop.sleep(60_000), executes: true });
  }
  void submit(world, order(world));
  await pass(world, 2_000);
  world.machine.kill("in the send");
  for (const host of world.hosts) host.restart();
  await pass(world, 6_000);
  await ended(world, submit(world, order(world)));
}

/** Everyone has been told, the ledger could not be written, and the worker dies. */
async function diesAfterTheAnswer(world: World): Promise<void> {
  await ended(world, submit(world, order(world)));
  world.machine.kill("after the answer");
  world.plan.heal();
  await pass(world, 20_000);
  await ended(world, submit(world, order(world)));
}

/** A frame is held on the way until its command's time is over and the worker is another one. */
async function oldFrameInANewLife(world: World): Promise<void> {
  world.network.holds = (towards, text) => towards === "worker" && COMMAND.test(text);
  await ended(world, submit(world, { ...order(world), timeoutMs: 1_000 }));
  world.machine.kill("while the frame is held");
  await pass(world, 10_000);
  world.network.holds = null;
  await ended(world, read(world, world.actors[0] as Actor, "account_info"));
  world.network.letGo(true);
  await pass(world, 10_000);
}

async function cancelledBeforeItCame(world: World): Promise<void> {
  world.network.holds = (towards, text) => towards === "worker" && COMMAND.test(text);
  void submit(world, order(world));
  await pass(world, 3_000);
  const row = world.ledger.all[0];
  if (row !== undefined) await ended(world, cancel(world, row.userId, row.id));
  world.network.letGo(true);
  await pass(world, 15_000);
}

/** Database, journal and terminals are all new; the broker is the old one. */
async function everythingBeginsAnew(world: World): Promise<void> {
  await ended(world, submit(world, order(world)));
  world.ledger.reset();
  world.loseMemory();
  world.machine.kill("with its disk");
  for (const host of world.hosts) host.restart();
  await pass(world, 60_000);
  await ended(world, submit(world, { ...order(world), key: "another" }));
}

/** The worker says "unknown", proves "done", and the first word arrives last. */
async function unknownComesLate(world: World): Promise<void> {
  world.network.holds = (towards, text) => towards === "function" && RESULT.test(text);
  const answer = submit(world, order(world));
  await pass(world, 15_000);
  world.network.letGo();
  await ended(world, answer);
  await pass(world, 20_000);
}
