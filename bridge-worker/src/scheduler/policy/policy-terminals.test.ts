// Terminals that come and go, that may not serve everybody, or that serve one account alone; and verifications, which
// take whatever terminal is missed least.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Desk, HOLDS } from "./testdata/desk.ts";

describe("a terminal's state", () => {
  it("is disconnected at first: nothing runs before it is up", () => {
    const desk = new Desk({ up: false });
    desk.submit("A");
    assert.deepEqual(desk.decide(), []);
    desk.policy.terminalChanged(0, "t1", "up");
    assert.deepEqual(desk.decide(), ["switch t1 A1"]);
  });

  it("up on an account that it was found on: no login is needed there", () => {
    const desk = new Desk({ up: false, terminals: 2 });
    desk.policy.terminalChanged(0, "t1", "up");
    desk.policy.terminalChanged(0, "t2", "up", { lane: "A", server: "server" });
    desk.submit("A");
    assert.deepEqual(desk.decide(), ["run t2 A1"]);
  });

  it("up on an account that another terminal has: that one keeps it", () => {
    const desk = new Desk({ terminals: 2 });
    desk.submit("A");
    desk.decide();
    desk.policy.terminalChanged(0, "t2", "up", { lane: "A", server: "server" });
    desk.submit("A");
    assert.deepEqual(desk.decide(), []);
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["run t1 A2"]);
  });

  it("up on an account that it may not serve: that one is served where it may be", () => {
    const desk = new Desk({
      terminals: [
        { id: "t1", servers: null, pinned: ["P"] },
        { id: "t2", servers: null, pinned: [] },
      ],
    });
    desk.policy.terminalChanged(0, "t2", "up", { lane: "P", server: "server" });
    desk.submit("P");
    assert.deepEqual(desk.decide(), ["switch t1 P1"]);
  });

  for (const state of ["draining", "quarantined", "disconnected"] as const) {
    it(`${state}: its account is served elsewhere, waiting work too`, () => {
      const desk = new Desk({ terminals: 2 });
      desk.submit("A");
      desk.decide();
      desk.submit("A");
      desk.policy.terminalChanged(0, "t1", state);
      // The first work may still do something there.
      assert.deepEqual(desk.decide(), []);
      desk.finish("t1");
      assert.deepEqual(desk.decide(), ["switch t2 A2"]);
    });

    it(`${state} while it is idle: at once`, () => {
      const desk = new Desk({ terminals: 2 }).settle("A");
      desk.policy.terminalChanged(0, "t1", state);
      desk.submit("A");
      assert.deepEqual(desk.decide(), ["switch t2 A2"]);
    });
  }

  it("held: it takes nothing and keeps its account", () => {
    const desk = new Desk({ terminals: 2 }).settle("A");
    desk.policy.terminalChanged(0, "t1", "held");
    desk.submit("A");
    assert.deepEqual(desk.decide(), []);
    desk.policy.terminalChanged(0, "t1", "up");
    assert.deepEqual(desk.decide(), ["run t1 A2"]);
  });

  describe("that reaches no broker", () => {
    /** t1 fails a login; the server is one that others have reached, or was never reached. */
    function stranded(isReachable: boolean): Desk {
      const desk = new Desk({ terminals: 3 });
      if (isReachable) {
        desk.submit("A");
        desk.decide();
        desk.finish("t1", { loginMs: 100, onAccount: false });
      }
      desk.submit("B");
      desk.decide();
      desk.finish("t1", { workMs: null, onAccount: false, stranded: true });
      return desk;
    }
    const nextTwo = (desk: Desk): string[] => {
      for (const lane of ["C", "D"]) desk.submit(lane, { id: lane, server: `server of ${lane}` });
      return desk.decide();
    };

    it("comes behind the other empty ones", () => {
      assert.deepEqual(nextTwo(stranded(false)), ["switch t2 C", "switch t3 D"]);
    });

    it("comes before one on an account, if nobody has reached that broker", () => {
      const desk = stranded(false).settle("X").settle("Y");
      desk.submit("C", { id: "C" });
      assert.deepEqual(desk.decide(), ["switch t1 C"]);
    });

    it("comes after every other, if others have reached it, for a minute, and not when all are busy", () => {
      const desk = stranded(true).settle("X").settle("Y").after(59_999);
      assert.deepEqual(nextTwo(desk), ["switch t2 C", "switch t3 D"]);
      desk.submit("E", { id: "E" });
      assert.deepEqual(desk.decide(), ["switch t1 E"]);
      const later = stranded(true).settle("X").settle("Y").after(60_000);
      later.submit("C", { id: "C" });
      assert.deepEqual(later.decide(), ["switch t1 C"]);
    });

    it("is as good as any when it has reached one again, and not because of a work that came to no login", () => {
      for (const [end, next] of [
        [{ loginMs: 100 }, "switch t1 F"],
        [{ workMs: null, onAccount: false }, "switch t2 F"],
      ] as const) {
        const desk = stranded(true).settle("X").settle("Y");
        for (const lane of ["C", "D", "E"]) desk.submit(lane, { id: lane });
        assert.equal(desk.decide().length, 3);
        desk.finish("t1", end);
        desk.policy.terminalChanged(desk.nowMs, "t1", "up", null);
        for (const terminal of ["t2", "t3"]) desk.finish(terminal);
        desk.submit("F", { id: "F" });
        assert.deepEqual(desk.decide(), [next]);
      }
    });
  });

  it("tells how much waits for its account", () => {
    const desk = new Desk({ terminals: 2 });
    for (let work = 0; work < 3; work++) desk.submit("A");
    assert.equal(desk.policy.waitingAt("t1"), 0);
    desk.decide();
    assert.deepEqual([desk.policy.waitingAt("t1"), desk.policy.waitingAt("t2")], [2, 0]);
  });

  it("ends nothing that it does not run", () => {
    const desk = new Desk();
    assert.throws(() => desk.finish("t1"), RangeError);
    assert.throws(() => desk.finish("t9"), RangeError);
  });
});

