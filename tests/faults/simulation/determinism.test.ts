// A failing seed is worth something only if it fails again.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runSeed } from "./run.ts";

describe("a run", () => {
  it("is the same event by event when its seed is the same, also after other runs", async () => {
    for (const seed of [4, 7]) {
      const first = await runSeed(seed, { keepsTrace: true });
      await runSeed(seed + 1);
      const again = await runSeed(seed, { keepsTrace: true });
      assert.deepEqual(again.trace, first.trace);
      assert.deepEqual([again.hash, again.events, again.fired], [first.hash, first.events, first.fired]);
    }
  });

  it("is another one when its seed is another", async () => {
    assert.notEqual((await runSeed(4)).hash, (await runSeed(6)).hash);
  });

  it("takes virtual time only: an hour passes as fast as its events do", async () => {
    const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const { virtualMs } = await runSeed(8);
    assert.ok(virtualMs > 80_000);
    assert.equal(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length, timers);
  });
});
