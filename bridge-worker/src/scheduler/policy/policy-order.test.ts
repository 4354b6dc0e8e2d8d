// Which work goes first, and where: accounts stay on terminals, changes keep their order, closes come before opens.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Desk, HOLDS } from "./testdata/desk.ts";

/** One terminal that is busy with lane X until `finish("t1")`. */
function busy(params: DeskParams = {}): Desk {
  const desk = new Desk({ params });
  desk.submit("X");
  desk.decide();
  return desk;
}
type DeskParams = NonNullable<ConstructorParameters<typeof Desk>[0]>["params"] & object;

describe("an account and its terminal", () => {
  it("the first work switches, the next ones run where the account is", () => {
    const desk = new Desk({ terminals: 2 });
    desk.submit("A");
    assert.deepEqual(desk.decide(), ["switch t1 A1"]);
    desk.finish("t1");
    desk.submit("A");
    assert.deepEqual(desk.decide(), ["run t1 A2"]);
  });

  it("is on at most one: its work waits for its own terminal while another one is idle", () => {
    const desk = new Desk({ terminals: 2 });
    desk.submit("A");
    desk.decide();
    desk.submit("A");
    assert.deepEqual(desk.decide(), []);
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["run t1 A2"]);
  });

  it("the terminal that is not on its account after all logs in again", () => {
    const desk = new Desk();
    desk.submit("A");
    desk.decide();
    desk.finish("t1", { onAccount: false });
    desk.submit("A");
    assert.deepEqual(desk.decide(), ["switch t1 A2"]);
  });

  it("an idle lane gives way to the one that is used less: sessions and habits both count", () => {
    const desk = new Desk({ terminals: 2 });
    for (let use = 0; use < 5; use++) desk.settle("A");
    desk.after(1_000).settle("B");
    desk.after(1_000).submit("C");
    assert.deepEqual(desk.decide(), ["switch t2 C7"]);
  });

  it("a terminal without account goes before any that has one", () => {
    const desk = new Desk({ terminals: 2 }).settle("A");
    desk.after(1e6).submit("B");
    assert.deepEqual(desk.decide(), ["switch t2 B2"]);
  });

  it("a lane that has only just changed something goes last: its snapshot would not show it yet", () => {
    const desk = new Desk({ terminals: 2, params: { settleMs: 100 } });
    for (let use = 0; use < 9; use++) desk.settle("A");
    desk.submit("B");
    desk.decide();
    desk.finish("t2");
    desk.after(99).submit("C");
    assert.deepEqual(desk.decide(), ["switch t1 C11"]);
  });
});

describe("changes", () => {
  it("of a lane keep their order, closes too", () => {
    const desk = busy();
    desk.submit("X", { kind: "open" });
    desk.submit("X", { kind: "close" });
    desk.submit("X", { kind: "change" });
    const order: string[] = [];
    for (let work = 0; work < 3; work++) {
      desk.finish("t1");
      order.push(...desk.decide());
    }
    assert.deepEqual(order, ["run t1 X2", "run t1 X3", "run t1 X4"]);
  });

  it("of different lanes: a close goes before an older open", () => {
    const desk = busy();
    desk.submit("A", { kind: "open" });
    desk.after(2_999).submit("B", { kind: "close" });
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["switch t1 B3"]);
  });

  it("but not before one that has waited longer by the lead of a close", () => {
    const desk = busy();
    desk.submit("A", { kind: "open" });
    desk.after(3_001).submit("B", { kind: "close" });
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["switch t1 A2"]);
  });

  it("a close that waits behind an open of its lane hurries that one", () => {
    const desk = busy();
    desk.submit("A", { kind: "open" });
    desk.after(10).submit("B", { kind: "open" });
    desk.after(10).submit("B", { kind: "close" });
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["switch t1 B3"]);
  });

  it("of other lanes go before reads, until those have waited long", () => {
    for (const [ageMs, first] of [
      [6_999, "switch t1 B3"],
      [7_001, "switch t1 A2"],
    ] as const) {
      const desk = busy();
      desk.read("A");
      desk.after(ageMs).submit("B");
      desk.finish("t1");
      assert.deepEqual(desk.decide(), [first]);
    }
  });

  it("go before the reads of their lane, and a read that has waited long before later changes", () => {
    for (const [ageMs, first] of [
      [3_000, "run t1 X3"],
      [3_001, "run t1 X2"],
    ] as const) {
      const desk = busy();
      desk.read("X");
      desk.submit("X");
      desk.after(ageMs).finish("t1");
      assert.deepEqual(desk.decide(), [first]);
    }
  });

  it("never are overtaken by a read that came later, however long it waits", () => {
    const desk = busy();
    desk.submit("X");
    desk.read("X");
    desk.after(9_000).finish("t1");
    assert.deepEqual(desk.decide(), ["run t1 X2"]);
  });
});

