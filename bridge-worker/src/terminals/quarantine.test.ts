// The rests of a quarantined terminal, and what each loss is called.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TerminalLost } from "../mt5/mod.ts";
import { isIpcFailure, lossOf, pauseAfter, reasonOf } from "./quarantine.ts";

describe("pauseAfter", () => {
  it("doubles with every failure up to 15 s", () => {
    const pauses = Array.from({ length: 9 }, (_, failures) => pauseAfter("hung", failures, 0));
    assert.deepEqual(pauses, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it("is shortened by up to half, never made longer", () => {
    assert.deepEqual(
      [0, 0.5, 0.9].map((random) => pauseAfter("unreachable", 2, random)),
      [1000, 750, 550],
    );
  });

  it("is a minute where only a person can help", () => {
    for (const reason of ["same_process", "shared_terminal", "guard_not_shared"] as const)
      assert.equal(pauseAfter(reason, 0, 0), 60_000, reason);
  });
});

describe("what a loss is called", () => {
  const reasons = { timeout: "hung", connection: "unreachable", guard_not_shared: "guard_not_shared" } as const;
  for (const [loss, reason] of Object.entries(reasons) as [keyof typeof reasons, string][]) {
    it(`${loss} is ${reason}, and back again`, () => {
      assert.equal(reasonOf(new TerminalLost(loss, "")), reason);
      assert.equal(lossOf(reasons[loss]), loss);
    });
  }

  it("anything else is nonsense", () => {
    assert.equal(reasonOf(new TerminalLost("protocol", "")), "protocol");
    assert.equal(reasonOf(new TypeError()), "protocol");
  });
});

it("a broken link to MetaTrader has the package's codes from -10000 on", () => {
  assert.deepEqual(
    [-10_000, -10_005, -9_999, -1].map((code) => isIpcFailure([code, ""])),
    [true, true, false, false],
  );
});
