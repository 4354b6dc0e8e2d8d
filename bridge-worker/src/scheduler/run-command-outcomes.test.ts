// What each answer of the terminal makes of a command: done, rejected, refused, expired, or visibly unknown. Whatever it
// is, the order was asked for at most once.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import {
  type Actor,
  createWorkerFixture,
  overriding,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import { SendRefusals, type SendRequest } from "../mt5/mod.ts";
import type { Outcome, TradeParams } from "../protocol.ts";
import type { SendFault } from "../simulator/mod.ts";

type Expected = { state: Outcome["state"]; code?: string; orders: number; evidence?: Record<string, unknown> };

const OTHER = { login: "5000002", server: "Switchyard-Demo" };

const FAULTS: { name: string; fault: SendFault; expected: Expected }[] = [
  {
    name: "a certain rejection",
    fault: { kind: "retcode", retcode: 10019, executes: false },
    expected: { state: "rejected", code: "broker_rejected", orders: 0 },
  },
  ...[10011, 10012, 10023, 10028, 10031].map((retcode) => ({
    name: `the ambiguous code ${retcode}`,
    fault: { kind: "retcode", retcode, executes: true } as const,
    expected: { state: "unknown", orders: 1, evidence: { reason: "ambiguous_retcode", retcode } } as const,
  })),
  {
    name: "a code that no list names",
    fault: { kind: "retcode", retcode: 19999, executes: true },
    expected: { state: "unknown", orders: 1, evidence: { reason: "unlisted_retcode" } },
  },
  {
    name: "None with an IPC error",
    fault: { kind: "none", lastError: [-10005, "IPC timeout"], executes: true },
    expected: { state: "unknown", orders: 1, evidence: { reason: "no_result" } },
  },
  {
    name: "None with an invalid argument, which left the process never",
    fault: { kind: "none", lastError: [-2, "Invalid argument"], executes: false },
    expected: { state: "rejected", code: "broker_rejected", orders: 0 },
  },
  {
    name: "another account after the send",
    fault: { kind: "switch_account", to: OTHER },
    expected: { state: "unknown", orders: 1, evidence: { reason: "account_changed_during_send" } },
  },
  {
    name: "no account to be read after the send",
    fault: { kind: "switch_account", to: null },
    expected: { state: "unknown", orders: 1, evidence: { reason: "account_unread_after_send" } },
  },
  {
    name: "a request that never arrived: it is poisoned, and so never will",
    fault: { kind: "lost_request" },
    expected: { state: "refused", code: "terminal_unavailable", orders: 0 },
  },
  {
    name: "an answer that was lost after the send: the guard has it",
    fault: { kind: "lost_reply" },
    expected: { state: "done", orders: 1 },
  },
];

