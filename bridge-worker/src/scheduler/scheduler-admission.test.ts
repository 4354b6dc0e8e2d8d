// What is refused for want of room frees its key, and so must never run afterwards; and stopping waits for what was taken.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import {
  type Actor,
  createWorkerFixture,
  createWorld,
  type Heard,
  listen,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import type { Outcome } from "../protocol.ts";
import type { CommandCall } from "./calls.ts";
import { PRESETS } from "./policy/params.ts";

const { maxLaneWaiting: MAX_QUEUED_PER_LANE } = PRESETS.balanced.params;
/** What a worker that stops says. */
const STOPPING = { state: "refused", code: "worker_busy", retry_after_ms: 2_000, release: true } as const;

function isFull(outcome: Outcome): boolean {
  const { state } = outcome;
  return state === "refused" && outcome.code === "worker_busy" && outcome.release === true;
}

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
    assert.ok(isFull(await worker.run(call)));
    assert.equal(worker.journal.find(call.id), undefined);
    // Another account still finds room.
    const bob = await worker.actor({ account: { login: "5000002" } });
    assert.deepEqual((await take(worker.trade(bob))).events, [{ phase: "queued" }]);

    release();
    await Promise.all(waiting.map(({ result }) => result));
    assert.ok(isFull(await worker.run(call)));
    const tags = worker.broker.ledger().map(({ magic }) => magic);
    assert.equal(tags.includes(String(call.body.tag)), false);
    assert.equal((await worker.run(worker.trade(alice))).state, "done");
  });

  it("the last place of the worker is given, the next command of any account is refused", async () => {
    release();
    const small = await createWorkerFixture({ params: { ...PRESETS.balanced.params, maxWaiting: 2 } });
    const actors = await Promise.all(
      ["5000001", "5000002", "5000003"].map((login) => small.actor({ account: { login } })),
    );
    const letGo = small.holdNextSend();
    const ended = actors.map((actor) => small.run(small.trade(actor)));
    await until("the terminal is busy", () => small.broker.ledger().length === 1);
    const late = small.trade(await small.actor({ account: { login: "5000004" } }));
    assert.ok(isFull(await small.run(late)));
    letGo();
    assert.deepEqual(new Set((await Promise.all(ended)).map(({ state }) => state)), new Set(["done"]));
    await small.stop();
  });

  it("an account that no terminal may log in to is told so, and nothing is written down", async () => {
    release();
    const limits = { servers: ["Switchyard-Demo"], pinned: [] };
    const limited = await createWorkerFixture({ limits });
    const call = limited.trade(await limited.actor({ account: { server: "Switchyard-Netting" } }));
    const outcome = await limited.run(call);
    assert.ok(outcome.state === "refused" && outcome.release === true);
    assert.equal(outcome.code, "terminal_unavailable");
    assert.equal(limited.journal.find(call.id), undefined);
    assert.equal((await limited.run(limited.trade(await limited.actor()))).state, "done");
    await limited.stop();
  });

  it("one user who sends on very many accounts at once is stopped at his share, and nobody else with him", async () => {
    release();
    const world = await createWorld();
    const crowd = await createWorkerFixture({ world, after: world.clock.after });
    const letGo = crowd.holdNextSend();
    const first = crowd.run(crowd.trade(await crowd.actor()));
    await until("the terminal is busy", () => crowd.broker.ledger().length === 1);
    const bulk = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        crowd.actor({ userId: "11111111-1111-4111-8111-111111111111", account: { login: String(5_000_010 + index) } }),
      ),
    );
    const answers = bulk.map((actor) => crowd.run(crowd.trade(actor)));
    // Patient: how much of this time passes while a password is opened is the machine's matter.
    const patience = { notAfterMs: world.clock.now() + 600_000 };
    const other = crowd.run(crowd.trade(await crowd.actor({ account: { login: "5000002" } }), {}, patience));
    letGo();
    /** Time goes on until this has ended. */
    const passing = async <T>(work: Promise<T>): Promise<T> => {
      let hasEnded = false;
      const ended = work.finally(() => {
        hasEnded = true;
      });
      await until("it has ended", () => {
        world.clock.advance(5);
        return hasEnded;
      });
      return ended;
    };
    const outcomes = await passing(Promise.all(answers));
    const states = outcomes.map((outcome) => (outcome.state === "refused" ? outcome.code : "taken"));
    assert.ok(states.includes("too_many_requests"), states.join());
    assert.ok(states.includes("taken"), states.join());
    const [its, others] = await passing(Promise.all([first, other]));
    assert.deepEqual([its.state, others.state], ["done", "done"]);
    await passing(crowd.stop());
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
    assert.deepEqual(await worker.run(call), STOPPING);
    release();
    const result = await known.result;
    await drained;
    const { jti } = await worker.open(result);
    const again = await take({ ...call, id: jti });
    assert.deepEqual(again.events, [{ result }]);
  });

  it("a read that waits past its time answers read_timeout", async () => {
    const world = await createWorld();
    const slow = await createWorkerFixture({ world, after: world.clock.after });
    const actor = await slow.actor();
    const letGo = slow.holdNextSend();
    const sent = slow.run(slow.trade(actor));
    await until("the terminal is busy", () => slow.broker.ledger().length === 1);
    const read = slow.read(actor, { kind: "account_info", max_age_ms: 0 });
    world.clock.advance(20_000);
    assert.deepEqual(await read, { ok: false, code: "read_timeout" });
    letGo();
    await sent;
    await slow.stop();
    release();
  });

  it("draining refuses what is new with its key freed, and waits until the last job has ended", async () => {
    const waiting = await take(worker.trade(alice));
    let isDrained = false;
    const drained = worker.scheduler.drain().then(() => {
      isDrained = true;
    });
    const call = worker.trade(alice);
    assert.deepEqual(await worker.run(call), STOPPING);
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
