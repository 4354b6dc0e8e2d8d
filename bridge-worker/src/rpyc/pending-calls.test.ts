// The table of waiting calls: numbers, unknown numbers, the limit.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_PENDING_CALLS } from "./limits.ts";
import { PendingCalls } from "./pending-calls.ts";

describe("PendingCalls", () => {
  it("gives every call a number of its own, also after one was answered", () => {
    const pending = new PendingCalls<string>();
    assert.deepStrictEqual([pending.add("a"), pending.add("b")], [0, 1]);
    assert.equal(pending.take(0), "a");
    assert.equal(pending.nextSeq(), 2);
    assert.equal(pending.add("c"), 2);
  });

  it("knows nobody for an unknown, an answered or an odd number", () => {
    const pending = new PendingCalls<string>();
    pending.add("a");
    pending.take(0);
    for (const seq of [0, 1, "0", null, 0n]) assert.equal(pending.take(seq), undefined);
  });

  it("gives all waiters away once, oldest first", () => {
    const pending = new PendingCalls<string>();
    pending.add("a");
    pending.add("b");
    assert.deepStrictEqual(pending.takeAll(), ["a", "b"]);
    assert.deepStrictEqual([pending.takeAll(), pending.size], [[], 0]);
  });

  it("holds as many as the limit and refuses one more until one is taken", () => {
    const pending = new PendingCalls<number>();
    for (let i = 0; i < MAX_PENDING_CALLS; i += 1) pending.add(i);
    assert.throws(() => pending.add(0), RangeError);
    pending.take(0);
    assert.equal(pending.add(0), MAX_PENDING_CALLS);
  });
});
