// Nothing begins after its time; what cannot begin in time is refused at once, with a time at which it could.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Desk, HOLDS } from "./testdata/desk.ts";

/** The desk's server is known to take a second for a login and 100 ms for a work. */
function taught(options: ConstructorParameters<typeof Desk>[0] = {}): Desk {
  const desk = new Desk(options);
  for (let login = 0; login < 70; login++) {
    desk.submit(`teacher ${login}`, { user: `teacher ${login}` });
    for (const decision of desk.decisions()) {
      if (decision.kind === "expire") continue;
      desk.after(1_100).finish(decision.terminal, { loginMs: 1_000, workMs: 100 });
    }
  }
  return desk;
}

describe("a deadline", () => {
  it("ends the waiting of a change half a second early: the send takes time", () => {
    const desk = new Desk();
    desk.submit("X");
    desk.decide();
    desk.submit("A");
    assert.deepEqual(desk.after(9_499).decide(), []);
    assert.equal(desk.policy.wakeAtMs(desk.nowMs), 9_500);
    assert.deepEqual(desk.after(1).decide(), ["expire A2"]);
    assert.equal(desk.policy.waiting, 0);
  });

  it("ends that of a read on time", () => {
    const desk = new Desk();
    desk.submit("X");
    desk.decide();
    desk.read("A");
    assert.deepEqual(desk.after(9_999).decide(), []);
    assert.deepEqual(desk.after(1).decide(), ["expire A2"]);
  });

  it("ends it before a login that would come too late, and the next work of the lane gets that login", () => {
    const desk = taught();
    desk.submit("X");
    desk.decide();
    desk.submit("A", { id: "late" });
    desk.after(2_000).submit("A", { id: "in time" });
    desk.after(6_700).finish("t1");
    assert.deepEqual(desk.decide(), ["expire late", "switch t1 in time"]);
  });
});

