// Ids refused at admission stay refused for the life of their envelopes, and are forgotten afterwards.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RefusedIds } from "./refused-ids.ts";

describe("RefusedIds", () => {
  it("knows an id up to the last millisecond of its life, and no other id", () => {
    const ids = new RefusedIds(100);
    ids.add("one", 1_000);
    assert.deepEqual([ids.has("one", 1_000), ids.has("one", 1_099), ids.has("one", 1_100)], [true, true, false]);
    assert.equal(ids.has("two", 1_000), false);
  });

  it("a second refusal lengthens the life", () => {
    const ids = new RefusedIds(100);
    ids.add("one", 1_000);
    ids.add("two", 1_010);
    ids.add("one", 1_050);
    assert.equal(ids.has("one", 1_149), true);
  });

  it("sweeping the dead ones keeps the living", () => {
    const ids = new RefusedIds(100);
    ids.add("old", 1_000);
    ids.add("young", 1_090);
    ids.add("new", 1_150);
    assert.deepEqual([ids.has("old", 1_050), ids.has("young", 1_150), ids.has("new", 1_150)], [false, true, true]);
  });
});
