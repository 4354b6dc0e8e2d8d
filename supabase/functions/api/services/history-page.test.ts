import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../_shared/errors/mod.ts";
import { HISTORY_MAX_MS, ReadRequest } from "../../_shared/protocol/mod.ts";
import { type HistoryWish, historyPage } from "./history-page.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const DAY = 24 * 60 * 60 * 1000;
const iso = (ms: number): string => new Date(ms).toISOString();

const periods: [string, HistoryWish, number, number][] = [
  ["the last day, and what a clock ahead of ours calls now", {}, NOW - DAY, NOW + 30_000],
  ["from then until now", { from: iso(NOW - 3 * DAY) }, NOW - 3 * DAY, NOW + 30_000],
  ["the day before then", { to: iso(NOW - 3 * DAY) }, NOW - 4 * DAY, NOW - 3 * DAY],
  ["what was said", { from: iso(5), to: iso(6) }, 5, 6],
  ["the longest period until now, and not more", { from: iso(NOW - HISTORY_MAX_MS) }, NOW - HISTORY_MAX_MS, NOW],
  ["nothing before 1970", { from: "0001-01-01T00:00:00Z", to: iso(6) }, 0, 6],
];
for (const [what, wish, from_ms, to_ms] of periods) {
  test(`historyPage() means ${what}`, () => {
    const page = historyPage(wish, NOW);
    assert.deepEqual([page.from_ms, page.to_ms, page.limit], [from_ms, to_ms, 100]);
    assert.ok(ReadRequest.safeParse({ kind: "history_deals", ...page }).success);
  });
}

test("historyPage() keeps position, limit and cursor", () => {
  const wish = { position: "7", limit: 5, cursor: "1-2" };
  const { position, limit, cursor } = historyPage(wish, NOW);
  assert.deepEqual({ position, limit, cursor }, wish);
});

const impossible: [string, HistoryWish][] = [
  ["that is empty", { from: iso(NOW - DAY), to: iso(NOW - DAY) }],
  ["that ends before it begins", { from: iso(NOW - DAY), to: iso(NOW - 2 * DAY) }],
  ["that begins after now", { from: iso(NOW) }],
  ["that is too long", { from: iso(NOW - HISTORY_MAX_MS - 1) }],
  ["before 1970", { from: "0001-01-01T00:00:00Z", to: "0001-01-02T00:00:00Z" }],
];
for (const [what, wish] of impossible) {
  test(`historyPage() refuses a period ${what}`, () => {
    const isRefused = (error: unknown): boolean =>
      error instanceof AppError && error.code === "invalid_request" && error.extras.fields?.[0]?.path === "to";
    assert.throws(() => historyPage(wish, NOW), isRefused);
  });
}
