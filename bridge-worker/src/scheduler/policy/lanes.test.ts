// The memory of accounts is bounded: by time and by number, and never at the cost of one that is in use.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Desk } from "./testdata/desk.ts";

describe("Lanes", () => {
  it("remembers a lane for the time that its use counts, and no longer", () => {
    const desk = new Desk({ params: { forgetMs: 60_000 } });
    desk.settle("A").settle("B").settle("C");
    assert.equal(desk.policy.lanes, 3);
    desk.after(60_001).settle("D");
    // C is still where the terminal was when D came.
    assert.equal(desk.policy.lanes, 2);
  });

  it("forgets the unused ones also behind one that is used all the time", () => {
    const desk = new Desk({ params: { forgetMs: 60_000 } }).settle("A").settle("B").settle("C");
    desk.after(50_000).settle("A");
    desk.after(50_000).settle("A").settle("A");
    assert.equal(desk.policy.lanes, 1);
  });

  it("keeps at most so many idle lanes, the last used ones", () => {
    const desk = new Desk({ params: { maxIdleLanes: 10 } });
    for (let lane = 0; lane < 100; lane++) desk.after(1).settle(`lane ${lane}`);
    assert.ok(desk.policy.lanes <= 12, String(desk.policy.lanes));
  });

  it("never forgets one with a terminal or with work", () => {
    const desk = new Desk({ terminals: 2, params: { forgetMs: 1_000, maxIdleLanes: 1 } });
    desk.settle("A");
    desk.after(5_000);
    desk.submit("B");
    desk.decide();
    desk.submit("C", { deadlineMs: 1e9 });
    for (let lane = 0; lane < 20; lane++) desk.after(2_000).read(`lane ${lane}`);
    assert.deepEqual(desk.policy.cancel(desk.nowMs, "C3"), true);
    desk.finish("t2");
    desk.submit("B");
    assert.ok(desk.decide().some((decision) => decision.startsWith("run t2 B")));
  });
});