describe("servers and pins", () => {
  it("a terminal serves the servers that it may log in to", () => {
    const desk = new Desk({
      terminals: [
        { id: "t1", servers: ["one"], pinned: [] },
        { id: "t2", servers: null, pinned: [] },
      ],
    });
    desk.submit("A", { server: "two" });
    assert.deepEqual(desk.decide(), ["switch t2 A1"]);
    desk.submit("B", { server: "two" });
    assert.deepEqual(desk.decide(), []);
    desk.submit("C", { server: "one" });
    assert.deepEqual(desk.decide(), ["switch t1 C3"]);
  });

  it("a lane that only one terminal may serve does not hold up the others", () => {
    const desk = new Desk({
      terminals: [
        { id: "t1", servers: ["one"], pinned: [] },
        { id: "t2", servers: ["two"], pinned: [] },
      ],
    });
    desk.submit("A", { server: "one" });
    desk.decide();
    desk.submit("B", { server: "one", kind: "close" });
    desk.submit("C", { server: "two" });
    assert.deepEqual(desk.decide(), ["switch t2 C3"]);
  });

  it("of two lanes that could take the same terminal, the older goes first", () => {
    const desk = new Desk({
      terminals: [
        { id: "t1", servers: ["one"], pinned: [] },
        { id: "t2", servers: null, pinned: [] },
      ],
    });
    desk.submit("A", { server: "one" });
    desk.submit("B", { server: "two" });
    desk.decide();
    desk.submit("C", { server: "one" });
    desk.after(1).submit("D", { server: "two" });
    desk.finish("t2");
    assert.deepEqual(desk.decide(), ["switch t2 C3"]);
  });

  it("a lane that is overdue takes no terminal that may not serve it", () => {
    const desk = new Desk({
      terminals: [
        { id: "t1", servers: ["one"], pinned: [] },
        { id: "t2", servers: ["two"], pinned: [] },
      ],
    });
    desk.submit("A", { server: "one" });
    desk.submit("X", { server: "two" });
    desk.decide();
    desk.finish("t1");
    desk.submit("A", { server: "one" });
    desk.decide();
    desk.submit("B", { server: "two" });
    desk.after(4_500).submit("A", { server: "one" });
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["run t1 A5"]);
  });

  it("a pinned account has its terminal for itself, and no other", () => {
    const desk = new Desk({
      terminals: [
        { id: "t1", servers: null, pinned: ["P"] },
        { id: "t2", servers: null, pinned: [] },
      ],
    });
    desk.submit("A");
    desk.submit("B");
    assert.deepEqual(desk.decide(), ["switch t2 A1"]);
    desk.submit("P");
    assert.deepEqual(desk.decide(), ["switch t1 P3"]);
    desk.submit("P");
    desk.finish("t2");
    assert.deepEqual(desk.decide(), ["switch t2 B2"]);
  });
});

