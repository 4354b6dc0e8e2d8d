// The bounds, on cases small enough to count by hand, and against trying everything.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { leastSwitches, type Window } from "./bounds.ts";

const at = (...accounts: number[]): Window[] =>
  accounts.map((account, index) => ({ account, fromMs: index, untilMs: index }));

describe("leastSwitches", () => {
  it("is one for an account that is never sent away", () => assert.equal(leastSwitches(at(1, 1, 1), 1), 1));
  it("keeps one account where two take turns on one terminal, as if the other needed none", () =>
    assert.equal(leastSwitches(at(1, 2, 1, 2), 1), 3));
  it("is one for each account when there are terminals for all", () =>
    assert.equal(leastSwitches(at(1, 2, 1, 2), 2), 2));
  it("lets requests of an account meet in one visit when they may wait", () => {
    const windows = [
      { account: 1, fromMs: 0, untilMs: 4 },
      { account: 2, fromMs: 1, untilMs: 1 },
      { account: 1, fromMs: 3, untilMs: 3 },
    ];
    assert.equal(leastSwitches(windows, 1), 2);
  });

  it("is never more than the best offline choice of victims needs without waiting", () => {
    const accounts = fc.array(fc.nat(3), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(accounts, fc.integer({ min: 1, max: 3 }), (list, terminals) =>
        assert.ok(leastSwitches(at(...list), terminals) <= best(list, 0, [], terminals)),
      ),
    );
  });
});

/** Every choice of victims, tried. */
function best(list: readonly number[], index: number, on: readonly number[], terminals: number): number {
  const account = list[index];
  if (account === undefined) return 0;
  if (on.includes(account)) return best(list, index + 1, on, terminals);
  if (on.length < terminals) return 1 + best(list, index + 1, [...on, account], terminals);
  const choices = on.map((victim) =>
    best(list, index + 1, [...on.filter((one) => one !== victim), account], terminals),
  );
  return 1 + Math.min(...choices);
}