describe("admission", () => {
  it("refuses what the lanes before it leave no time for, and takes it when it said so", () => {
    const desk = taught();
    desk.submit("X");
    desk.decide();
    let refused: ReturnType<Desk["submit"]> = { kind: "queued" };
    let ahead = 0;
    for (; refused.kind === "queued"; ahead++) refused = desk.submit(`lane ${ahead}`);
    // 9.5 s to begin in, a second for the own login, 1.1 s for each one before it.
    assert.equal(ahead - 1, 8);
    assert.deepEqual(refused, { kind: "refused", reason: "overloaded", retryAfterMs: 1_100 });
    desk.after(1_099);
    assert.equal(desk.submit("too soon").kind, "refused");
    desk.after(1).finish("t1", { loginMs: 1_000, workMs: 100 });
    desk.decide();
    assert.deepEqual(desk.submit("in time"), { kind: "queued" });
  });

  it("judges by what others had to wait for, not by how long an account stayed where it was", () => {
    const desk = taught();
    for (let work = 0; work < 300; work++) {
      desk.submit("R");
      desk.decide();
      desk.after(100).finish("t1");
    }
    desk.submit("X");
    desk.decide();
    const answers = Array.from({ length: 9 }, (_, lane) => desk.submit(`lane ${lane}`).kind);
    assert.deepEqual(answers, [...Array(8).fill("queued"), "refused"]);
  });

  it("counts a visit that an overdue lane has cut short", () => {
    const desk = new Desk();
    const patient = (lane: string): ReturnType<Desk["submit"]> => desk.submit(lane, { deadlineMs: 1e6 });
    for (const lane of ["X", "X", "A"]) {
      patient(lane);
      desk.decide();
    }
    desk.after(6_000).finish("t1");
    desk.decide();
    patient("X");
    desk.after(3_000).finish("t1");
    assert.deepEqual(desk.decide(), ["switch t1 A3"]);
    desk.policy.departed(desk.nowMs, "t1", null);
    // Nine seconds for the lane before it, and half a second for its own login.
    const refused = { kind: "refused", reason: "overloaded", retryAfterMs: 9_000 };
    assert.deepEqual(desk.submit("B", { deadlineMs: desk.nowMs + 9_900 }), refused);
  });

  it("refuses for slow logins alone as long as it knows of them, and takes the same when it said so", () => {
    const desk = new Desk();
    desk.submit("V", { kind: "verify", deadlineMs: 30_000 });
    desk.decide();
    desk.after(12_000).finish("t1", { loginMs: 12_000 });
    desk.after(60_000);
    const refused = { kind: "refused", reason: "slow_login", retryAfterMs: 240_000 };
    assert.deepEqual([desk.submit("A"), desk.read("A")], [refused, refused]);
    assert.deepEqual(desk.after(239_999).submit("A"), { ...refused, retryAfterMs: 1 });
    assert.deepEqual(desk.after(1).submit("A", { id: "again" }), { kind: "queued" });
    assert.deepEqual(desk.decide(), ["switch t1 again"]);
  });

  it("does not ask anyone back who leaves less time than any login takes", () => {
    const refused = { kind: "refused", reason: "slow_login", retryAfterMs: 0 };
    assert.deepEqual(new Desk().submit("A", { deadlineMs: 600 }), refused);
  });

  it("refuses no close for the opens before it", () => {
    const desk = taught();
    desk.submit("X");
    desk.decide();
    for (let lane = 0; lane < 20; lane++) desk.submit(`lane ${lane}`);
    const close = (lane: number): string => desk.submit(`close ${lane}`, { kind: "close" }).kind;
    assert.deepEqual(
      Array.from({ length: 9 }, (_, lane) => close(lane)),
      [...Array(8).fill("queued"), "refused"],
    );
  });

  it("refuses what its own lane leaves no time for", () => {
    const desk = taught();
    desk.submit("X");
    desk.decide();
    const answers = Array.from({ length: 97 }, () => desk.submit("X"));
    assert.deepEqual(answers.at(95), { kind: "queued" });
    assert.deepEqual(answers.at(96), { kind: "refused", reason: "overloaded", retryAfterMs: 100 });
  });

  it("takes everything while no terminal works: nobody knows when one will", () => {
    const desk = taught();
    desk.policy.terminalChanged(desk.nowMs, "t1", "quarantined");
    for (let lane = 0; lane < 50; lane++) assert.deepEqual(desk.submit(`lane ${lane}`), { kind: "queued" });
  });

  it("has a limit for a lane and one for all, and takes work up to them", () => {
    const desk = new Desk({ params: { maxLaneWaiting: 2, maxWaiting: 3 } });
    desk.submit("X");
    desk.decide();
    const full = { kind: "refused", reason: "queue_full", retryAfterMs: 500 };
    assert.deepEqual([desk.submit("A"), desk.submit("A")], [{ kind: "queued" }, { kind: "queued" }]);
    assert.deepEqual(desk.submit("A"), full);
    assert.deepEqual(desk.submit("B"), { kind: "queued" });
    assert.deepEqual(desk.submit("C"), full);
  });

  it("says at once when no terminal may ever log in there", () => {
    const desk = new Desk({ terminals: [{ id: "t1", servers: ["server"], pinned: [] }] });
    assert.deepEqual(desk.submit("A", { server: "elsewhere" }), {
      ...{ kind: "refused", reason: "no_terminal", retryAfterMs: 0 },
    });
  });

  it("takes an id once", () => {
    const desk = new Desk();
    desk.submit("X");
    desk.decide();
    desk.submit("A", { id: "same" });
    assert.throws(() => desk.submit("B", { id: "same" }), RangeError);
  });
});

describe("a verification", () => {
  it("begins in time, however many changes come in before it and after it", () => {
    const desk = taught();
    desk.submit("V", { id: "V", kind: "verify", user: "newcomer", deadlineMs: desk.nowMs + 30_000 });
    const began: string[] = [];
    desk.submit("X");
    for (let turn = 0; !began.some((decision) => decision.endsWith(" V")); turn++) {
      // More than can be done: what is taken in waits as long as a change may.
      for (let own = 0; own < 4; own++) desk.submit(`lane ${turn} ${own}`);
      began.push(...desk.decide());
      desk.after(1_100).finish("t1", { loginMs: 1_000, workMs: 100 });
    }
    assert.equal(began.at(-1), "switch t1 V");
    assert.ok(began.length > 20, "behind everything else at first");
  });
});

