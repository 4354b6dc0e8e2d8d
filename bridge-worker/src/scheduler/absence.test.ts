// Every condition of the proof of absence: without any one of them there is no proof.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MarkSurvival, OpenIntent } from "../journal/mod.ts";
import { intentOf } from "../journal/testdata/entries.ts";
import { looksCount, missingForProof, newWatch, type Watch } from "./absence.ts";
import { SETTLE_POLICY } from "./settle-policy.ts";

const TAG = 2 ** 40 + 1;
const intent: OpenIntent = {
  ...intentOf(1, { tag: TAG, plan: { magic: TAG } }),
  ...{ begunAt: 0, acknowledged: false, evidence: null },
};
const KEPT: MarkSurvival = { magic: true, comment: true };
const { quietMs, searchGapMs } = SETTLE_POLICY;
const proven: Watch = { ...newWatch(), overSinceMs: 0, emptyLooksMs: [quietMs, quietMs + searchGapMs] };
const missing = (watch: Partial<Watch>, marks = KEPT, of = intent): string | undefined =>
  missingForProof(of, { ...proven, ...watch }, marks, SETTLE_POLICY);

describe("missingForProof", () => {
  it("is nothing when all of it holds", () => assert.equal(missing({}), undefined));
  it("wants the send to be over", () => assert.match(missing({ overSinceMs: null }) ?? "", /under way/));
  it("wants a look", () => assert.match(missing({ emptyLooksMs: [] }) ?? "", /long enough/));
  it("wants a second look", () => assert.match(missing({ emptyLooksMs: [quietMs] }) ?? "", /second look/));
  it("wants time between the looks", () =>
    assert.match(missing({ emptyLooksMs: [quietMs, quietMs + searchGapMs - 1] }) ?? "", /second look/));
  it("never holds when another account was shown after the send", () =>
    assert.match(missing({ elsewhere: true }) ?? "", /another account/));
  it("never holds after a trace of the order: one in the records, or a ticket in the broker's unclear answer", () => {
    for (const trace of [{ tickets: ["31"] }, { order: "11", deal: "0" }, { order: "0", deal: "31" }])
      assert.match(missing({}, KEPT, { ...intent, evidence: trace }) ?? "", /trace/);
    assert.equal(missing({}, KEPT, { ...intent, evidence: { order: "0", deal: "0" } }), undefined);
  });
  for (const magic of [false, null]) {
    it(`never holds where magic is not known to survive (${magic})`, () =>
      assert.match(missing({}, { magic, comment: true }) ?? "", /keep the mark/));
  }
  it("rests on the comment where the caller's own magic was passed on", () => {
    const passed = { ...intent, plan: { magic: 7 } };
    assert.equal(missing({}, { magic: null, comment: true }, passed), undefined);
    assert.match(missing({}, { magic: true, comment: null }, passed) ?? "", /keep the mark/);
  });
  it("needs no mark for the removal of an order: that is seen at the order", () =>
    assert.equal(missing({}, { magic: null, comment: null }, { ...intent, kind: "cancel_order" }), undefined));
});

describe("looksCount", () => {
  it("only from the quiet time after the send on", () => {
    const watch = { ...newWatch(), overSinceMs: 1_000 };
    assert.equal(looksCount(watch, SETTLE_POLICY, 1_000 + quietMs - 1), false);
    assert.equal(looksCount(watch, SETTLE_POLICY, 1_000 + quietMs), true);
    assert.equal(looksCount(newWatch(), SETTLE_POLICY, Number.MAX_SAFE_INTEGER), false);
  });
});

describe("SETTLE_POLICY", () => {
  it("has the floors of a proof: a minute, half a minute, five seconds", () =>
    assert.deepEqual(
      [SETTLE_POLICY.quietMs, SETTLE_POLICY.searchGapMs, SETTLE_POLICY.stableMs],
      [60_000, 30_000, 5_000],
    ));
});
