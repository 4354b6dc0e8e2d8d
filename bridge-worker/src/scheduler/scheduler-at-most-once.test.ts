// One id, one order: repeated frames subscribe, finished and crashed commands are answered from the journal, and nothing
// is ever sent a second time. The broker's ledger is what counts.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import {
  type Actor,
  createWorkerFixture,
  createWorld,
  listen,
  overriding,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";

describe("Scheduler: at most once", () => {
  let worker: WorkerFixture;
  let alice: Actor;

  beforeEach(async () => {
    worker = await createWorkerFixture();
    alice = await worker.actor();
  });
  afterEach(() => worker.stop());

  it("a command ends done with the broker's tickets, and the broker has exactly this order under its tag", async () => {
    const call = worker.trade(alice);
    const heard = listen();
    await worker.scheduler.command(call, heard.subscriber);
    const claims = await worker.open(await heard.result);
    assert.deepEqual(
      [claims.iss, claims.jti, claims.sub, claims.kind],
      [worker.journal.workerId, call.id, alice.userId, "trade"],
    );
    assert.deepEqual(claims.account, alice.account);
    const [order, ...others] = worker.broker.ledger();
    assert.deepEqual(others, []);
    assert.equal(order?.magic, String(call.body.tag));
    const outcome = claims.command;
    assert.ok(outcome?.state === "done");
    assert.equal(outcome.result.order_ticket, order?.ticket);
    assert.equal(outcome.result.retcode, 10009);
    assert.deepEqual(
      heard.events.map((event) => ("phase" in event ? event.phase : "result")),
      ["started", "result"],
    );
  });

  it("a second frame with a known id subscribes: it hears the phase at once, and then the same bytes", async () => {
    const release = worker.holdNextSend();
    const call = worker.trade(alice);
    const [first, second] = [listen(), listen()];
    await worker.scheduler.command(call, first.subscriber);
    await worker.scheduler.command(call, second.subscriber);
    assert.deepEqual(second.events, [{ phase: "started" }]);
    release();
    assert.equal(await second.result, await first.result);
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("32 frames with one id at once make one order and one answer", async () => {
    const call = worker.trade(alice);
    const heard = Array.from({ length: 32 }, () => listen());
    await Promise.all(heard.map(({ subscriber }) => worker.scheduler.command(call, subscriber)));
    const results = await Promise.all(heard.map(({ result }) => result));
    assert.equal(new Set(results).size, 1);
    assert.equal(worker.broker.ledger().length, 1);
    assert.equal(worker.scheduler.inFlight, 0);
  });

  it("a tag that comes twice is sent once, also when both are under way: the other one is refused, and the worker lives", async () => {
    let reads = 0;
    const two = await createWorkerFixture({
      terminals: 2,
      wrapPort: (port) =>
        overriding(port, {
          read: async (...asked) => {
            reads += 1;
            await until("both have read", () => reads >= 2);
            return port.read(...asked);
          },
        }),
    });
    const users = [await two.actor(), await two.actor({ account: { login: "5000002" } })];
    const calls = users.map((user) => two.trade(user, {}, { tag: 2 ** 50 + 1 }));
    const outcomes = await Promise.all(calls.map((call) => two.run(call)));
    assert.deepEqual(outcomes.map(({ state }) => state).sort(), ["done", "refused"]);
    for (const user of users) {
      const later = await two.run(two.trade(user, {}, { tag: 2 ** 50 + 1 }));
      assert.ok(later.state === "refused");
      assert.match(later.detail ?? "", /tag was used/);
      // Not `proof_refused`: that one tells the user to replace the password.
      assert.equal(later.code, "internal_error");
    }
    assert.equal(two.broker.ledger().length, 1);
    await two.stop();
  });

  it("a command cancelled while its terminal takes a last look at another account never starts", async () => {
    const gate = Promise.withResolvers<void>();
    let looks = 0;
    let holding = false;
    const one = await createWorkerFixture({
      wrapPort: (port) =>
        overriding(port, {
          read: async (...asked) => {
            looks += 1;
            if (holding) await gate.promise;
            return port.read(...asked);
          },
        }),
    });
    const [before, user] = [await one.actor({ account: { login: "5000002" } }), await one.actor()];
    assert.equal((await one.run(one.trade(before))).state, "done");
    one.clock.advance(5_000);
    [holding, looks] = [true, 0];
    const call = one.trade(user);
    const ended = one.run(call);
    await until("the last look is under way", () => looks === 1);
    const cancelled = await one.outcome(await one.scheduler.cancel(one.question(call)));
    assert.equal(cancelled.state, "cancelled");
    gate.resolve();
    assert.deepEqual(await ended, cancelled);
    assert.equal((await one.read(user, { kind: "positions", max_age_ms: 0 })).ok, true);
    assert.equal(one.broker.ledger().length, 1);
    await one.stop();
  });

  it("a frame that comes in while its own tombstone is being signed runs, and the tombstone is not written", async () => {
    for (const ask of ["cancel", "status"] as const) {
      const call = worker.trade(alice);
      const asked = worker.scheduler[ask](worker.question(call, ask === "status" ? { notAfterMs: 0 } : {}));
      const ended = worker.run(call);
      assert.ok("phase" in (await asked), ask);
      assert.equal((await ended).state, "done");
      assert.equal(worker.journal.find(call.id)?.state, "final");
    }
    assert.equal(worker.broker.ledger().length, 2);
  });

  it("two frames of one id, the first a moment too late and the second in time: it runs, and nobody hears that it expired", async () => {
    const call = worker.trade(alice);
    const [late, inTime] = [listen(), listen()];
    const told = worker.scheduler.command({ ...call, notAfterMs: worker.clock.now() - 1 }, late.subscriber);
    await worker.scheduler.command(call, inTime.subscriber);
    await told;
    const result = await inTime.result;
    assert.equal((await worker.outcome({ result })).state, "done");
    assert.equal(await late.result, result);
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("a write that failed begins nothing any more, also what waits and could be written again", async () => {
    let failures = 1;
    const dying = await createWorkerFixture({
      wrapJournal: (journal) =>
        overriding(journal, {
          recordEnding: (ending) => {
            failures -= 1;
            if (failures >= 0) throw new Error("the disk is full");
            return journal.recordEnding(ending);
          },
        }),
    });
    const user = await dying.actor();
    for (const symbol of ["EURUSD", "GBPUSD"]) await dying.scheduler.command(dying.trade(user, { symbol }), () => {});
    await until("the worker would stop", () => dying.fatal.length > 0);
    dying.fatal.splice(0);
    // A turn for everything that could go on now.
    await dying.actor();
    assert.deepEqual(
      dying.broker.ledger().map(({ symbol }) => symbol),
      ["EURUSD"],
    );
    await dying.stop();
  });

  it("after the end the journal answers, byte for byte, and nothing runs", async () => {
    const call = worker.trade(alice);
    const [first, later] = [listen(), listen()];
    await worker.scheduler.command(call, first.subscriber);
    const result = await first.result;
    worker.clock.advance(3_600_000);
    await worker.scheduler.command(call, later.subscriber);
    assert.deepEqual(later.events, [{ result }]);
    assert.deepEqual(await worker.scheduler.status(worker.question(call)), { result });
    assert.deepEqual(await worker.scheduler.cancel(worker.question(call)), { result });
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("an unsubscribed listener hears nothing more, and the command goes on", async () => {
    const release = worker.holdNextSend();
    const call = worker.trade(alice);
    const [gone, stays] = [listen(), listen()];
    await worker.scheduler.command(call, gone.subscriber);
    await worker.scheduler.command(call, stays.subscriber);
    worker.scheduler.unsubscribe(call.id, gone.subscriber);
    release();
    await stays.result;
    assert.deepEqual(gone.events, [{ phase: "started" }]);
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("jobs of one lane start in the order in which they came", async () => {
    const release = worker.holdNextSend();
    const calls = Array.from({ length: 5 }, () => worker.trade(alice));
    const heard = await Promise.all(
      calls.map(async (call) => {
        const one = listen();
        await worker.scheduler.command(call, one.subscriber);
        return one;
      }),
    );
    assert.deepEqual(heard[4]?.events, [{ phase: "queued" }]);
    release();
    await Promise.all(heard.map(({ result }) => result));
    assert.deepEqual(
      worker.broker.ledger().map(({ magic }) => Number(magic)),
      calls.map(({ body }) => body.tag),
    );
  });
});

describe("Scheduler: after a restart on the same journal", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "switchyard-scheduler-"));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it("a finished command is answered with the same bytes and does not run again", async () => {
    const world = await createWorld();
    const journalPath = join(dir, "journal.db");
    const before = await createWorkerFixture({ world, journalPath });
    const alice = await before.actor();
    const call = before.trade(alice);
    const first = listen();
    await before.scheduler.command(call, first.subscriber);
    const result = await first.result;
    await before.stop();

    const after = await createWorkerFixture({ world, journalPath });
    assert.equal(await after.scheduler.recover(), 0);
    const second = listen();
    await after.scheduler.command(call, second.subscriber);
    assert.deepEqual(second.events, [{ result }]);
    assert.equal(world.broker.ledger().length, 1);
    await after.stop();
  });

  it("an intent without ending becomes unknown with evidence, once, and is not sent again", async () => {
    const world = await createWorld();
    const journalPath = join(dir, "journal.db");
    // The first worker dies between J1 and J2: its journal loses the ending, as a kill would.
    const before = await createWorkerFixture({
      world,
      journalPath,
      wrapJournal: (journal) =>
        overriding(journal, {
          recordEnding: () => {
            throw new Error("killed");
          },
        }),
    });
    const alice = await before.actor();
    const call = before.trade(alice);
    await before.scheduler.command(call, listen().subscriber);
    await until("the first worker dies", () => before.fatal.length > 0);
    before.fatal.length = 0;
    assert.equal(world.broker.ledger().length, 1);
    await before.stop();

    const after = await createWorkerFixture({ world, journalPath });
    assert.equal(await after.scheduler.recover(), 1);
    const outcome = await after.run(call);
    assert.ok(outcome.state === "unknown");
    assert.equal(outcome.evidence.phase, "interrupted");
    assert.equal(await after.scheduler.recover(), 0);
    assert.deepEqual(
      after.journal.undelivered(9).map(({ id }) => id),
      [call.id],
    );
    assert.equal(world.broker.ledger().length, 1);
    await after.stop();
  });
});
