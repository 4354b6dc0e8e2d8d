// The harness must notice every build that is broken on purpose, and nothing in the same story on the sound one.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { huntMutant, MutantNames, RegressionNames, STORY_SEEDS } from "./campaign.ts";

describe("the harness catches", () => {
  let caught = 0;
  for (const name of MutantNames) {
    it(`"${name}"`, async (t) => {
      const { caughtBy, seed, sound } = await huntMutant(name);
      assert.deepEqual(sound, []);
      assert.ok(caughtBy !== undefined, `not noticed in ${STORY_SEEDS} tellings`);
      t.diagnostic(`${caughtBy.invariant} in telling ${seed}: ${caughtBy.what.slice(0, 160)}`);
      caught += 1;
    });
  }
  for (const name of RegressionNames) {
    it(`once more: "${name}"`, async () => {
      const { caughtBy, sound } = await huntMutant(name);
      assert.deepEqual(sound, []);
      assert.ok(caughtBy !== undefined, `not noticed in ${STORY_SEEDS} tellings`);
    });
  }

  it("thirteen of thirteen", (t) => {
    t.diagnostic(JSON.stringify({ mutants_caught: caught, mutants: MutantNames.length }));
    assert.deepEqual([caught, MutantNames.length], [13, 13]);
  });
});
