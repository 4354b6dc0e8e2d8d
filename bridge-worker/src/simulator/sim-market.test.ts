import assert from "node:assert/strict";
import { test } from "node:test";
import { isWeekend, lastOpenMs, quoteAt, roundToTick, TICK_MS } from "./sim-market.ts";
import { findSymbol, type SimSymbol, symbolNames } from "./sim-symbols.ts";

/** A Wednesday. */
const NOON = Date.UTC(2026, 2, 4, 12);

function symbol(name: string): SimSymbol {
  const found = findSymbol(name);
  assert.ok(found);
  return found;
}

test("quoteAt() is a function of seed, symbol and time", () => {
  const eurusd = symbol("EURUSD");
  assert.deepEqual(quoteAt(1, eurusd, NOON), quoteAt(1, eurusd, NOON));
  assert.notDeepEqual(quoteAt(1, eurusd, NOON), quoteAt(2, eurusd, NOON));
  const moved = Array.from({ length: 40 }, (_, index) => quoteAt(1, eurusd, NOON + index * TICK_MS).bid);
  assert.ok(new Set(moved).size > 5, "the price hardly moves");
});

test("quoteAt() stands still between two ticks", () => {
  const gold = symbol("XAUUSD");
  assert.deepEqual(quoteAt(1, gold, NOON), quoteAt(1, gold, NOON + TICK_MS - 1));
  assert.equal(quoteAt(1, gold, NOON + TICK_MS).utcMs, NOON + TICK_MS);
});

test("quoteAt() stays within the swing, on the tick, with the ask above the bid", () => {
  for (const name of symbolNames()) {
    const one = symbol(name);
    for (let day = 0; day < 50; day += 1) {
      const { bid, ask } = quoteAt(3, one, NOON + day * 86_400_000 + day * 777);
      assert.equal(roundToTick(bid, one), bid);
      assert.equal(roundToTick(ask, one), ask);
      assert.ok(ask > bid, `${name}: ask ${ask}, bid ${bid}`);
      assert.ok(Math.abs(bid / one.basePrice - 1) <= one.swing + 1e-3, `${name}: ${bid}`);
    }
  }
});

test("lastOpenMs() is the last tick of Friday while the broker's weekend lasts", () => {
  const friday = Date.UTC(2026, 2, 6, 23, 59, 59, 999);
  const lastTick = Date.UTC(2026, 2, 7) - TICK_MS;
  const monday = Date.UTC(2026, 2, 9);
  assert.equal(lastOpenMs(friday), friday);
  assert.equal(lastOpenMs(friday + 1), lastTick);
  assert.equal(lastOpenMs(monday - 1), lastTick);
  assert.equal(lastOpenMs(monday), monday);
  assert.deepEqual([friday, friday + 1, monday - 1, monday].map(isWeekend), [false, true, true, false]);
});
