// Risk limits are decided in the lane, on what the terminal shows just before the send: orders that come at the same moment
// cannot each pass a limit of one, and what reduces exposure is never blocked.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  type Actor,
  createWorkerFixture,
  overriding,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import type { Outcome } from "../protocol.ts";

describe("runCommand: risk limits", () => {
  let worker: WorkerFixture;
  let alice: Actor;
  beforeEach(async () => {
    worker = await createWorkerFixture({ terminals: 2 });
    alice = await worker.actor();
  });
  afterEach(() => worker.stop());

  async function openTicket(): Promise<string> {
    const outcome = await worker.run(worker.trade(alice));
    assert.ok(outcome.state === "done");
    return outcome.result.position_ticket ?? "";
  }

  it("max_open_positions 1 and five trades at once: exactly one is done", async () => {
    const limits = { max_open_positions: 1 };
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => worker.run(worker.trade(alice, {}, { limits }))),
    );
    const codes = outcomes.map((outcome) => ("code" in outcome ? outcome.code : outcome.state));
    assert.deepEqual(codes, ["done", ...Array.from({ length: 4 }, () => "risk_limit_exceeded")]);
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("an order whose marks the broker overwrites counts once, too", async () => {
    const plain = <Marked extends object>(list: readonly Marked[] | undefined): Marked[] =>
      (list ?? []).map((one) => ({ ...one, magic: "0", comment: "" }));
    const unmarked = await createWorkerFixture({
      wrapPort: (port) =>
        overriding(port, {
          read: async (...asked) => {
            const reply = await port.read(...asked);
            if (reply.kind !== "ok") return reply;
            return { ...reply, positions: plain(reply.positions), orders: plain(reply.orders) };
          },
        }),
    });
    const user = await unmarked.actor();
    const limits = { max_open_positions: 3 };
    const pending = { order_type: "buy_limit", price: 1.05 } as const;
    for (const params of [{}, pending, {}])
      assert.equal((await unmarked.run(unmarked.trade(user, params, { limits }))).state, "done");
    assert.equal((await unmarked.run(unmarked.trade(user, {}, { limits }))).state, "refused");
    await unmarked.stop();
  });

  it("an order that the lists do not show yet counts as open, and once", async () => {
    let late = true;
    const lagging = await createWorkerFixture({
      wrapPort: (port) =>
        overriding(port, {
          read: async (...asked) => {
            const reply = await port.read(...asked);
            return reply.kind === "ok" && late ? { ...reply, positions: [] } : reply;
          },
        }),
    });
    const user = await lagging.actor();
    const open = (max_open_positions: number): Promise<Outcome> =>
      lagging.run(lagging.trade(user, {}, { limits: { max_open_positions, max_open_volume: 0.03 } }));
    assert.equal((await open(1)).state, "done");
    assert.equal((await open(1)).state, "refused");
    assert.equal((await open(2)).state, "done");
    late = false;
    assert.equal((await open(2)).state, "refused");
    assert.equal((await open(3)).state, "done");
    await lagging.stop();
  });

  it("a pending order counts as open", async () => {
    const limits = { max_open_positions: 1 };
    const pending = worker.trade(alice, { order_type: "buy_limit", price: 0.9 }, { limits });
    assert.equal((await worker.run(pending)).state, "done");
    assert.equal((await worker.run(worker.trade(alice, {}, { limits }))).state, "refused");
  });

  it("max_orders_per_minute counts what was begun in the last minute on the account, whoever asked", async () => {
    const limits = { max_orders_per_minute: 2 };
    const bob = await worker.actor();
    assert.equal((await worker.run(worker.trade(bob))).state, "done");
    assert.equal((await worker.run(worker.trade(alice, {}, { limits }))).state, "done");
    assert.equal((await worker.run(worker.trade(alice, {}, { limits }))).state, "refused");
    worker.clock.advance(60_001);
    assert.equal((await worker.run(worker.trade(alice, {}, { limits }))).state, "done");
  });

  it("the day's first equity and the peak are kept in the journal from reading to reading", async () => {
    await openTicket();
    const first = worker.journal.riskCounters(alice.account);
    assert.equal(first?.dayStartEquity, 10_000);
    assert.equal(first?.peakEquity, 10_000);
    const limits = { max_daily_loss: 0.01 };
    worker.journal.saveRiskCounters(alice.account, { ...first, dayStartEquity: 20_000 });
    const outcome = await worker.run(worker.trade(alice, {}, { limits }));
    assert.ok(outcome.state === "refused");
    assert.match(outcome.detail ?? "", /max_daily_loss/);
  });

  for (const msc of [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]) {
    it(`a terminal whose ticks and records are of the time ${msc} stops no worker, and puts off no broker's day`, async () => {
      const odd = await createWorkerFixture({
        wrapPort: (port) =>
          overriding(port, {
            read: async (...asked) => {
              const reply = await port.read(...asked);
              if (reply.kind !== "ok") return reply;
              const positions = reply.positions?.map((position) => ({ ...position, time_msc: msc })) ?? [];
              return { ...reply, positions, broker_now_msc: msc };
            },
          }),
      });
      const user = await odd.actor();
      assert.equal((await odd.run(odd.trade(user))).state, "done");
      assert.ok((odd.journal.riskCounters(user.account)?.day ?? "") <= "2026-01-15");
      assert.equal((await odd.read(user, { kind: "positions", max_age_ms: 0 })).ok, true);
      await odd.stop();
    });
  }

  const FORBIDDING = [
    { trading_enabled: false },
    { reduce_only: true, max_open_positions: 0 },
    { blocked_symbols: ["EURUSD"] },
    { no_such_limit: 1 },
    "not even an object",
  ];
  for (const limits of FORBIDDING) {
    it(`${JSON.stringify(limits)} refuses an opening, and lets a close and a cancel through`, async () => {
      const ticket = await openTicket();
      const placed = await worker.run(worker.trade(alice, { order_type: "buy_limit", price: 0.9 }));
      assert.ok(placed.state === "done");
      const refused = worker.trade(alice, {}, { limits });
      const outcome = await worker.run(refused);
      assert.ok(outcome.state === "refused");
      assert.equal(outcome.code, "risk_limit_exceeded");
      assert.equal(worker.journal.find(refused.id)?.tag, null);

      const close = worker.command(alice, { kind: "close_position", params: { ticket } }, { limits });
      const order = placed.result.order_ticket ?? "";
      const cancel = worker.command(alice, { kind: "cancel_order", params: { ticket: order } }, { limits });
      assert.equal((await worker.run(close)).state, "done");
      assert.equal((await worker.run(cancel)).state, "done");
    });
  }
});
