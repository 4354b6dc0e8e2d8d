// What a call costs on the wire: a login is the price of a switch, everything else is one round trip each. Counted on a
// real RPyC server, through the real scheduler.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createRpycTerminal, type RpycTerminal } from "../../bridge-worker/src/mt5/mod.ts";
import { type BrokerDouble, startBrokerDouble } from "../support/broker-double.ts";
import { requirePython } from "../support/python.ts";
import { type Actor, createWorkerFixture, createWorld, type WorkerFixture } from "../support/worker-fixture.ts";

const TIMEOUT_MS = 10_000;

describe("round trips", { skip: requirePython() ?? false }, () => {
  let double: BrokerDouble;
  let worker: WorkerFixture;
  let terminal: RpycTerminal;
  let first: Actor;
  let second: Actor;

  before(async () => {
    double = await startBrokerDouble();
    const world = await createWorld();
    worker = await createWorkerFixture({
      world,
      wrapPort: () => {
        terminal = createRpycTerminal({
          name: "counted",
          endpoint: { host: double.host, port: double.port },
          owner: "wire-counts",
          now: world.clock.now,
          handshakeTimeoutMs: TIMEOUT_MS,
          callTimeoutMs: TIMEOUT_MS,
        });
        return terminal;
      },
    });
    first = await worker.actor({ account: { login: "1001", server: "Alpha-Demo" }, password: "alpha-one" });
    second = await worker.actor({ account: { login: "1002", server: "Alpha-Demo" }, password: "alpha-two" });
    // An account's first order is looked at once in the broker's records, after its caller has the answer.
    for (const { account } of [first, second]) worker.journal.recordMarkCheck(account, { magic: true, comment: true });
    // Connecting, installing the guard and the first login are over before anything is counted.
    await read(first);
  });
  after(async () => {
    await worker?.stop();
    await double?.stop();
  });

  async function read(actor: Actor): Promise<void> {
    const outcome = await worker.read(actor, { kind: "account_info", max_age_ms: 0 });
    assert.equal(outcome.ok, true, JSON.stringify(outcome));
  }

  async function trade(actor: Actor): Promise<void> {
    const outcome = await worker.run(worker.trade(actor));
    assert.equal(outcome.state, "done", JSON.stringify(outcome));
  }

  async function tripsOf(work: () => Promise<void>): Promise<number> {
    const before = terminal.roundTrips;
    await work();
    return terminal.roundTrips - before;
  }

  it("an account read on a logged-in account, asked fresh, is one", async () => {
    assert.equal(await tripsOf(() => read(first)), 1);
  });

  it("an account's status is one, with a symbol in it", async () => {
    const trips = await tripsOf(async () => {
      const outcome = await worker.read(first, { kind: "account_status", symbol: "EURUSD" });
      assert.ok(outcome.ok && /"healthy":true/.test(JSON.stringify(outcome.value)), JSON.stringify(outcome));
    });
    assert.equal(trips, 1);
  });

  it("a trade on a logged-in account is two: prepare and send", async () => {
    assert.equal(await tripsOf(() => trade(first)), 2);
  });

  it("a switch and a trade are at most four", async () => {
    const trips = await tripsOf(() => trade(second));
    assert.ok(trips > 2 && trips <= 4, String(trips));
  });
});
