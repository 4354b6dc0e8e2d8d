// What a snapshot may answer, and what it never may: nothing older than asked for, nothing from before an own change,
// nothing for or from a credential that is not proven.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Desk, HOLDS } from "./testdata/desk.ts";
import type { Seen } from "./work.ts";

/** Lane A was read at 0 and has lost its terminal to X, which is busy: A could only be answered by its snapshot. */
function seen(): Desk {
  const desk = new Desk({ params: HOLDS }).settle("A", { snapshot: true });
  desk.submit("X");
  desk.decide();
  desk.policy.departed(desk.nowMs, "t1", null);
  return desk;
}
const seenAt = (snapshotAtMs: number): Seen => ({ snapshotAtMs, exposed: null });
const SNAPSHOT = { kind: "snapshot", takenAtMs: 0 };
const QUEUED = { kind: "queued" };

describe("a snapshot", () => {
  it("answers a read that takes its age, and no other", () => {
    const desk = seen().after(2_000);
    assert.deepEqual(desk.read("A", { maxAgeMs: 2_000 }), SNAPSHOT);
    assert.deepEqual(desk.read("A", { maxAgeMs: 1_999 }), QUEUED);
    assert.deepEqual(desk.read("A", { maxAgeMs: 0 }), QUEUED);
  });

  it("answers nothing for an unproven credential, nothing that it does not hold, and no change", () => {
    const desk = seen();
    assert.deepEqual(desk.read("A", { maxAgeMs: 9_000, proven: false }), QUEUED);
    assert.deepEqual(desk.read("A", { maxAgeMs: 9_000, snapshotable: false }), QUEUED);
    assert.deepEqual(desk.submit("A", { maxAgeMs: 9_000 }), QUEUED);
  });

  it("answers nothing behind a change of the lane that waits", () => {
    const desk = seen();
    desk.submit("A");
    assert.deepEqual(desk.read("A", { maxAgeMs: 9_000 }), QUEUED);
  });

  it("answers nothing while a change runs, and nothing from before it when it has ended", () => {
    const desk = seen();
    desk.submit("A");
    desk.finish("t1");
    desk.decide();
    assert.deepEqual(desk.read("A", { maxAgeMs: 9_000 }), QUEUED);
    desk.finish("t1", { workMs: null });
    desk.decide();
    assert.deepEqual(desk.read("A", { maxAgeMs: 9_000 }), QUEUED);
  });

  it("is passed over when the account's own terminal is idle: that is as fast, and fresh", () => {
    const desk = new Desk().settle("A", { snapshot: true });
    assert.deepEqual(desk.read("A", { maxAgeMs: 9_000 }), QUEUED);
    assert.deepEqual(desk.decide(), ["run t1 A2"]);
    assert.deepEqual(desk.read("A", { maxAgeMs: 9_000 }), SNAPSHOT);
  });

  it("is used for a minute at most: whoever keeps it may drop it then", () => {
    const desk = seen().after(60_000);
    assert.deepEqual(desk.read("A", { maxAgeMs: 1e9 }), SNAPSHOT);
    assert.deepEqual(desk.after(1).read("A", { maxAgeMs: 1e9 }), QUEUED);
  });
});

