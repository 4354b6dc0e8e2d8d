import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkerHealth } from "../../_shared/protocol/mod.ts";
import type { WorkerProbe } from "../bridge/mod.ts";
import { makeContext } from "../testing/context.ts";
import { CLOCK_SKEW_WARN_MS, createHealthCheck, HEALTH_CACHE_MS, type Health } from "./check-health.ts";

const said = (states: string[], change: Partial<WorkerHealth> = {}): WorkerHealth => ({
  ...{ version: "1.2.3", wall_ms: 5, in_flight: 1, plain_rpc: false, unknown_commands: 2, oldest_undelivered_s: null },
  terminals: states.map((state, index) => ({ name: `mt5-${index + 1}`, kind: "rpyc", state })),
  ...change,
});
const present = (states = ["idle"], clockSkewMs = 40): WorkerProbe => ({
  ...{ id: "w1", reachable: true, roundTripMs: 1.26, clockSkewMs, health: said(states) },
});
const away = (id = "w1"): WorkerProbe => ({
  ...{ id, reachable: false, roundTripMs: null, clockSkewMs: null, health: null },
});

async function healthOf(probes: WorkerProbe[], withdrawCommand = async () => false): Promise<Health> {
  const byId = new Map(probes.map((probe, index) => [`w${index + 1}`, { ...probe, id: `w${index + 1}` }]));
  const context = makeContext({
    db: { withdrawCommand },
    bridge: { probe: async (id) => byId.get(id) ?? away(id) },
    workerIds: [...byId.keys()],
  });
  return await createHealthCheck(context, "1.2.3")();
}

test("createHealthCheck() shows what a worker says of itself, its clock as a difference", async () => {
  const { status, serving, version, workers } = await healthOf([present()]);
  assert.deepEqual([status, serving, version], ["ok", true, "1.2.3"]);
  const { wall_ms: _wall, ...shown } = said(["idle"]);
  assert.deepEqual(workers, [
    {
      ...{ id: "w1", reachable: true, round_trip_ms: 1.3, clock_skew_ms: 40, clock_skew_warning: false },
      ...shown,
    },
  ]);
});

test("createHealthCheck() warns about clocks that are more than the limit apart, in either direction", async () => {
  for (const [skewMs, warned] of [
    [CLOCK_SKEW_WARN_MS, false],
    [CLOCK_SKEW_WARN_MS + 1, true],
    [-CLOCK_SKEW_WARN_MS - 1, true],
  ] as const) {
    const { status, serving, workers } = await healthOf([present(["idle"], skewMs)]);
    assert.equal(workers[0]?.clock_skew_warning, warned);
    assert.deepEqual([status, serving], [warned ? "degraded" : "ok", true]);
  }
});

const cases: [string, WorkerProbe[], "ok" | "degraded", boolean][] = [
  ["terminals at work and not yet used", [present(["busy", "disconnected"])], "ok", true],
  ["one terminal of two out of service", [present(["idle", "quarantined"])], "degraded", true],
  ["no terminal in service", [present(["quarantined", "draining"])], "degraded", false],
  ["one worker of two away", [present(), away()], "degraded", true],
  ["no worker there", [away()], "degraded", false],
  ["no worker configured", [], "degraded", false],
];
for (const [what, probes, status, serving] of cases) {
  test(`createHealthCheck(), ${what}: ${status}, ${serving ? "serving" : "not serving"}`, async () => {
    const health = await healthOf(probes);
    assert.deepEqual([health.status, health.serving], [status, serving]);
  });
}

test("createHealthCheck() counts a terminal out of service until its trouble is over", async () => {
  const terminals = [{ name: "mt5-1", kind: "rpyc" as const, state: "connecting", reason: "hung", since_s: 3 }];
  const { status, serving } = await healthOf([{ ...present(), health: said([], { terminals }) }]);
  assert.deepEqual([status, serving], ["degraded", false]);
});

test("createHealthCheck() serves nothing without the database", async () => {
  const health = await healthOf([present()], async () => {
    throw new Error("away");
  });
  assert.deepEqual([health.status, health.serving], ["degraded", false]);
  assert.deepEqual(health.database, { reachable: false, round_trip_ms: null });
});

test("createHealthCheck() asks again only when its answer has grown old", async () => {
  let probes = 0;
  let nowMs = 0;
  const context = makeContext({
    db: { withdrawCommand: async () => false },
    bridge: {
      probe: async () => {
        probes++;
        return present();
      },
    },
    clock: { monotonicMs: () => nowMs, wallMs: () => 0 },
  });
  const check = createHealthCheck(context, "1.2.3");
  await Promise.all([check(), check()]);
  nowMs = HEALTH_CACHE_MS;
  await check();
  assert.equal(probes, 1);
  nowMs = HEALTH_CACHE_MS + 1;
  await check();
  assert.equal(probes, 2);
});
