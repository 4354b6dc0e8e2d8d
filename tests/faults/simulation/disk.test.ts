// The disk of the runs forgets at a crash what was not flushed, and nothing else.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Disk, type Unflushed } from "./disk.ts";
import { Lifeline } from "./lifeline.ts";
import { Loop } from "./loop.ts";
import { Random } from "./random.ts";

const NOTHING = { before: () => {}, after: () => {} };
const ENDING = { id: "c1", userId: "u1", kind: "trade", result: "signed", final: true };

function machine(): { loop: Loop; disk: Disk; life: Lifeline } {
  const loop = new Loop(new Random(1));
  return { loop, disk: new Disk(() => 1_000_000 + loop.now), life: new Lifeline(loop) };
}

describe("the simulated disk", () => {
  it("keeps what was written before a crash, as often as the worker dies", () => {
    const { loop, disk, life } = machine();
    disk.open(life, NOTHING).recordEnding(ENDING);
    life.cut();
    disk.crash();
    const next = disk.open(new Lifeline(loop), NOTHING);
    assert.equal(next.find("c1")?.result, "signed");
    disk.close();
  });

  it("loses a write that was said to be flushed and was not, and keeps it once it is", async () => {
    for (const [waitMs, result] of [
      [1_000, undefined],
      [60_000, "signed"],
    ] as const) {
      const { loop, disk, life } = machine();
      const unflushed: Unflushed = (name) => name === "recordEnding";
      disk.open(life, NOTHING, unflushed).recordEnding(ENDING);
      await loop.run(waitMs);
      life.cut();
      disk.crash();
      const found = disk.read();
      assert.equal(found.find("c1")?.result, result);
      found.close();
      disk.close();
    }
  });

  it("takes nothing from a process that is dead", () => {
    const { disk, life } = machine();
    const journal = disk.open(life, NOTHING);
    life.cut();
    journal.recordEnding(ENDING);
    const found = disk.read();
    assert.equal(found.find("c1"), undefined);
    found.close();
    disk.close();
  });

  it("begins anew when it is lost, and says since when it knows everything", () => {
    const { disk, life } = machine();
    const before = disk.open(life, NOTHING);
    before.recordEnding(ENDING);
    disk.lose();
    const found = disk.read();
    assert.equal(found.find("c1"), undefined);
    assert.equal(found.knowsSince, 1_000_000);
    assert.ok(before.knowsSince < found.knowsSince);
    found.close();
    disk.close();
  });
});
