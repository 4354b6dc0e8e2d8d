// The policy's promises on a small workload, so that a change which costs switches or time is seen at once. The whole
// picture is `npm run bench scheduler`.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { baseCase } from "./cases.ts";
import { run } from "./contenders.ts";
import { boundWithoutWaiting, type Figures, figuresOf, isTrade } from "./figures.ts";
import type { Run } from "./simulate.ts";
import { generate, type Shape } from "./workload.ts";

const TEN_MINUTES = 1 / 6;
const SEEDS = [1, 11, 21];
const shape: Shape = { ...baseCase(4, "heavy"), hours: TEN_MINUTES };
const workloads = SEEDS.map((seed) => ({ seed, requests: generate(shape, seed) }));
const runsOf = (policy: string) => workloads.map(({ seed, requests }) => run(policy, requests, shape, seed));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const bound = sum(workloads.map(({ requests }) => boundWithoutWaiting(requests, shape.terminals)));
const switches = (policy: string): number => sum(runsOf(policy).map((one) => one.switches));

describe("the workload", () => {
  it("is the same for the same seed, and another for another", () => {
    assert.deepEqual(generate(shape, 1), workloads[0]?.requests);
    assert.notDeepEqual(generate(shape, 2), workloads[0]?.requests);
  });
});

describe("four terminals, a hundred accounts, ten minutes of heavy load", () => {
  const figures = runsOf("balanced").map((one) => figuresOf(one));

  it("needs no more switches than nobody who never lets wait could do with", () => {
    const ratio = switches("balanced") / bound;
    assert.ok(ratio <= 1.05, String(ratio));
  });
  it("needs half of what plain FIFO needs, and less than gated batching", () => {
    assert.ok(switches("balanced") <= 0.5 * switches("plain_fifo"));
    assert.ok(switches("balanced") <= 0.85 * switches("gated_batching"));
  });
  it("answers no trade late, expires none and refuses none", () => {
    for (const { late, expiredShare, refused } of figures) assert.deepEqual([late, expiredShare, refused], [0, 0, 0]);
  });
  it("answers the slowest trade in a hundred within 5.5 s", () => {
    for (const { trades } of figures) assert.ok(trades.p99 <= 5.5, String(trades.p99));
  });
});

describe("sixteen terminals, heavy load", () => {
  const many = baseCase(16, "heavy");
  const requests = generate(many, 11);
  const [looks, blind] = ["balanced", "balanced_blind"].map((policy) => run(policy, requests, many, 11)) as [Run, Run];

  it("closes are answered before opens also where a terminal is nearly always free", () => {
    const { closes, opens } = figuresOf(looks);
    assert.ok(closes.p95 <= opens.p95, `${closes.p95} ${opens.p95}`);
  });
  it("closes wait less than if nobody looked at positions, at the price of few more switches", () => {
    assert.ok(figuresOf(looks).closes.p95 < figuresOf(blind).closes.p95);
    assert.ok(looks.switches <= 1.03 * blind.switches, `${looks.switches} ${blind.switches}`);
  });
});

describe("two terminals, overload", () => {
  const crowded: Shape = { ...baseCase(2, "overload"), hours: 1 / 3 };
  const runs = SEEDS.map((seed) => run("balanced", generate(crowded, seed), crowded, seed));

  it("closes are answered before opens", () => {
    for (const { closes, opens } of runs.map((one) => figuresOf(one))) assert.ok(closes.p95 <= opens.p95);
  });
  it("hardly a trade expires, and none is late", () => {
    const trades = sum(runs.map(({ requests }) => requests.filter(isTrade).length));
    const expired = runs.map(({ requests, endings }) =>
      requests.filter((request) => isTrade(request) && endings[request.index] === "expired"),
    );
    assert.ok(sum(expired.map(({ length }) => length)) <= 0.005 * trades);
    for (const one of runs) assert.equal(figuresOf(one).late, 0);
  });
  it("more load gets no less served", () => {
    const served = (load: number): number => {
      const more = { ...crowded, sessionRate: crowded.sessionRate * load };
      return figuresOf(run("balanced", generate(more, 1), more, 1)).served;
    };
    const [once, twice, fourfold] = [served(1), served(2), served(4)];
    assert.ok(twice >= 0.95 * once && fourfold >= 0.95 * twice, `${once} ${twice} ${fourfold}`);
  });
});

describe("a user with fifty accounts who sends on all of them at once", () => {
  it("costs the others next to nothing", () => {
    const bulk: Shape = { ...baseCase(4, "heavy"), bulk: true };
    const figures = (of: Shape): Figures =>
      figuresOf(run("balanced", generate(of, 11), of, 11), ({ user }) => user !== "bulk");
    const [others, without] = [figures(bulk), figures({ ...bulk, bulk: false })];
    assert.ok(others.trades.p99 <= 1.05 * without.trades.p99, `${others.trades.p99} ${without.trades.p99}`);
    // Nor is any of them sent away for him.
    assert.ok(others.refused <= without.refused + 1, `${others.refused} ${without.refused}`);
  });
});