describe("runCommand: what a send's answer makes of the command", () => {
  let worker: WorkerFixture;
  let alice: Actor;
  beforeEach(async () => {
    worker = await createWorkerFixture();
    alice = await worker.actor();
  });
  afterEach(() => worker.stop());

  for (const { name, fault, expected } of FAULTS) {
    it(`${name} → ${expected.state}`, async () => {
      worker.processes[0]?.faults.addSend(fault);
      const call = worker.trade(alice);
      const outcome = await worker.run(call);
      assert.equal(outcome.state, expected.state);
      if ("code" in outcome) assert.equal(outcome.code, expected.code);
      if (outcome.state === "unknown") assert.partialDeepStrictEqual(outcome.evidence, expected.evidence ?? {});
      assert.equal(worker.broker.ledger().length, expected.orders);
      assert.equal(worker.journal.find(call.id)?.state, outcome.state === "unknown" ? "unknown" : "final");
      // Asked again, it says the same and sends nothing.
      assert.deepEqual(await worker.run(call), outcome);
      assert.equal(worker.broker.ledger().length, expected.orders);
    });
  }

  it("a send that does not come back in time → unknown, and the late answer changes nothing", async () => {
    const release = worker.holdNextSend();
    const call = worker.trade(alice);
    const ended = worker.run(call);
    await until("the order is at the broker", () => worker.broker.ledger().length === 1);
    worker.clock.advance(50_000);
    const outcome = await ended;
    assert.ok(outcome.state === "unknown");
    assert.deepEqual(outcome.evidence, { phase: "sending", reason: "timeout", guard: "sending" });
    release();
    assert.deepEqual(await worker.run(call), outcome);
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("a process that cannot be asked after the loss → unknown: unreachable proves nothing", async () => {
    const release = worker.holdNextSend();
    const ended = worker.run(worker.trade(alice));
    await until("the order is at the broker", () => worker.broker.ledger().length === 1);
    const [process] = worker.processes;
    assert.ok(process);
    process.isReachable = false;
    worker.clock.advance(50_000);
    const outcome = await ended;
    assert.ok(outcome.state === "unknown");
    assert.equal(outcome.evidence.guard, "unreachable");
    release();
  });

  it("a loss before the intent is no unknown: refused, and the next command opens the terminal anew", async () => {
    worker.processes[0]?.faults.addRead({ kind: "lost_reply" });
    const outcome = await worker.run(worker.trade(alice));
    assert.deepEqual(outcome, { state: "refused", code: "terminal_unavailable" });
    assert.deepEqual(worker.journal.interrupted(), []);
    worker.clock.advance(250);
    assert.equal((await worker.run(worker.trade(alice))).state, "done");
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("a read that failed on the way refuses and sends nothing", async () => {
    worker.processes[0]?.faults.addRead({ kind: "failed", call: "positions_get", lastError: [-1, "no"] });
    const outcome = await worker.run(worker.trade(alice));
    assert.ok(outcome.state === "refused");
    assert.deepEqual([outcome.code, outcome.mt5], ["terminal_unavailable", { last_error: [-1, "no"] }]);
    assert.deepEqual(worker.broker.ledger(), []);
  });
});

describe("runCommand: what the guard refuses was never sent", () => {
  for (const reason of SendRefusals) {
    it(reason, async () => {
      const worker = await createWorkerFixture({
        wrapPort: (port) => overriding(port, { send: async () => ({ kind: "refused", reason }) }),
      });
      const outcome = await worker.run(worker.trade(await worker.actor()));
      assert.equal(outcome.state, reason === "expired" ? "expired" : "refused");
      assert.deepEqual(worker.broker.ledger(), []);
      await worker.stop();
    });
  }
});

describe("runCommand: the request", () => {
  it("10030 is a final rejection and is remembered: the next order takes another filling mode", async () => {
    const sent: SendRequest[] = [];
    const worker = await createWorkerFixture({
      wrapPort: (port) =>
        overriding(port, {
          send: (order) => {
            sent.push(order.request);
            return port.send(order);
          },
        }),
    });
    const alice = await worker.actor();
    worker.processes[0]?.faults.addSend({ kind: "retcode", retcode: 10030, executes: false });
    assert.equal((await worker.run(worker.trade(alice))).state, "rejected");
    assert.equal((await worker.run(worker.trade(alice))).state, "done");
    assert.deepEqual(
      sent.map(({ type_filling }) => type_filling),
      [0, 1],
    );
    await worker.stop();
  });

  it("what one user's orders were refused keeps nobody from closing, and a pending order's modes are no market order's", async () => {
    const worker = await createWorkerFixture();
    const [alice, bob] = [await worker.actor(), await worker.actor({ account: { login: "5000002" } })];
    // IOC is all that the broker takes for this symbol at the market.
    const gold = { symbol: "XAUUSD" };
    const opened = await worker.run(worker.trade(alice, gold));
    assert.ok(opened.state === "done");
    const pending = { ...gold, order_type: "buy_limit", price: 2000 } as const;
    const refuse = async (params: Partial<TradeParams>): Promise<void> => {
      worker.processes[0]?.faults.addSend({ kind: "retcode", retcode: 10030, executes: false });
      assert.equal((await worker.run(worker.trade(bob, params))).state, "rejected");
    };
    await refuse({ ...pending, filling: "ioc" });
    assert.equal((await worker.run(worker.trade(bob, gold))).state, "done");
    await refuse({ ...gold, filling: "ioc" });
    await refuse({ ...gold, filling: "return" });
    const ticket = opened.result.position_ticket ?? "";
    const closed = await worker.run(worker.command(alice, { kind: "close_position", params: { ticket } }));
    assert.equal(closed.state, "done");
    await worker.stop();
  });

  it("carries the tag in magic and comment; the caller's own magic and comment stay here", async () => {
    const worker = await createWorkerFixture();
    const call = worker.trade(await worker.actor(), { magic: 77, comment: "mine" });
    await worker.run(call);
    const [order] = worker.broker.ledger();
    assert.deepEqual([order?.magic, order?.comment], [String(call.body.tag), `sy${call.body.tag.toString(36)}`]);
    await worker.stop();
  });

  it("a plan that cannot be sent is refused with its fields, without an intent", async () => {
    const worker = await createWorkerFixture();
    const alice = await worker.actor();
    const call = worker.trade(alice, { volume: 0.015 });
    const outcome = await worker.run(call);
    assert.ok(outcome.state === "refused");
    assert.deepEqual([outcome.code, outcome.fields?.map(({ path }) => path)], ["order_refused", ["volume"]]);
    assert.equal(worker.journal.find(call.id)?.tag, null);
    assert.deepEqual(worker.broker.ledger(), []);
    await worker.stop();
  });

  it("opens, closes in part, places and removes: the four acts end done with their tickets", async () => {
    const worker = await createWorkerFixture();
    const alice = await worker.actor();
    const opened = await worker.run(worker.trade(alice, { volume: 0.03 }));
    assert.ok(opened.state === "done");
    const ticket = opened.result.position_ticket ?? "";
    const closed = await worker.run(
      worker.command(alice, { kind: "close_position", params: { ticket, volume: 0.01 } }),
    );
    assert.equal(closed.state, "done");
    const placed = await worker.run(worker.trade(alice, { order_type: "buy_limit", price: 0.9 }));
    assert.ok(placed.state === "done");
    const order = placed.result.order_ticket ?? "";
    assert.equal(
      (await worker.run(worker.command(alice, { kind: "cancel_order", params: { ticket: order } }))).state,
      "done",
    );
    const [position, ...others] = worker.broker.positions(alice.account, worker.clock.wallClock());
    assert.deepEqual([position?.ticket, position?.volume, others], [ticket, 0.02, []]);
    assert.deepEqual(worker.broker.orders(alice.account, worker.clock.wallClock()), []);
    await worker.stop();
  });

  it("a ticket that is not on this account is not found, whoever holds it", async () => {
    const worker = await createWorkerFixture();
    const [alice, bob] = [await worker.actor(), await worker.actor({ account: { login: "5000002" } })];
    const opened = await worker.run(worker.trade(alice));
    assert.ok(opened.state === "done");
    const ticket = opened.result.position_ticket ?? "";
    const outcome = await worker.run(worker.command(bob, { kind: "close_position", params: { ticket } }));
    assert.ok(outcome.state === "refused");
    assert.equal(outcome.code, "position_not_found");
    assert.equal(worker.broker.positions(alice.account, worker.clock.wallClock()).length, 1);
    await worker.stop();
  });

  it("timings are in milliseconds of this worker and add up", async () => {
    const worker = await createWorkerFixture({
      wrapPort: (port) =>
        overriding(port, {
          login: (...args) => port.login(...args).finally(() => worker.clock.advance(300)),
          send: (order) => port.send(order).finally(() => worker.clock.advance(40)),
        }),
    });
    const outcome = await worker.run(worker.trade(await worker.actor()));
    assert.ok(outcome.state === "done");
    assert.deepEqual(outcome.timings, { queued_ms: 0, login_ms: 300, prepare_ms: 0, send_ms: 40, total_ms: 340 });
    await worker.stop();
  });
});
