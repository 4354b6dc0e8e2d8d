// Frames that come twice, or again: on the same link, on another one, and after the worker has started anew.
import assert from "node:assert/strict";
import type { FaultCase } from "./campaign.ts";
import type { RecordedFrame } from "./frame-tap.ts";
import type { Rig } from "./rig.ts";

export const FrameCases: readonly FaultCase[] = [
  {
    name: "every command frame comes twice",
    async run({ rig, run }) {
      const before = rig.frames.doubled;
      rig.frames.doubleCommands(true);
      const answers = await Promise.all([run.trade(rig.ann), run.trade(rig.bob), run.trade(rig.ann)]);
      rig.frames.doubleCommands(false);
      assert.deepEqual([...new Set(answers.map((answer) => answer?.status))], [200]);
      return { fired: rig.frames.doubled - before, expect: "done" };
    },
  },
  {
    name: "a recorded frame is put on another link",
    async run({ rig, run }) {
      assert.equal((await run.trade(rig.ann))?.status, 200);
      const frame = newestCommand(rig);
      rig.link.reset();
      assert.equal((await run.trade(rig.ann))?.status, 200);
      const fired = rig.frames.replay(frame) ? 1 : 0;
      // Behind it on the same link: when this one is answered, the replayed one has been read.
      assert.equal((await run.trade(rig.ann))?.status, 200);
      return { fired, expect: "done" };
    },
  },
  {
    name: "a recorded frame is put on a link after the worker started anew",
    async run({ rig, run }) {
      assert.equal((await run.trade(rig.ann))?.status, 200);
      const frame = newestCommand(rig);
      await rig.killWorker();
      assert.equal((await run.trade(rig.ann))?.status, 200);
      const refusals = refused(rig, frame);
      assert.ok(rig.frames.replay(frame));
      assert.equal((await run.trade(rig.ann))?.status, 200);
      return { fired: refused(rig, frame) - refusals, expect: "done" };
    },
  },
  {
    name: "a frame that never arrived is put on a link after the worker started anew",
    async run({ rig, run }) {
      await rig.freshLink();
      rig.link.treat("drop", "up", "down");
      const answer = await run.trade(rig.ann, { timeout_ms: 1_000 });
      assert.equal(answer?.status, 202, answer?.text);
      const frame = newestCommand(rig);
      rig.link.heal();
      await rig.killWorker();
      assert.equal((await run.trade(rig.bob))?.status, 200);
      const refusals = refused(rig, frame);
      assert.ok(rig.frames.replay(frame));
      assert.equal((await run.trade(rig.bob))?.status, 200);
      return { fired: refused(rig, frame) - refusals };
    },
  },
];

function newestCommand({ frames }: Rig): RecordedFrame {
  const frame = frames.frames.findLast(({ type }) => type === "command");
  assert.ok(frame, "no command was seen on the link");
  return frame;
}

/** How often the worker has said no to this very frame. */
function refused({ stack }: Rig, { id }: RecordedFrame): number {
  const lines = stack.output().split("\n");
  return lines.filter((line) => line.includes("link.call_refused") && line.includes(id)).length;
}
