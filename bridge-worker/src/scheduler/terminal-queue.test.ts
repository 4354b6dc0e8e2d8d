// The queue of one terminal: nothing is lost or served twice, a lane keeps its order, and no lane keeps the terminal.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TerminalQueue } from "./terminal-queue.ts";

function takeAll(queue: TerminalQueue<string>): string[] {
  const taken: string[] = [];
  for (let job = queue.next(); job !== undefined; job = queue.next()) taken.push(job);
  return taken;
}

function filled(...jobs: string[]): TerminalQueue<string> {
  const queue = new TerminalQueue<string>();
  for (const job of jobs) queue.push(job.charAt(0), job);
  return queue;
}

describe("TerminalQueue", () => {
  it("serves a lane for everything that waited when its turn began, then the next lane", () => {
    assert.deepEqual(takeAll(filled("a1", "b1", "a2", "c1", "b2")), ["a1", "a2", "b1", "b2", "c1"]);
  });

  it("what comes in during a turn waits for the lane's next one", () => {
    const queue = filled("a1", "a2", "b1");
    assert.equal(queue.next(), "a1");
    queue.push("a", "a3");
    assert.deepEqual(takeAll(queue), ["a2", "b1", "a3"]);
  });

  it("a lane that gets a new job for every one served does not keep the terminal", () => {
    const queue = filled("a1", "b1");
    const served: string[] = [];
    for (let number = 2; number < 6; number++) {
      served.push(queue.next() ?? "");
      queue.push("a", `a${number}`);
    }
    assert.ok(served.indexOf("b1") <= 1, served.join());
  });

  it("counts what waits, in all and per lane", () => {
    const queue = filled("a1", "a2", "b1");
    assert.deepEqual([queue.size, queue.laneSize("a"), queue.laneSize("b"), queue.laneSize("c")], [3, 2, 1, 0]);
    queue.next();
    assert.deepEqual([queue.size, queue.laneSize("a")], [2, 1]);
    queue.remove("b", "b1");
    assert.deepEqual([queue.size, queue.laneSize("b")], [1, 0]);
  });

  it("a removed job never comes out; a second removal, or one of a served job, says false", () => {
    const queue = filled("a1", "a2", "b1");
    assert.equal(queue.next(), "a1");
    assert.deepEqual([queue.remove("a", "a1"), queue.remove("a", "a2"), queue.remove("a", "a2")], [false, true, false]);
    assert.equal(queue.remove("c", "a1"), false);
    assert.deepEqual(takeAll(queue), ["b1"]);
  });

  it("a place that a removal frees in a turn is not given to a job that came later", () => {
    const queue = filled("a1", "a2", "a3", "b1");
    assert.equal(queue.next(), "a1");
    queue.remove("a", "a3");
    queue.push("a", "a4");
    assert.deepEqual(takeAll(queue), ["a2", "b1", "a4"]);
  });

  it("the lane after a removed front lane gets a whole turn of its own", () => {
    const queue = filled("a1", "a2", "a3", "b1", "b2", "c1");
    assert.equal(queue.next(), "a1");
    queue.remove("a", "a2");
    queue.remove("a", "a3");
    // Two of a's turn were left over: they must not be cut from, or added to, the turn of b.
    queue.push("c", "c2");
    assert.equal(queue.next(), "b1");
    queue.push("b", "b3");
    assert.deepEqual(takeAll(queue), ["b2", "c1", "c2", "b3"]);
  });

  it("under any pushes, takes and removals: every job comes out exactly once, first in first out within its lane", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("push" as const), lane: fc.constantFrom("a", "b", "c", "d") }),
      fc.record({ do: fc.constant("take" as const), lane: fc.constant("") }),
      fc.record({ do: fc.constant("remove" as const), lane: fc.constantFrom("a", "b", "c", "d") }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new TerminalQueue<string>();
        const waiting = new Map<string, string[]>();
        const out: string[] = [];
        let pushed = 0;
        const accept = (job: string): void => {
          // First in, first out: it must be the oldest that waits in its lane.
          assert.equal(waiting.get(job.charAt(0))?.shift(), job);
          out.push(job);
        };
        for (const one of steps) {
          const lane = waiting.get(one.lane) ?? [];
          if (one.do === "push") {
            pushed += 1;
            queue.push(one.lane, `${one.lane}${pushed}`);
            waiting.set(one.lane, [...lane, `${one.lane}${pushed}`]);
          } else if (one.do === "take") {
            const job = queue.next();
            if (job !== undefined) accept(job);
            else assert.equal(pushed, out.length);
          } else {
            const last = lane.pop();
            if (last === undefined) continue;
            assert.equal(queue.remove(one.lane, last), true);
            out.push(last);
          }
          assert.equal(queue.size, pushed - out.length);
        }
        for (const job of takeAll(queue)) accept(job);
        assert.equal(out.length, pushed);
        assert.equal(new Set(out).size, pushed);
        assert.equal(queue.size, 0);
      }),
      { numRuns: 300 },
    );
  });
});