describe("a terminal with work for its own account", () => {
  it("goes on with it, unless another lane is overdue", () => {
    for (const [waitedMs, next] of [
      [4_000, "run t1 X4"],
      [4_001, "switch t1 A3"],
    ] as const) {
      const desk = busy();
      desk.finish("t1");
      desk.submit("X");
      desk.decide();
      desk.submit("A");
      desk.after(waitedMs).submit("X");
      desk.finish("t1");
      assert.deepEqual(desk.decide(), [next]);
    }
  });

  it("first serves what waited when it came: the gate", () => {
    const desk = busy();
    desk.submit("X");
    desk.submit("X");
    desk.submit("A");
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["run t1 X2"]);
    desk.after(4_500).submit("X");
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["run t1 X3"]);
    desk.after(10).finish("t1");
    assert.deepEqual(desk.decide(), ["switch t1 A4"]);
  });

  it("and keeps the account for a least time", () => {
    const desk = busy();
    desk.submit("A");
    desk.after(4_500).finish("t1");
    desk.submit("X");
    // Nothing waited when it came, so the gate is served; but it came only now.
    assert.deepEqual(desk.decide(), ["run t1 X3"]);
  });

  it("a lane that never ends does not keep it", () => {
    const desk = busy();
    desk.submit("A");
    for (let turn = 0; turn < 20; turn++) {
      desk.after(400).submit("X");
      desk.finish("t1");
      if (desk.decide().includes("switch t1 A2")) return;
    }
    assert.fail("A was never served");
  });
});

describe("a read that needs a switch", () => {
  it("waits for company before it takes a terminal, and a change does not", () => {
    const desk = new Desk({ params: HOLDS }).settle("X");
    desk.read("A");
    desk.after(1_999);
    assert.deepEqual(desk.decide(), []);
    desk.after(1);
    assert.deepEqual(desk.decide(), ["switch t1 A2"]);
    desk.finish("t1");
    desk.submit("B");
    assert.deepEqual(desk.decide(), ["switch t1 B3"]);
  });

  it("rides along with a change of its lane", () => {
    const desk = new Desk({ params: HOLDS }).settle("X");
    desk.read("A");
    desk.after(100).submit("A");
    assert.deepEqual(desk.decide(), ["switch t1 A3"]);
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["run t1 A2"]);
  });

  for (const guess of [
    { kind: "read", proven: false },
    { kind: "verify", deadlineMs: 30_000 },
  ] as const) {
    it(`is not held up by the ${guess.kind} of somebody above his share`, () => {
      const desk = new Desk({ params: HOLDS }).settle("X");
      for (let other = 0; other < 10; other++) desk.submit("B", { ...guess, id: `B ${other}`, user: "guesser" });
      desk.submit("A", { ...guess, user: "guesser" });
      desk.read("A");
      for (let other = 0; other < 10; other++) desk.policy.cancel(0, `B ${other}`);
      assert.deepEqual(desk.after(1_999).decide(), []);
      assert.equal(desk.after(1).decide().length, 1);
    });
  }

  it("takes an empty terminal, or one whose account nobody misses, at once", () => {
    const desk = new Desk({ terminals: 2, params: { ...HOLDS, coldPerSecond: 1 / 30 } });
    desk.read("A");
    assert.deepEqual(desk.decide(), ["switch t1 A1"]);
    desk.finish("t1");
    desk.settle("B");
    desk.after(60_000).read("C");
    assert.equal(desk.decide().length, 1);
  });

  it("does not wait while the terminals stand idle anyway, and does when they have been busy", () => {
    const desk = new Desk({ params: { coldPerSecond: 0 } }).settle("X");
    desk.read("A");
    assert.deepEqual(desk.decide(), ["switch t1 A2"]);
    desk.after(120_000).finish("t1");
    desk.read("B");
    assert.deepEqual(desk.decide(), []);
  });
});
