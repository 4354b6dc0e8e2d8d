// What is refused for want of room frees its key, and so must never run afterwards; and stopping waits for what was taken.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import {
  type Actor,
  createWorkerFixture,
  type Heard,
  listen,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import type { CommandCall } from "./calls.ts";
import { MAX_QUEUED_PER_LANE, MAX_QUEUED_PER_TERMINAL } from "./terminal-jobs.ts";

const BUSY = { state: "refused", code: "worker_busy", retry_after_ms: 2_000, release: true } as const;

describe("Scheduler: admission", () => {
  let worker: WorkerFixture;
  let alice: Actor;
  let release: () => void;
  beforeEach(async () => {
    worker = await createWorkerFixture();
    alice = await worker.actor();
    release = worker.holdNextSend();
    await take(worker.trade(alice));
    await until("the terminal is busy", () => worker.broker.ledger().length === 1);
  });
  afterEach(() => worker.stop());

  async function take(call: CommandCall): Promise<Heard> {
    const heard = listen();
    await worker.scheduler.command(call, heard.subscriber);
    return heard;
  }

  /** Waiting commands that are refused before anything is sent: a ticket that does not exist. */
  async function fill(actor: Actor, count: number): Promise<Heard[]> {
    const calls = Array.from({ length: count }, () =>
      worker.command(actor, { kind: "cancel_order", params: { ticket: "1" } }),
    );
    return Promise.all(calls.map(take));
  }

  it("the last place of a lane is given, the next command is refused and its key freed", async () => {
    const waiting = await fill(alice, MAX_QUEUED_PER_LANE);
    assert.deepEqual(waiting.at(-1)?.events, [{ phase: "queued" }]);
    const call = worker.trade(alice);
    assert.deepEqual(await worker.run(call), BUSY);
    assert.equal(worker.journal.find(call.id), undefined);
    // Another account still finds room.
    const bob = await worker.actor({ account: { login: "5000002" } });
    assert.deepEqual((await take(worker.trade(bob))).events, [{ phase: "queued" }]);

    release();
    await Promise.all(waiting.map(({ result }) => result));
    assert.deepEqual(await worker.run(call), BUSY);
    const tags = worker.broker.ledger().map(({ magic }) => magic);
    assert.equal(tags.includes(String(call.body.tag)), false);
    assert.equal((await worker.run(worker.trade(alice))).state, "done");
  });

  it("the last place of a terminal is given, the next command of any account is refused", async () => {
    const lanes = Math.ceil(MAX_QUEUED_PER_TERMINAL / MAX_QUEUED_PER_LANE);
    const actors = await Promise.all(
      Array.from({ length: lanes }, (_, index) => worker.actor({ account: { login: String(5_000_002 + index) } })),
    );
    const waiting = (await Promise.all(actors.map((actor) => fill(actor, MAX_QUEUED_PER_LANE)))).flat();
    assert.equal(waiting.length, MAX_QUEUED_PER_TERMINAL);
    assert.deepEqual(waiting.at(-1)?.events, [{ phase: "queued" }]);
    assert.deepEqual(await worker.run(worker.trade(alice)), BUSY);
    assert.deepEqual(await worker.read(alice, { kind: "account_info", max_age_ms: 0 }), {
      ...{ ok: false, code: "worker_busy", retry_after_ms: 2_000 },
    });
    release();
    await Promise.all(waiting.map(({ result }) => result));
  });

  it("a full lane refuses its reads, too", async () => {
    await fill(alice, MAX_QUEUED_PER_LANE);
    const outcome = await worker.read(alice, { kind: "positions", max_age_ms: 0 });
    assert.ok(!outcome.ok);
    assert.equal(outcome.code, "worker_busy");
    release();
  });

  it("a known id is no admission: a full and draining worker still answers it", async () => {
    const [known] = await Promise.all([take(worker.trade(alice)), fill(alice, MAX_QUEUED_PER_LANE - 1)]);
    const drained = worker.scheduler.drain();
    const call = worker.trade(alice);
    assert.deepEqual(await worker.run(call), BUSY);
    release();
    const result = await known.result;
    await drained;
    const { jti } = await worker.open(result);
    const again = await take({ ...call, id: jti });
    assert.deepEqual(again.events, [{ result }]);
  });

  it("a read that waits past its time answers read_timeout", async () => {
    const outcome = await worker.scheduler.read({
      ...{ id: crypto.randomUUID(), userId: alice.userId, account: alice.account },
      notAfterMs: worker.clock.now() + 1,
      body: { request: { kind: "account_info", max_age_ms: 0 }, credential: alice.credential },
    });
    assert.deepEqual(outcome, { ok: false, code: "read_timeout" });
    release();
  });

  it("draining refuses what is new with its key freed, and waits until the last job has ended", async () => {
    const waiting = await take(worker.trade(alice));
    let isDrained = false;
    const drained = worker.scheduler.drain().then(() => {
      isDrained = true;
    });
    const call = worker.trade(alice);
    assert.deepEqual(await worker.run(call), BUSY);
    assert.equal(isDrained, false);
    release();
    await drained;
    const { state } = await worker.outcome({ result: await waiting.result });
    assert.equal(state, "done");
    assert.equal(worker.scheduler.inFlight, 0);
    assert.equal(worker.broker.ledger().length, 2);
  });

  it("health names each terminal and says what it does", async () => {
    assert.deepEqual(worker.scheduler.health(), [{ name: "sim-1", kind: "simulator", state: "busy", queued: 0 }]);
    assert.equal(worker.scheduler.inFlight, 1);
    release();
    await worker.scheduler.drain();
    assert.deepEqual(worker.scheduler.health(), [{ name: "sim-1", kind: "simulator", state: "idle", queued: 0 }]);
  });
});
