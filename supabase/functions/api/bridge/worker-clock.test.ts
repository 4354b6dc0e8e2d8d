import assert from "node:assert/strict";
import { test } from "node:test";
import { notAfter } from "./worker-clock.ts";

test("notAfter() counts on the worker's clock from the moment its welcome was read", () => {
  const clock = { nowMs: 50_000, receivedAtMs: 1_000 };
  assert.equal(notAfter(clock, 1_000, 10_000), 60_000);
  assert.equal(notAfter(clock, 4_000, 7_000), 60_000);
});

test("notAfter() is never later than the truth, however long the welcome took", () => {
  const transitMs = 400;
  // The worker sent at 50 000; when we read it, its clock already stood at 50 400.
  const limit = notAfter({ nowMs: 50_000, receivedAtMs: 1_000 }, 1_000, 10_000);
  assert.equal(limit, 50_000 + transitMs + 10_000 - transitMs);
});

test("notAfter() of time that is over lies in the worker's past", () => {
  assert.ok(notAfter({ nowMs: 50_000, receivedAtMs: 1_000 }, 2_000, -1) < 51_000);
});
