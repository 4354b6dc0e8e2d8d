// Numbers on a grid: exact multiples out, noise cleaned, real differences refused.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decimalsOf, onGrid } from "./grid.ts";

const STEPS = [1, 5, 100, 0.5, 0.25, 0.1, 0.01, 0.05, 0.001, 0.03125, 0.00001, 1e-8];
const step = fc.constantFrom(...STEPS);

describe("onGrid", () => {
  it("gives back every multiple of a step as the decimal number it means", () => {
    fc.assert(
      fc.property(step, fc.integer({ min: 0, max: 1_000_000_000 }), (size, count) => {
        const decimal = Number((count * size).toFixed(decimalsOf(size)));
        assert.equal(onGrid(decimal, size), decimal);
      }),
    );
  });

  it("answers a multiple of the step, or nothing, for any number", () => {
    fc.assert(
      fc.property(step, fc.double({ min: 0, max: 1e6, noNaN: true }), (size, value) => {
        const exact = onGrid(value, size);
        if (exact === undefined) return;
        const count = Math.round(exact / size);
        assert.equal(exact, Number((count * size).toFixed(decimalsOf(size))));
        assert.ok(Math.abs(exact - value) <= Math.max(size / 1000, value * 2e-14), `${value} became ${exact}`);
      }),
    );
  });

  it("accepts what arithmetic on binary floats leaves of a multiple", () => {
    fc.assert(
      fc.property(
        step,
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: -8, max: 8 }),
        (size, count, ulps) => {
          const decimal = Number((count * size).toFixed(decimalsOf(size)));
          assert.equal(onGrid(decimal * (1 + ulps * Number.EPSILON), size), decimal);
        },
      ),
    );
    assert.equal(onGrid(0.1 + 0.2, 0.1), 0.3);
    assert.equal(onGrid(1.1 * 3, 0.01), 3.3);
    assert.equal(
      onGrid(
        Array<number>(1000)
          .fill(0.01)
          .reduce((sum, part) => sum + part),
        0.01,
      ),
      10,
    );
    assert.equal(onGrid(0.07 * 100, 1), 7);
  });

  it("does not take for nothing what is next to nothing", () => {
    for (const size of STEPS) {
      assert.equal(onGrid(size * 1e-7, size), undefined);
      assert.equal(onGrid(Number.MIN_VALUE, size), undefined);
      assert.equal(onGrid(0, size), 0);
    }
  });

  it("takes a step that is none for no grid", () => {
    for (const size of [0, -0.01, Number.NaN, Number.MIN_VALUE, 1e-300, 1e-101])
      assert.equal(onGrid(0.123, size), 0.123);
    assert.equal(onGrid(0.123, 1e-15), 0.123);
  });

  it("refuses what lies between two lines, however many lines there are below it", () => {
    fc.assert(
      fc.property(
        step,
        fc.integer({ min: 0, max: 2_000_000_000 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (size, n, part) => {
          assert.equal(onGrid((n + part) * size, size), undefined);
        },
      ),
    );
  });

  const refused: [number, number][] = [
    [0.015, 0.01],
    [0.0100001, 0.01],
    [1.123456, 0.00001],
    [3, 5],
    [0.125, 0.1],
    [10_000_000.005, 0.01],
  ];
  for (const [value, size] of refused) {
    it(`refuses ${value} on ${size}`, () => assert.equal(onGrid(value, size), undefined));
  }

  it("leaves a number alone where the broker names no step", () => {
    for (const none of [0, -1, Number.NaN]) assert.equal(onGrid(0.015, none), 0.015);
  });
});

describe("decimalsOf", () => {
  const cases: [number, number][] = [
    [1, 0],
    [100, 0],
    [0.5, 1],
    [0.25, 2],
    [0.00001, 5],
    [1e-8, 8],
    [2.5e-7, 8],
    [1e21, 0],
  ];
  for (const [size, decimals] of cases) {
    it(`of ${size} is ${decimals}`, () => assert.equal(decimalsOf(size), decimals));
  }
});
