// A broker that does not answer, or a server's name that nobody has: they must not take every terminal from everybody.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DoubtfulLogins } from "./doubtful-logins.ts";
import { Desk } from "./testdata/desk.ts";
import type { Work } from "./work.ts";

const TERMINALS = 4;
const PARAMS = { doubtfulShare: 0.5 };
const STRANDED = { workMs: null, onAccount: false, stranded: true } as const;

function began(desk: Desk): number {
  return desk.decide().filter((decision) => decision.startsWith("switch")).length;
}

describe("logins to servers that nobody has reached lately", () => {
  it("take half of the terminals at once, and one where there is but one", () => {
    for (const [terminals, most] of [
      [4, 2],
      [2, 1],
      [1, 1],
    ] as const) {
      const desk = new Desk({ terminals, params: PARAMS });
      for (const lane of ["A", "B", "C", "D"]) desk.submit(lane, { server: `server of ${lane}` });
      assert.equal(began(desk), most);
    }
  });

  it("take as many as there are once one was accepted", () => {
    const desk = new Desk({ terminals: TERMINALS, params: PARAMS });
    for (const lane of ["A", "B", "C", "D"]) desk.submit(lane);
    desk.decide();
    desk.finish("t1", { loginMs: 100 });
    assert.equal(began(desk), 2);
  });

  it("are none any more once they are accepted, however long the work takes that they were for", () => {
    const desk = new Desk({ terminals: TERMINALS, params: PARAMS });
    for (const lane of ["A", "B", "C", "D"]) desk.submit(lane);
    desk.decide();
    desk.policy.arrived(desk.nowMs, "t1");
    assert.equal(began(desk), 2);
  });

  it("are none where the terminal was lost before it could try", () => {
    const desk = new Desk({ terminals: 2, params: PARAMS });
    desk.submit("A", { id: "A" });
    desk.after(1).submit("B", { id: "B" });
    assert.deepEqual(desk.decide(), ["switch t1 A"]);
    desk.policy.terminalChanged(desk.nowMs, "t1", "quarantined");
    desk.policy.returned(desk.nowMs, "t1");
    assert.deepEqual(desk.decide(), ["switch t2 A"]);
    desk.policy.terminalChanged(desk.nowMs, "t1", "up");
    desk.finish("t2", STRANDED);
    assert.equal(began(desk), 1);
  });

  it("take one after one that got no answer, for five minutes, and half of them five minutes after any answer", () => {
    for (const [ms, most] of [
      [299_999, 1],
      [300_000, 2],
    ] as const) {
      const desk = new Desk({ terminals: TERMINALS, params: PARAMS }).settle("X");
      for (const lane of ["A", "B"]) desk.submit(lane);
      assert.equal(began(desk), 2);
      desk.finish("t2", STRANDED);
      desk.finish("t3", STRANDED);
      desk.after(ms);
      for (const lane of ["C", "D", "E"]) desk.submit(lane);
      assert.equal(began(desk), most);
    }
    const later = new Desk({ terminals: TERMINALS, params: PARAMS }).settle("X").after(300_000);
    for (const lane of ["A", "B", "C"]) later.submit(lane);
    assert.equal(began(later), 2);
  });

  it("hold up nobody whose server answers, waiting in the order in which they came", () => {
    const desk = new Desk({ terminals: 2, params: PARAMS }).settle("X");
    desk.submit("A", { server: "away" });
    desk.submit("B", { server: "away" });
    desk.submit("C");
    assert.deepEqual(desk.decide(), ["switch t2 A2", "switch t1 C4"]);
    desk.finish("t2", STRANDED);
    assert.deepEqual(desk.decide(), ["switch t2 B3"]);
  });

  it("take no more terminals than that from accounts that go on working, however long they have waited", () => {
    const desk = new Desk({ terminals: 2, params: PARAMS }).settle("X").settle("Y");
    for (const lane of ["X", "Y", "X", "Y"]) desk.submit(lane);
    desk.decide();
    for (const lane of ["A", "B"]) desk.submit(lane, { server: "away", deadlineMs: 30_000 });
    desk.after(5_000);
    for (const terminal of ["t1", "t2"]) desk.finish(terminal);
    assert.deepEqual(desk.decide(), ["switch t1 A7", "run t2 Y6"]);
  });

  it("are none because somebody's unproven credential got no answer where others are answered", () => {
    for (const [proven, most] of [
      [true, 1],
      [false, 3],
    ] as const) {
      const desk = new Desk({ terminals: TERMINALS, params: PARAMS }).settle("X");
      desk.submit("A", { kind: "verify", proven });
      desk.decide();
      desk.finish("t2", STRANDED);
      for (const lane of ["B", "C", "D"]) desk.submit(lane);
      assert.equal(began(desk), most);
    }
  });

  it("are tried where nothing is known before where no answer came, and those not given up for that", () => {
    const desk = new Desk({ terminals: 2, params: PARAMS });
    for (const lane of ["A", "B", "C"]) desk.after(1).submit(lane, { id: lane, server: "away" });
    assert.deepEqual(desk.decide(), ["switch t1 A"]);
    desk.after(1_000).submit("Q", { id: "Q", server: "quiet" });
    assert.deepEqual(desk.decide(), []);
    desk.finish("t1", STRANDED);
    assert.deepEqual(desk.decide(), ["switch t2 Q"]);
    desk.finish("t2", { workMs: null, onAccount: false });
    assert.deepEqual(desk.decide(), ["switch t2 B"]);
    // Whom the others left the way is gone: nobody else is waited for.
    desk.after(1_000).submit("R", { id: "R", server: "quiet" });
    assert.deepEqual(desk.decide(), []);
    desk.policy.cancel(desk.nowMs, "R");
    desk.finish("t2", STRANDED);
    assert.deepEqual(desk.decide(), ["switch t1 C"]);
  });

  it("forget the names that nobody has", () => {
    const doubtful = new DoubtfulLogins(0.5);
    for (let second = 0; second < 1_000; second++) doubtful.lost(`name ${second}`, second * 1_000);
    assert.equal(doubtful.lostServers, 300);
    doubtful.lost("name 700", 1_000_000);
    doubtful.lost("name 1000", 1_001_500);
    assert.equal(doubtful.lostServers, 300, "the oldest are 702 and, lost again, 700");
  });

  it("that wait expire in time, and can be cancelled", () => {
    const desk = new Desk({ terminals: 2, params: PARAMS });
    for (const lane of ["A", "B", "C"]) desk.submit(lane, { id: lane, server: "away" });
    desk.decide();
    assert.equal(desk.policy.cancel(desk.nowMs, "C"), true);
    assert.equal(desk.policy.wakeAtMs(desk.nowMs), 9_500);
    assert.deepEqual(desk.after(9_500).decide(), ["expire B"]);
    assert.equal(desk.policy.waiting, 0);
  });

  it("are charged to their user for as long as they took", () => {
    const desk = new Desk({ terminals: TERMINALS, params: PARAMS });
    for (const lane of ["A", "B"]) {
      desk.submit(lane, { kind: "verify", user: "one", server: "away", deadlineMs: 30_000 });
      desk.decide();
    }
    desk.after(30_000);
    for (const terminal of ["t1", "t2"]) desk.finish(terminal, STRANDED);
    const answer = desk.submit("C", { user: "one" });
    assert.ok(answer.kind === "refused" && answer.reason === "user_share");
    assert.deepEqual(desk.submit("C", { user: "two" }), { kind: "queued" });
    assert.deepEqual(desk.after(answer.retryAfterMs).submit("D", { user: "one" }), { kind: "queued" });
  });
});

