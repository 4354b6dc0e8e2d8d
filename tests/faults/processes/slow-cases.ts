// What takes longer than a run may: an answer that comes after the worker has given up waiting for it. Full form only.
import assert from "node:assert/strict";
import type { FaultCase } from "./campaign.ts";

/** The worker waits for a send until half a minute after the command's deadline. */
const GIVES_UP_MS = 45_000;

export const SlowCases: readonly FaultCase[] = [
  {
    name: "the answer of a send comes after the worker has given up",
    limitMs: 60_000,
    async run({ rig, run, campaign }) {
      // The terminal comes from another account: what follows must not need a login.
      await run.trade(rig.ann);
      await rig.broker.control({ send: [{ hang: true }] });
      const answer = run.trade(rig.ann, { timeout_ms: 2_000 });
      await rig.hanging();
      rig.rpc.takeHits();
      rig.rpc.treat("hold", "down");
      await rig.broker.control({ release: true });
      const told = await answer;
      assert.equal(told?.status, 202, told?.text);
      await campaign.isShownUnknown(run, rig.ann, told.body.command_id, "timeout", GIVES_UP_MS);
      const fired = rig.rpc.takeHits();
      return { fired, expect: "done" };
    },
  },
];
