// Two thousand runs of the whole system in one process, each with its own mixture of faults. A seed that fails is printed
// and replays exactly.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeFailure, neverFired, neverReached } from "./campaign.ts";
import { runSharedCampaign } from "./shared-campaign.ts";

const RUNS = 2_000;
/** Milliseconds, on a machine that has other work: more says that something waits for the real clock. */
const WALL_LIMIT_MS = 220_000;

describe("the simulation", () => {
  it(`keeps every invariant in ${RUNS} runs, and every fault struck inside its window`, async (t) => {
    const began = performance.now();
    const { figures, failures } = await runSharedCampaign(1, RUNS);
    const ms = Math.round(performance.now() - began);
    t.diagnostic(JSON.stringify({ ...figures, virtual_hours: Math.round(figures.virtual_hours), wall_ms: ms }));
    assert.deepEqual(failures.map(describeFailure), []);
    assert.deepEqual(neverFired(figures), []);
    assert.deepEqual(neverReached(figures), []);
    assert.ok(figures.orders > RUNS * 5, `only ${figures.orders} orders in ${RUNS} runs`);
    assert.ok(ms < WALL_LIMIT_MS, `${ms} ms`);
  });
});