describe("a verification", () => {
  const verify = { kind: "verify", deadlineMs: 30_000 } as const;

  it("takes an empty terminal at once", () => {
    const desk = new Desk();
    desk.submit("V", verify);
    assert.deepEqual(desk.decide(), ["switch t1 V1"]);
  });

  it("waits a little for a terminal that nobody misses, then takes the least useful one", () => {
    const desk = new Desk({ terminals: 2, params: HOLDS });
    for (let use = 0; use < 5; use++) desk.settle("A");
    desk.settle("B");
    desk.submit("V", verify);
    assert.deepEqual(desk.after(1_999).decide(), []);
    assert.deepEqual(desk.after(1).decide(), ["switch t2 V7"]);
  });

  it("comes after every change and read that is due", () => {
    const desk = new Desk();
    desk.submit("X");
    desk.decide();
    desk.submit("V", verify);
    desk.after(5_000).submit("A");
    desk.read("B");
    const order: string[] = [];
    for (let turn = 0; turn < 3; turn++) {
      desk.finish("t1");
      order.push(...desk.decide());
    }
    assert.deepEqual(order, ["switch t1 A3", "switch t1 B4", "switch t1 V2"]);
  });

  it("comes before those that come in when its deadline is near", () => {
    const desk = new Desk();
    desk.submit("X");
    desk.decide();
    desk.submit("V", verify);
    desk.after(25_000).submit("A");
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["switch t1 V2"]);
  });

  it("of an account that is on a terminal runs there, behind the account's own work", () => {
    const desk = new Desk({ terminals: 2 }).settle("A");
    desk.submit("A", { ...verify, user: "somebody else" });
    desk.submit("A");
    assert.deepEqual(desk.decide(), ["run t1 A3"]);
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["run t1 A2"]);
  });

  it("of an account that is on a terminal goes first there when its deadline is near", () => {
    const desk = new Desk();
    desk.submit("A");
    desk.decide();
    desk.submit("A", { ...verify, user: "somebody else" });
    desk.after(19_499).submit("A");
    desk.submit("A");
    desk.finish("t1");
    assert.deepEqual(desk.decide(), ["run t1 A3"]);
    desk.after(1).finish("t1");
    assert.deepEqual(desk.decide(), ["run t1 A2"]);
  });

  it("that fails leaves the terminal on no account: the account's own work logs in again", () => {
    const desk = new Desk().settle("A");
    desk.submit("A", { ...verify, user: "somebody else" });
    desk.decide();
    desk.finish("t1", { onAccount: false, workMs: null });
    desk.submit("A");
    assert.deepEqual(desk.decide(), ["switch t1 A3"]);
  });

  it("waits for no better moment while terminals stand idle most of the time", () => {
    const idle = new Desk({ params: { coldPerSecond: 0 } }).settle("A");
    idle.submit("B", verify);
    assert.deepEqual(idle.decide(), ["switch t1 B2"]);
    const busy = new Desk({ params: HOLDS }).settle("A");
    busy.submit("B", verify);
    assert.deepEqual(busy.decide(), []);
  });

  it("costs its user a login of his share each time, and nobody else", () => {
    const desk = new Desk().settle("A");
    const answers = Array.from({ length: 30 }, () => desk.submit("A", { kind: "verify", user: "guesser" }).kind);
    assert.ok(answers.includes("refused"), answers.join());
    assert.deepEqual(desk.submit("A"), { kind: "queued" });
  });

  it("an unproven work costs one, too; what comes behind it uses the same login", () => {
    const params = { userBurst: 1 };
    const unproven = { kind: "read", proven: false, user: "newcomer" } as const;
    const desk = new Desk({ params }).settle("A");
    const together = Array.from({ length: 30 }, () => desk.submit("A", unproven).kind);
    assert.deepEqual(new Set(together), new Set(["queued"]));
    const apart = new Desk({ params }).settle("A");
    const oneByOne = Array.from({ length: 30 }, () => {
      const { kind } = apart.submit("A", unproven);
      for (const decision of apart.decisions()) if (decision.kind !== "expire") apart.finish(decision.terminal);
      return kind;
    });
    assert.ok(oneByOne.includes("refused"), oneByOne.join());
  });
});
