// What anybody may learn of a worker: how much waits and how it stands with the terminals, and nobody's name.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import { createWorkerFixture, listen, type WorkerFixture } from "../../../tests/support/worker-fixture.ts";
import { WorkerHealth } from "../protocol.ts";
import { describeWorker } from "./describe-worker.ts";

const healthOf = (worker: WorkerFixture): WorkerHealth =>
  WorkerHealth.parse(
    describeWorker({
      ...{ version: "1.2.3", plainRpc: false, journalBytes: () => 4096 },
      ...{ scheduler: worker.scheduler, journal: worker.journal, wallClock: worker.clock.wallClock },
    }),
  );

describe("describeWorker", () => {
  it("a worker at rest", async () => {
    const worker = await createWorkerFixture();
    worker.clock.advance(90_000);
    const { terminals, ...rest } = healthOf(worker);
    assert.deepEqual(rest, {
      ...{ version: "1.2.3", wall_ms: worker.clock.wallClock(), in_flight: 0, plain_rpc: false },
      ...{ unknown_commands: 0, oldest_undelivered_s: null, journal: { age_s: 90, bytes: 4096 } },
    });
    assert.deepEqual(
      terminals.map(({ name, kind }) => [name, kind]),
      [["sim-1", "simulator"]],
    );
    worker.clock.advance(-120_000);
    assert.equal(healthOf(worker).journal?.age_s, 0);
    await worker.stop();
  });

  it("counts what waits and what is unknown, and names nobody", async () => {
    const worker = await createWorkerFixture();
    const actor = await worker.actor();
    const release = worker.holdNextSend();
    const first = worker.trade(actor);
    const heard = [first, worker.trade(actor), worker.trade(actor)].map((call) => ({ call, ...listen() }));
    for (const { call, subscriber } of heard) await worker.scheduler.command(call, subscriber);
    const reading = worker.read(actor, { kind: "positions", max_age_ms: 0 });
    await until("a send is under way", () => worker.journal.interrupted().length === 1);
    const { in_flight, terminals } = healthOf(worker);
    assert.deepEqual([in_flight, terminals[0]?.state, terminals[0]?.queued], [3, "busy", 3]);
    release();
    await Promise.all([...heard.map(({ result }) => result), reading]);
    worker.processes[0]?.faults.addSend({ kind: "none", lastError: [-1, "no"], executes: true });
    assert.equal((await worker.run(worker.trade(actor))).state, "unknown");
    worker.clock.advance(7_000);
    const health = healthOf(worker);
    assert.deepEqual([health.unknown_commands, health.oldest_undelivered_s, health.in_flight], [1, 7, 0]);
    const text = JSON.stringify(health);
    for (const secret of [actor.userId, actor.account.login, actor.account.id, actor.account.server, first.id]) {
      assert.ok(!text.includes(secret), text);
    }
    await worker.stop();
  });

  it("a terminal out of service says why, and for how long", async () => {
    const worker = await createWorkerFixture();
    const actor = await worker.actor();
    Object.assign(worker.processes[0] ?? {}, { isReachable: false });
    await worker.read(actor, { kind: "account_status" });
    worker.clock.advance(12_000);
    assert.deepEqual(healthOf(worker).terminals, [
      { name: "sim-1", kind: "simulator", state: "quarantined", reason: "unreachable", since_s: 12, queued: 0 },
    ]);
    await worker.stop();
  });
});
