import assert from "node:assert/strict";
import { test } from "node:test";
import { type CallEvent, PendingCalls } from "./pending-calls.ts";

function heard(calls: PendingCalls, id: string): { events: CallEvent[]; leave: () => void } {
  const events: CallEvent[] = [];
  return { events, leave: calls.add(id, (event) => events.push(event)) };
}
const RESULT: CallEvent = { type: "result", result: "jws" };

test("everyone who waits for an id hears its result, and nobody else does", () => {
  const calls = new PendingCalls();
  const [a, b, other] = [heard(calls, "x"), heard(calls, "x"), heard(calls, "y")];
  assert.equal(calls.settle("x", RESULT), true);
  assert.deepEqual([a.events, b.events, other.events], [[RESULT], [RESULT], []]);
  assert.equal(calls.size, 1);
});

test("an ack is not the end of a call; a result is", () => {
  const calls = new PendingCalls();
  const { events } = heard(calls, "x");
  calls.settle("x", { type: "ack", phase: "queued" });
  calls.settle("x", RESULT);
  assert.equal(calls.settle("x", RESULT), false);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["ack", "result"],
  );
});

test("one who leaves hears nothing; the others still do", () => {
  const calls = new PendingCalls();
  const [a, b] = [heard(calls, "x"), heard(calls, "x")];
  a.leave();
  calls.settle("x", RESULT);
  assert.deepEqual([a.events.length, b.events.length], [0, 1]);
});

test("leaving late does not remove those who came after the result", () => {
  const calls = new PendingCalls();
  const first = heard(calls, "x");
  calls.settle("x", RESULT);
  const second = heard(calls, "x");
  first.leave();
  calls.settle("x", RESULT);
  assert.equal(second.events.length, 1);
});

test("failAll() tells all the same reason and leaves nothing behind", () => {
  const calls = new PendingCalls();
  const [a, b] = [heard(calls, "x"), heard(calls, "y")];
  calls.failAll("gone");
  assert.deepEqual([...a.events, ...b.events], Array(2).fill({ type: "down", reason: "gone" }));
  assert.equal(calls.size, 0);
});