describe("a user with many accounts", () => {
  /** A user asks for a login on each of his accounts at once; one account of somebody else comes after them. */
  function crowd(accounts: number, kind: "open" | "close" = "open"): Desk {
    const desk = taught({ params: { userBurst: 3, coldPerSecond: 0 } });
    desk.after(60_000).submit("X", { user: "third" });
    desk.decide();
    for (let own = 0; own < accounts; own++) {
      desk.submit(`own ${own}`, { user: "bulk", kind, deadlineMs: desk.nowMs + 20_000 });
    }
    return desk;
  }

  it("counts as having come later with what is above his share", () => {
    const desk = crowd(5);
    desk.after(100).submit("A", { id: "other" });
    const order: string[] = [];
    for (let turn = 0; turn < 5; turn++) {
      desk.after(1_100).finish("t1");
      order.push(...desk.decide().map((decision) => decision.split(" ").slice(2).join(" ")));
    }
    assert.equal(order.indexOf("other"), 3, order.join());
  });

  it("is refused alone when his tags are past the deadline, and learns when to come back", () => {
    const desk = crowd(0);
    const ask = (own: number): ReturnType<Desk["submit"]> => desk.submit(`own ${own}`, { user: "bulk" });
    const answers = Array.from({ length: 8 }, (_, own) => ask(own));
    // Three at once, then one every two seconds, and the last must leave a second for its login: 8.5 s.
    assert.deepEqual(answers.at(6), { kind: "queued" });
    assert.deepEqual(answers.at(7), { kind: "refused", reason: "user_share", retryAfterMs: 1_500 });
    assert.deepEqual(desk.after(1_500).submit("own 7", { user: "bulk" }), { kind: "queued" });
    desk.finish("t1");
    desk.decide();
    assert.deepEqual(desk.submit("A"), { kind: "queued" });
  });

  it("has nobody else refused: what is above his share waits behind them", () => {
    for (const kind of ["open", "close", "read"] as const) {
      const desk = crowd(12, kind === "close" ? "close" : "open");
      assert.ok(desk.policy.waiting > 9, String(desk.policy.waiting));
      assert.deepEqual(desk.submit("A", { id: "other", kind, user: "somebody else" }), { kind: "queued" }, kind);
      const began: string[] = [];
      for (let turn = 0; turn < 9; turn++) {
        desk.after(1_100).finish("t1", { loginMs: 1_000, workMs: 100 });
        began.push(...desk.decide());
      }
      assert.ok(began.includes("switch t1 other"), `${kind}: ${began.join()}`);
    }
  });

  it("is never refused a close for that", () => {
    const desk = crowd(0);
    for (let own = 0; own < 8; own++) desk.submit(`own ${own}`, { id: `open ${own}`, user: "bulk" });
    assert.deepEqual(desk.submit("own 8", { id: "close", user: "bulk", kind: "close" }), { kind: "queued" });
    // In time for its deadline, however far his share is behind.
    for (let own = 0; own < 8; own++) desk.policy.cancel(desk.nowMs, `open ${own}`);
    desk.finish("t1");
    assert.deepEqual(desk.after(8_499).decide(), []);
    assert.deepEqual(desk.after(1).decide(), ["switch t1 close"]);
  });

  it("with one account that stays where it is pays nothing", () => {
    const desk = taught();
    for (let work = 0; work < 30; work++) assert.deepEqual(desk.submit("A", { user: "single" }), { kind: "queued" });
  });
});

describe("the next look", () => {
  it("is when a read may force its switch, and sooner while a terminal is free and its account may become cold", () => {
    const desk = new Desk({ params: HOLDS }).settle("X");
    assert.equal(desk.policy.wakeAtMs(desk.nowMs), null);
    desk.read("A");
    assert.equal(desk.policy.wakeAtMs(desk.nowMs), 200);
    desk.submit("X");
    desk.decide();
    assert.equal(desk.policy.wakeAtMs(desk.nowMs), 2_000);
  });
});

describe("cancel", () => {
  it("takes out what waits, once, and nothing that runs", () => {
    const desk = new Desk();
    desk.submit("X");
    desk.decide();
    desk.submit("A");
    assert.deepEqual([desk.policy.cancel(0, "A2"), desk.policy.cancel(0, "A2")], [true, false]);
    assert.equal(desk.policy.cancel(0, "X1"), false);
    desk.finish("t1");
    assert.deepEqual(desk.decide(), []);
  });
});
