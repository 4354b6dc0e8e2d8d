// Reads: what the terminal shows now, for the account that was proven; a caller's own marks for that caller alone.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Actor, createWorkerFixture, type WorkerFixture } from "../../../tests/support/worker-fixture.ts";
import { type ReadKind, type ReadRequest, type ReadValue, ReadValues } from "../protocol.ts";

describe("runRead", () => {
  let worker: WorkerFixture;
  let alice: Actor;
  beforeEach(async () => {
    worker = await createWorkerFixture();
    alice = await worker.actor();
  });
  afterEach(() => worker.stop());

  async function value<K extends ReadKind>(actor: Actor, request: ReadRequest & { kind: K }): Promise<ReadValue<K>> {
    const outcome = await worker.read(actor, request);
    assert.ok(outcome.ok, JSON.stringify(outcome));
    return ReadValues[request.kind].parse(outcome.value) as ReadValue<K>;
  }

  for (const request of [{ kind: "connect" }, { kind: "switch" }, { kind: "account_info", max_age_ms: 0 }] as const) {
    it(`${request.kind} answers the account as the broker shows it, and when it was read`, async () => {
      const { account, as_of } = await value(alice, request);
      assert.deepEqual(
        [account.login, account.server, account.balance, account.currency, account.trade_mode, account.trade_allowed],
        ["5000001", "Switchyard-Demo", 10_000, "USD", "demo", true],
      );
      assert.equal(as_of, "2026-01-14T12:00:00.000Z");
    });
  }

  it("connect is a real login although the terminal is there and proven; other reads are not", async () => {
    await value(alice, { kind: "switch" });
    const [process] = worker.processes;
    process?.faults.addLogin({ kind: "no_connection", lastError: [-10005, "IPC timeout"] });
    await value(alice, { kind: "account_info", max_age_ms: 0 });
    const outcome = await worker.read(alice, { kind: "connect" });
    assert.ok(!outcome.ok);
    assert.deepEqual([outcome.code, outcome.mt5], ["terminal_unavailable", { last_error: [-10005, "IPC timeout"] }]);
  });

  it("positions and orders come with times of both clocks; a symbol narrows them", async () => {
    await worker.run(worker.trade(alice));
    await worker.run(worker.trade(alice, { symbol: "GBPUSD" }));
    await worker.run(worker.trade(alice, { order_type: "buy_limit", price: 0.9 }));
    const { positions, truncated } = await value(alice, { kind: "positions", max_age_ms: 0 });
    assert.deepEqual([positions.map(({ symbol }) => symbol), truncated], [["EURUSD", "GBPUSD"], false]);
    assert.equal(positions[0]?.time, "2026-01-14T12:00:00.000Z");
    assert.equal(positions[0]?.broker_time, "2026-01-14T15:00:00.000");
    const narrowed = await value(alice, { kind: "positions", max_age_ms: 0, symbol: "GBPUSD" });
    assert.deepEqual(
      narrowed.positions.map(({ symbol }) => symbol),
      ["GBPUSD"],
    );
    const { orders } = await value(alice, { kind: "orders", max_age_ms: 0 });
    assert.deepEqual(
      orders.map(({ order_type, price }) => [order_type, price]),
      [["buy_limit", 0.9]],
    );
  });

  it("the broker's clock is learned from reads alone, too", async () => {
    await worker.run(worker.trade(alice));
    const { clock, broker, processes, sealKey, resultKey } = worker;
    const fresh = await createWorkerFixture({ world: { clock, broker, processes, sealKey, resultKey } });
    const outcome = await fresh.read(alice, { kind: "positions", max_age_ms: 0 });
    assert.ok(outcome.ok);
    const { positions } = ReadValues.positions.parse(outcome.value);
    assert.equal(positions[0]?.time, "2026-01-14T12:00:00.000Z");
    await fresh.stop();
  });

  it("magic and comment go back to the caller who gave them; another user of the same account sees none", async () => {
    const call = worker.trade(alice, { magic: 77, comment: "mine" });
    await worker.run(call);
    await worker.run(worker.trade(alice, { order_type: "buy_limit", price: 0.9, magic: "9007199254740993" }));
    const bob = await worker.actor();
    const marks = async (actor: Actor): Promise<unknown[]> => {
      const { positions } = await value(actor, { kind: "positions", max_age_ms: 0 });
      const { orders } = await value(actor, { kind: "orders", max_age_ms: 0 });
      return [...positions, ...orders].map(({ magic, comment, command_id }) => [
        magic,
        comment,
        command_id === call.id,
      ]);
    };
    assert.deepEqual(await marks(alice), [
      [77, "mine", true],
      ["9007199254740993", null, false],
    ]);
    assert.deepEqual(await marks(bob), [
      [null, null, false],
      [null, null, false],
    ]);
    const { positions } = await value(bob, { kind: "positions", max_age_ms: 0 });
    assert.equal(positions[0]?.command_id, null);
  });

  it("a list that could not be read is a failure, never an empty list", async () => {
    await value(alice, { kind: "switch" });
    worker.processes[0]?.faults.addRead({ kind: "failed", call: "positions_get", lastError: [-1, "no"] });
    const outcome = await worker.read(alice, { kind: "positions", max_age_ms: 0 });
    assert.ok(!outcome.ok);
    assert.deepEqual([outcome.code, outcome.mt5], ["terminal_unavailable", { last_error: [-1, "no"] }]);
  });

  it("a terminal moved by hand is reported, not read", async () => {
    await value(alice, { kind: "switch" });
    worker.processes[0]?.switchBehindBack({ login: "5000002", server: "Switchyard-Demo" });
    const outcome = await worker.read(alice, { kind: "account_info", max_age_ms: 0 });
    assert.ok(!outcome.ok);
    assert.equal(outcome.code, "terminal_unavailable");
  });
});
