// Time and cancellation: what did not start in time never starts, and what is answered about an id that was never seen is
// on the disk before a late frame can meet it.
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
  WORKER_ID,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import { openJournal } from "../journal/mod.ts";
import type { CommandCall } from "./calls.ts";

describe("Scheduler: deadlines", () => {
  let worker: WorkerFixture;
  let alice: Actor;
  beforeEach(async () => {
    const world = await createWorld();
    worker = await createWorkerFixture({ world, after: world.clock.after });
    alice = await worker.actor();
  });
  afterEach(() => worker.stop());

  /** Occupies the terminal; answers what ends the occupation. */
  async function occupy(): Promise<() => Promise<void>> {
    const release = worker.holdNextSend();
    const ended = worker.run(worker.trade(alice));
    await until("the terminal is busy", () => worker.broker.ledger().length === 1);
    return async () => {
      release();
      await ended;
    };
  }

  function isSent({ body }: CommandCall): boolean {
    return worker.broker.ledger().some(({ magic }) => magic === String(body.tag));
  }

  it("a command that waits past its time expires while it waits, and is not sent when its turn comes", async () => {
    const release = await occupy();
    const call = worker.trade(alice, {}, { notAfterMs: worker.clock.now() + 5_000 });
    const ended = worker.run(call);
    worker.clock.advance(5_000);
    const outcome = await ended;
    assert.ok(outcome.state === "expired");
    assert.equal(outcome.code, "deadline_exceeded");
    await release();
    assert.equal(isSent(call), false);
  });

  it("a command whose turn comes after its time expires instead of starting", async () => {
    const release = await occupy();
    const call = worker.trade(alice, {}, { notAfterMs: worker.clock.now() + 5_000 });
    const heard = listen();
    await worker.scheduler.command(call, heard.subscriber);
    // The worker's clock runs ahead of the timer, as it does when the process was stopped for a while.
    worker.clock.advance(5_001);
    await release();
    const result = await heard.result;
    assert.equal((await worker.outcome({ result })).state, "expired");
    assert.deepEqual(heard.events, [{ phase: "queued" }, { result }]);
    assert.equal(isSent(call), false);
  });

  it("a command that needs longer for its preparation than its time expires before the send", async () => {
    const call = worker.trade(alice, {}, { notAfterMs: worker.clock.now() + 800 });
    const session = worker.sessions[0];
    assert.ok(session);
    const read = session.read.bind(session);
    session.read = (...args) => {
      worker.clock.advance(801);
      return read(...args);
    };
    const outcome = await worker.run(call);
    assert.equal(outcome.state, "expired");
    assert.equal(isSent(call), false);
    assert.equal(worker.journal.find(call.id)?.tag, null);
  });

  it("a command that arrives late is expired and recorded; a copy that was held back does not start", async () => {
    const call = worker.trade(alice, {}, { notAfterMs: worker.clock.now() - 1 });
    const [first, copy] = [listen(), listen()];
    await worker.scheduler.command(call, first.subscriber);
    const outcome = await worker.outcome({ result: await first.result });
    assert.ok(outcome.state === "expired");
    assert.match(outcome.detail ?? "", /arrived after/);
    assert.equal(worker.journal.find(call.id)?.state, "final");
    // Even with a deadline of its own: the id is what counts.
    await worker.scheduler.command({ ...call, notAfterMs: worker.clock.now() + 9_000 }, copy.subscriber);
    assert.equal(await copy.result, await first.result);
    assert.deepEqual(worker.broker.ledger(), []);
  });

  it("a command that arrives in its last millisecond still runs", async () => {
    const call = worker.trade(alice);
    await worker.run(worker.trade(alice));
    assert.equal((await worker.run({ ...call, notAfterMs: worker.clock.now() + 1 })).state, "done");
  });

  it("what a login leaves no time for is not taken in: refused at once, its key free, and no login begun", async () => {
    const call = worker.trade(alice, {}, { notAfterMs: worker.clock.now() + 499 });
    const outcome = await worker.run(call);
    assert.ok(outcome.state === "refused" && outcome.release === true);
    // No time to come back at: with so little it never gets in.
    assert.deepEqual([outcome.code, outcome.retry_after_ms], ["worker_busy", undefined]);
    assert.deepEqual([worker.processes[0]?.shown, worker.journal.find(call.id)], [null, undefined]);
  });

  it("after a slow login others are refused with a time to come back at, and get in then, however slow it was", async () => {
    const slow = await worker.actor({ account: { login: "5000002" } });
    worker.processes[0]?.faults.addLogin({ kind: "slow", ms: 12_000 });
    const port = worker.sessions[0];
    assert.ok(port);
    const login = port.login.bind(port);
    let tookMs = 12_000;
    port.login = async (...args) => {
      const reply = await login(...args);
      worker.clock.advance(tookMs);
      return reply;
    };
    assert.equal((await worker.run(worker.trade(slow))).state, "done");
    tookMs = 1_000;
    const inTenSeconds = (): CommandCall => worker.trade(alice, {}, { notAfterMs: worker.clock.now() + 10_000 });
    const refused = await worker.run(inTenSeconds());
    assert.ok(refused.state === "refused" && refused.code === "worker_busy" && refused.release === true);
    worker.clock.advance(refused.retry_after_ms ?? Number.NaN);
    assert.equal((await worker.run(inTenSeconds())).state, "done");
  });

  it("no login is begun that would take longer than the time that is left when its turn comes", async () => {
    const release = await occupy();
    const bob = await worker.actor({ account: { login: "5000002" } });
    const call = worker.trade(bob, {}, { notAfterMs: worker.clock.now() + 5_000 });
    const ended = worker.run(call);
    worker.clock.advance(4_600);
    await release();
    assert.equal((await ended).state, "expired");
    assert.equal(worker.processes[0]?.shown?.account.login, alice.account.login);
  });

  it("status of an unseen id: unseen while its time lasts, and the frame may still run", async () => {
    const call = worker.trade(alice);
    assert.deepEqual(await worker.scheduler.status(worker.question(call)), { phase: "unseen" });
    assert.equal(worker.journal.find(call.id), undefined);
    assert.equal((await worker.run(call)).state, "done");
  });

  it("status of an unseen id past its time: expired, on the disk, and the late frame meets it", async () => {
    const call = worker.trade(alice);
    worker.clock.advance(20_001);
    const told = await worker.scheduler.status(worker.question(call));
    assert.equal((await worker.outcome(told)).state, "expired");
    assert.equal(worker.journal.find(call.id)?.state, "final");
    const late = listen();
    await worker.scheduler.command({ ...call, notAfterMs: worker.clock.now() + 9_000 }, late.subscriber);
    assert.deepEqual(late.events, [told]);
    assert.deepEqual(worker.broker.ledger(), []);
  });

  it("a frame that comes in while a status is being written and the status agree on one ending", async () => {
    const call = worker.trade(alice);
    worker.clock.advance(20_001);
    const heard = listen();
    const [told] = await Promise.all([
      worker.scheduler.status(worker.question(call)),
      worker.scheduler.command({ ...call, notAfterMs: worker.clock.now() + 9_000 }, heard.subscriber),
    ]);
    const result = await heard.result;
    if ("result" in told) assert.equal(told.result, result);
    else assert.equal(told.phase, "started");
    const { state } = await worker.outcome({ result });
    assert.equal(worker.broker.ledger().length, state === "done" ? 1 : 0);
  });

  it("a command older than the journal is unknown and not started: an earlier journal may have known it", async () => {
    worker.clock.advance(1_000);
    const call = worker.trade(alice, {}, { submittedAgoMs: 1_001 });
    const outcome = await worker.run(call);
    assert.deepEqual(outcome, { state: "unknown", evidence: { phase: "journal_younger_than_command" } });
    assert.deepEqual(worker.broker.ledger(), []);
    assert.equal((await worker.run(worker.trade(alice, {}, { submittedAgoMs: 1_000 }))).state, "done");
  });

  it("a journal that was made while the clock was far ahead knows what came after this start, and nothing before it", async () => {
    const dir = mkdtempSync(join(tmpdir(), "deadlines-"));
    const journalPath = join(dir, "journal.db");
    const world = await createWorld();
    const ahead = (): number => world.clock.wallClock() + 365 * 86_400_000;
    openJournal({ path: journalPath, workerId: WORKER_ID, now: ahead, newJournal: true }).close();
    const life = await createWorkerFixture({ world, journalPath, after: world.clock.after });
    const bob = await life.actor();
    life.clock.advance(1_000);
    assert.equal((await life.run(life.trade(bob, {}, { submittedAgoMs: 1_000 }))).state, "done");
    assert.equal((await life.run(life.trade(bob, {}, { submittedAgoMs: 1_001 }))).state, "unknown");
    await life.stop();
    rmSync(dir, { recursive: true });
  });

  for (const ask of ["status", "cancel"] as const) {
    it(`${ask} of an unseen command older than the journal: unknown, never a claim that it did not run`, async () => {
      const call = worker.trade(alice, {}, { submittedAgoMs: 60_000 });
      worker.clock.advance(20_001);
      const told = await worker.scheduler[ask](worker.question(call));
      assert.equal((await worker.outcome(told)).state, "unknown");
    });
  }

  it("cancel of a waiting command: cancelled, told to its subscribers, and not sent when its turn comes", async () => {
    const release = await occupy();
    const call = worker.trade(alice);
    const heard = listen();
    await worker.scheduler.command(call, heard.subscriber);
    const told = await worker.scheduler.cancel(worker.question(call));
    assert.equal((await worker.outcome(told)).state, "cancelled");
    assert.deepEqual(heard.events, [{ phase: "queued" }, told]);
    await release();
    await worker.run(worker.trade(alice));
    assert.equal(isSent(call), false);
    assert.deepEqual(await worker.scheduler.status(worker.question(call)), told);
  });

  it("cancel of a started command answers where it is and undoes nothing", async () => {
    const release = worker.holdNextSend();
    const call = worker.trade(alice);
    const ended = worker.run(call);
    await until("it is sending", () => isSent(call));
    assert.deepEqual(await worker.scheduler.cancel(worker.question(call)), { phase: "started" });
    release();
    assert.equal((await ended).state, "done");
  });

  it("cancel of an unseen command, also before its time is over: the frame that comes later does not start", async () => {
    const call = worker.trade(alice);
    const told = await worker.scheduler.cancel(worker.question(call));
    assert.equal((await worker.outcome(told)).state, "cancelled");
    assert.equal((await worker.run(call)).state, "cancelled");
    assert.deepEqual(worker.broker.ledger(), []);
  });

  it("a cancel and an expiry of the same waiting command end it once", async () => {
    const release = await occupy();
    const call = worker.trade(alice, {}, { notAfterMs: worker.clock.now() + 5_000 });
    const heard = listen();
    await worker.scheduler.command(call, heard.subscriber);
    const cancelled = worker.scheduler.cancel(worker.question(call));
    worker.clock.advance(5_000);
    const told = await cancelled;
    const result = await heard.result;
    await release();
    await worker.scheduler.drain();
    assert.deepEqual(told, { result });
    assert.equal(worker.journal.find(call.id)?.result, result);
    assert.equal(heard.events.filter((event) => "result" in event).length, 1);
  });
});
