// The counters of the loss limits from reading to reading: the broker's day, its first equity, the peak.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { advanceCounters } from "./counters.ts";

const MIDNIGHT = Date.UTC(2026, 2, 3);

describe("advanceCounters", () => {
  const monday = { day: "2026-03-02", dayStartEquity: 1000, peakEquity: 1200 };

  it("begins with the equity first seen", () => {
    assert.deepStrictEqual(advanceCounters(undefined, 950, MIDNIGHT - 1), {
      ...{ day: "2026-03-02", dayStartEquity: 950, peakEquity: 950 },
    });
  });

  it("keeps the day's start until the last millisecond of the broker's day", () => {
    assert.deepStrictEqual(advanceCounters(monday, 900, MIDNIGHT - 1), monday);
  });

  it("starts the new day with its first equity, and keeps the peak over it", () => {
    assert.deepStrictEqual(advanceCounters(monday, 900, MIDNIGHT), {
      ...{ day: "2026-03-03", dayStartEquity: 900, peakEquity: 1200 },
    });
  });

  it("raises the peak, within the day and at its turn", () => {
    assert.equal(advanceCounters(monday, 1200.01, MIDNIGHT - 1).peakEquity, 1200.01);
    assert.equal(advanceCounters(monday, 1300, MIDNIGHT).peakEquity, 1300);
  });

  it("does not start an earlier day afresh when the clock jumps back", () => {
    const tuesday = advanceCounters(monday, 900, MIDNIGHT);
    const back = advanceCounters(tuesday, 800, MIDNIGHT - 1);
    assert.deepStrictEqual(back, tuesday);
    assert.deepStrictEqual(advanceCounters(back, 700, MIDNIGHT + 1), tuesday);
  });

  it("crosses the end of a month and of a year", () => {
    const before = { ...monday, day: "2025-12-31" };
    assert.equal(advanceCounters(before, 1, Date.UTC(2026, 0, 1)).day, "2026-01-01");
  });

  it("does not change what it was given", () => {
    const before = Object.freeze({ ...monday });
    advanceCounters(before, 2000, MIDNIGHT);
    assert.deepStrictEqual(before, monday);
  });
});