describe("a read that takes a snapshot", () => {
  /** The terminal reads A; more reads have come in meanwhile. */
  function reading(): Desk {
    const desk = new Desk();
    desk.read("A");
    desk.decide();
    return desk;
  }

  it("answers the reads that wait for the same", () => {
    const desk = reading();
    desk.read("A");
    desk.read("A", { snapshotable: false });
    desk.read("A", { proven: false });
    assert.deepEqual(desk.finish("t1", { ...seenAt(desk.nowMs) }), ["A2"]);
    assert.deepEqual(desk.decide(), ["run t1 A3"]);
  });

  it("not those that came after it was taken and ask the terminal", () => {
    const desk = reading().after(10);
    desk.read("A", { maxAgeMs: 9 });
    desk.read("A", { maxAgeMs: 10 });
    assert.deepEqual(desk.finish("t1", { ...seenAt(0) }), ["A3"]);
  });

  it("not those behind a change that still waits", () => {
    const desk = reading();
    desk.read("A");
    desk.submit("A");
    desk.read("A");
    assert.deepEqual(desk.finish("t1", { ...seenAt(desk.nowMs) }), ["A2"]);
  });

  it("leaves nothing when the terminal turned out to be on another account", () => {
    const desk = reading();
    desk.read("A");
    assert.deepEqual(desk.finish("t1", { ...seenAt(desk.nowMs), onAccount: false }), []);
    assert.deepEqual(desk.read("A", { maxAgeMs: 9_000 }), QUEUED);
  });

  it("leaves nothing when it came too soon after a change to show it", () => {
    const desk = new Desk({ params: { settleMs: 100 } });
    desk.submit("A");
    desk.decide();
    desk.finish("t1");
    desk.read("A");
    desk.decide();
    desk.after(99).finish("t1", { ...seenAt(desk.nowMs) });
    desk.read("A", { maxAgeMs: 9_000 });
    desk.decide();
    assert.deepEqual(desk.read("A", { maxAgeMs: 9_000 }), QUEUED);
    desk.after(1).finish("t1", { ...seenAt(desk.nowMs) });
    desk.submit("X");
    desk.decide();
    assert.deepEqual(desk.read("A", { maxAgeMs: 9_000 }), { kind: "snapshot", takenAtMs: 100 });
  });
});

describe("the farewell", () => {
  const farewellOf = (desk: Desk): unknown => {
    const [decision] = desk.decisions();
    return decision?.kind === "switch" ? decision.farewell : decision;
  };

  it("reads the account once more before it goes; its reads are answered by that", () => {
    const desk = new Desk({ params: HOLDS }).settle("A");
    desk.after(500).submit("X");
    assert.deepEqual(farewellOf(desk), { lane: "A", notBeforeMs: 500 });
    desk.after(10).read("A");
    assert.deepEqual(
      desk.policy.departed(desk.nowMs, "t1", seenAt(desk.nowMs)).map(({ id }) => id),
      ["A3"],
    );
    assert.deepEqual(desk.read("A", { maxAgeMs: 2_000 }), { kind: "snapshot", takenAtMs: 510 });
  });

  it("is not said to an account that nobody has used for a minute, or that was read just now", () => {
    const desk = new Desk().settle("A");
    desk.after(60_001).submit("X");
    assert.equal(farewellOf(desk), null);
    const fresh = new Desk().settle("A", { snapshot: true });
    fresh.after(100).submit("X");
    assert.equal(farewellOf(fresh), null);
  });

  it("waits until the account's last change shows", () => {
    const desk = new Desk({ params: { settleMs: 100 } });
    desk.submit("A");
    desk.decide();
    desk.after(50).finish("t1");
    desk.after(30).submit("X");
    assert.deepEqual(farewellOf(desk), { lane: "A", notBeforeMs: 150 });
  });

  it("keeps the account from every other terminal until it is over", () => {
    const desk = new Desk({ terminals: 2 }).settle("A").settle("B");
    desk.after(200).submit("X");
    assert.deepEqual(farewellOf(desk), { lane: "A", notBeforeMs: 200 });
    desk.submit("A");
    assert.deepEqual(desk.decide(), []);
    desk.policy.departed(desk.nowMs, "t1", null);
    assert.deepEqual(desk.decide(), ["switch t2 A4"]);
  });

  it("is over at the latest when the terminal has done its work", () => {
    const desk = new Desk({ terminals: 2 }).settle("A").settle("B");
    desk.after(200).submit("X");
    desk.decide();
    desk.submit("A");
    desk.finish("t1");
    assert.equal(desk.decide().length, 1);
  });
});
