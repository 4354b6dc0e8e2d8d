// Whoever holds positions may have to get out of them: his account is kept longer than one that is used as much.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Desk } from "./testdata/desk.ts";

/** A on t1 and B on t2; B was used more, and later. Without positions A goes first. */
function desk(heldByA: boolean | null): Desk {
  const two = new Desk({ terminals: 2 }).settle("A", { exposed: heldByA });
  return two.after(1_000).settle("B").settle("B").after(1_000);
}
const goesFor = (two: Desk, lane = "C"): string => {
  two.submit(lane);
  return two.decide()[0] ?? "";
};

describe("an account that holds positions", () => {
  it("is kept before one that is used somewhat more", () => {
    assert.match(goesFor(desk(false)), /^switch t1 /);
    assert.match(goesFor(desk(true)), /^switch t2 /);
  });

  it("goes nevertheless when the other one is used far more", () => {
    const two = desk(true);
    for (let read = 0; read < 9; read++) two.settle("B");
    assert.match(goesFor(two), /^switch t1 /);
  });

  it("is known by what was seen last, and work that sees nothing leaves it as it was", () => {
    assert.match(goesFor(desk(null)), /^switch t1 /);
    const still = desk(true);
    still.submit("A");
    still.decide();
    still.finish("t1", { exposed: null });
    for (let read = 0; read < 2; read++) still.settle("B");
    assert.match(goesFor(still), /^switch t2 /);
    const closed = desk(true);
    closed.submit("A", { kind: "close" });
    closed.decide();
    closed.finish("t1", { exposed: false });
    for (let read = 0; read < 2; read++) closed.settle("B");
    assert.match(goesFor(closed), /^switch t1 /);
  });

  it("is known by the farewell, too", () => {
    const left = (exposed: boolean): string => {
      const two = new Desk({ terminals: 2 }).settle("A").settle("X").after(1_000);
      two.settle("X");
      assert.match(goesFor(two), /^switch t1 /);
      two.policy.departed(two.nowMs, "t1", { snapshotAtMs: two.nowMs, exposed });
      two.finish("t1");
      // Back again, and less used than X.
      two.settle("A").after(2_000);
      for (let read = 0; read < 2; read++) two.settle("X");
      return goesFor(two, "D");
    };
    assert.notEqual(left(true), left(false));
  });

  it("of what is seen on a terminal that turned out to be elsewhere nothing is kept", () => {
    const two = desk(false);
    two.submit("A");
    two.decide();
    two.finish("t1", { exposed: true, onAccount: false });
    two.submit("A");
    two.decide();
    two.finish("t1");
    for (let read = 0; read < 3; read++) two.settle("B");
    assert.match(goesFor(two), /^switch t1 /);
  });
});
