// The rotation rule as a table, with the reuse interval at its edge.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decideRefresh, REUSE_INTERVAL_S } from "./refresh-decision.ts";

const used = (age_s: number) => ({ token: "old", revoked: true, age_s });
const other = { parent: "between" };

test("decideRefresh() rotates the active token", () => {
  assert.equal(decideRefresh({ token: "now", revoked: false, age_s: 1e6 }, { parent: "old" }), "rotate");
});

test("decideRefresh() gives the successor again, however late", () => {
  assert.equal(decideRefresh(used(1e6), { parent: "old" }), "give_active");
});

test("decideRefresh() allows an older token at the interval and refuses it after", () => {
  assert.equal(decideRefresh(used(REUSE_INTERVAL_S), other), "rotate");
  assert.equal(decideRefresh(used(REUSE_INTERVAL_S + 0.001), other), "refuse");
});

test("decideRefresh() refuses everything once the session has no active token", () => {
  assert.equal(decideRefresh(used(0), undefined), "refuse");
});