describe("one user whose connects get no answer, and a broker that is away", () => {
  /** An account of a broker that answers asks once a second; what `doom` submits hangs for all its time. */
  function minutes(doom: (desk: Desk, atMs: number) => { id: string; work: Partial<Work> } | null): number {
    const desk = new Desk({ terminals: TERMINALS, params: PARAMS });
    const doomed = new Set<string>();
    let running: { atMs: number; terminal: string; isDoomed: boolean }[] = [];
    let done = 0;
    for (let atMs = 0; atMs < 300_000; atMs += 100) {
      desk.nowMs = atMs;
      for (const { terminal, isDoomed } of running.filter((one) => one.atMs <= atMs)) {
        desk.finish(terminal, isDoomed ? STRANDED : { loginMs: 1_200, workMs: 100 });
        if (!isDoomed) done += 1;
      }
      running = running.filter((one) => one.atMs > atMs);
      if (atMs % 1_000 === 0) desk.submit(`account ${(atMs / 1_000) % 50}`);
      const next = doom(desk, atMs);
      if (next !== null && desk.submit(next.id, { id: next.id, ...next.work }).kind === "queued") doomed.add(next.id);
      for (const decision of desk.decisions()) {
        if (decision.kind === "expire") continue;
        const isDoomed = doomed.has(decision.work.id);
        const tookMs = isDoomed ? decision.work.deadlineMs - decision.work.arrivedMs : 1_300;
        running.push({ atMs: atMs + tookMs, terminal: decision.terminal, isDoomed });
      }
    }
    return done;
  }

  it("leave everybody else served", () => {
    const connects = minutes((desk, atMs) => {
      const work = { kind: "verify", user: "one", server: `name ${atMs}`, deadlineMs: desk.nowMs + 30_000 } as const;
      return atMs % 2_000 === 0 ? { id: `connect ${atMs}`, work } : null;
    });
    const away = minutes((_desk, atMs) =>
      atMs % 1_000 === 500 ? { id: `away ${atMs}`, work: { server: "away", user: `user ${atMs % 50}` } } : null,
    );
    assert.ok(connects >= 290 && away >= 290, `${connects} ${away} of 300`);
  });

  it("do not keep out a broker that answers and is seldom asked", () => {
    for (const terminals of [2, 8]) {
      const desk = new Desk({ terminals, params: PARAMS });
      let running: { atMs: number; terminal: string; isAway: boolean }[] = [];
      let quiet = 0;
      for (let atMs = 0; atMs < 3_600_000; atMs += 100) {
        desk.nowMs = atMs;
        for (const { terminal, isAway } of running.filter((one) => one.atMs <= atMs)) {
          desk.finish(terminal, isAway ? STRANDED : { loginMs: 1_200, workMs: 100 });
          if (!isAway) quiet += 1;
        }
        running = running.filter((one) => one.atMs > atMs);
        if (atMs % 1_000 === 500) desk.submit(`away ${atMs % 199}`, { server: "away", user: `user ${atMs % 199}` });
        if (atMs % 400_000 === 300) desk.submit(`quiet ${atMs}`, { server: "quiet" });
        for (const decision of desk.decisions()) {
          if (decision.kind === "expire") continue;
          const isAway = decision.work.server === "away";
          running.push({ atMs: atMs + (isAway ? 10_000 : 1_300), terminal: decision.terminal, isAway });
        }
      }
      assert.ok(quiet >= 7, `${quiet} of 9 with ${terminals} terminals`);
    }
  });
});
