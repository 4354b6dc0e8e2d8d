// The links, cut in every way: between function and worker, and between worker and terminal.
import assert from "node:assert/strict";
import { until } from "../../support/stack.ts";
import type { FaultCase, Stage } from "./campaign.ts";
import type { Rig } from "./rig.ts";
import type { Direction } from "./tcp-proxy.ts";

/** Over before a cut link is mended. */
const SHORT = { timeout_ms: 1_000 };
const PATIENT = { timeout_ms: 8_000 };

export const LinkCases: readonly FaultCase[] = [
  frameLost("silent in both directions", ["up", "down"], "expired"),
  frameLost("silent on the way to the worker", ["up"], "expired"),
  frameLost("silent on the way to the function", ["down"], "done"),
  {
    name: "function and worker: the frame is held past its time, then released",
    async run({ rig, run }) {
      await rig.freshLink();
      rig.link.takeHits();
      rig.link.treat("hold", "up");
      const answer = await run.trade(rig.ann, SHORT);
      assert.equal(answer?.status, 202, answer?.text);
      const fired = rig.link.takeHits();
      rig.link.heal();
      return { fired, expect: "expired" };
    },
  },
  {
    name: "function and worker: reset while the terminal sends",
    async run({ rig, run }) {
      await rig.broker.control({ send: [{ hang: true }] });
      const answer = run.trade(rig.ann, PATIENT);
      await rig.hanging();
      rig.link.takeHits();
      rig.link.reset();
      await rig.broker.control({ release: true });
      // The same request, over another link, to the same command.
      assert.equal((await answer)?.status, 200);
      return { fired: rig.link.takeHits(), expect: "done" };
    },
  },
  {
    name: "function and worker: the answer is held, then released",
    async run({ rig, run }) {
      await rig.broker.control({ send: [{ hang: true }] });
      const answer = run.trade(rig.ann, PATIENT);
      await rig.hanging();
      rig.link.takeHits();
      rig.link.treat("hold", "down");
      await rig.broker.control({ release: true });
      let fired = 0;
      await until("the answer is held", async () => {
        fired += rig.link.takeHits();
        return fired > 0;
      });
      rig.link.heal();
      assert.equal((await answer)?.status, 200);
      return { fired, expect: "done" };
    },
  },
  {
    name: "worker and terminal: silent while it sends",
    async run(stage) {
      return { fired: await answerLost(stage, "drop", ["up", "down"]), expect: "done" };
    },
  },
  {
    name: "worker and terminal: the answer is lost",
    async run(stage) {
      return { fired: await answerLost(stage, "drop", ["down"]), expect: "done" };
    },
  },
  {
    name: "worker and terminal: the answer is held, then released",
    async run(stage) {
      return { fired: await answerLost(stage, "hold", ["down"]), expect: "done" };
    },
  },
  {
    name: "worker and terminal: reset while it sends",
    async run({ rig, run }) {
      await rig.broker.control({ send: [{ hang: true }] });
      const answer = run.trade(rig.ann, PATIENT);
      await rig.hanging();
      rig.rpc.takeHits();
      rig.rpc.reset();
      const fired = rig.rpc.takeHits();
      await answer;
      await rig.broker.control({ release: true });
      return { fired, expect: "done" };
    },
  },
  {
    name: "worker and terminal: the request to send is lost",
    async run({ rig, run }) {
      const cut = async (): Promise<void> => rig.rpc.treat("drop", "up");
      rig.rpc.takeHits();
      const pending = rig.holdWorkerAt("intent_written", () => run.trade(rig.ann, PATIENT), cut);
      const fired = await untilHit(rig);
      rig.rpc.heal();
      await pending;
      return { fired, expect: "refused" };
    },
  },
  {
    name: "worker and terminal: what it reads before the send comes after the time-out",
    async run({ rig, run }) {
      rig.rpc.takeHits();
      rig.rpc.treat("hold", "down");
      const answer = await run.trade(rig.ann, PATIENT);
      assert.equal(answer?.body.executed, false, answer?.text);
      return { fired: rig.rpc.takeHits(), expect: "refused" };
    },
  },
];

/** The command's frame meets a link that swallows; the client hears nothing, and asks when the link is whole again. */
function frameLost(how: string, directions: readonly Direction[], expect: string): FaultCase {
  return {
    name: `function and worker: ${how}`,
    async run({ rig, run }) {
      await rig.freshLink();
      rig.link.takeHits();
      rig.link.treat("drop", ...directions);
      const answer = await run.trade(rig.ann, SHORT);
      assert.equal(answer?.status, 202, answer?.text);
      const fired = rig.link.takeHits();
      rig.link.heal();
      return { fired, expect };
    },
  };
}

/** The terminal has the order, and the worker does not hear of it before the link is whole again. */
async function answerLost(
  { rig, run }: Stage,
  treatment: "drop" | "hold",
  directions: readonly Direction[],
): Promise<number> {
  await rig.broker.control({ send: [{ hang: true }] });
  const answer = run.trade(rig.ann, PATIENT);
  await rig.hanging();
  rig.rpc.takeHits();
  rig.rpc.treat(treatment, ...directions);
  await rig.broker.control({ release: true });
  const fired = await untilHit(rig);
  rig.rpc.heal();
  await answer;
  return fired;
}

async function untilHit({ rpc }: Rig): Promise<number> {
  let hits = 0;
  await until("the fault meets the terminal's link", async () => {
    hits += rpc.takeHits();
    return hits > 0;
  });
  return hits;
}
