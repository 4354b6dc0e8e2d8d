// History: whose records they were, page after page, and what a period means while the broker's clock is not known.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  type Actor,
  createWorkerFixture,
  overriding,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import type { RecordsQuery } from "../mt5/mod.ts";
import { type DealView, type HistoryOrderView, type ReadRequest, ReadValues } from "../protocol.ts";

const NOW = Date.parse("2026-01-14T12:00:00Z");
const HOUR = 3600 * 1000;
/** Of the simulated broker. */
const OFFSET = 3 * HOUR;
const PERIOD = { from_ms: NOW - HOUR, to_ms: NOW + HOUR, limit: 100 };

describe("runRead, history", () => {
  let worker: WorkerFixture;
  let alice: Actor;
  let asked: RecordsQuery[];
  beforeEach(async () => {
    asked = [];
    worker = await createWorkerFixture({
      wrapPort: (port) =>
        overriding(port, {
          records: (account, query, timeoutMs) => {
            asked.push(query);
            return port.records(account, query, timeoutMs);
          },
        }),
    });
    alice = await worker.actor();
  });
  afterEach(() => worker.stop());

  type Page<Row> = { data: Row[]; next_cursor: string | null; as_of: string };
  async function value(actor: Actor, request: ReadRequest): Promise<object> {
    const outcome = await worker.read(actor, request);
    assert.ok(outcome.ok, JSON.stringify(outcome));
    return ReadValues[request.kind].parse(outcome.value);
  }
  const deals = async (actor: Actor, more: object = {}): Promise<Page<DealView>> =>
    (await value(actor, { kind: "history_deals", ...PERIOD, ...more })) as Page<DealView>;
  const orders = async (actor: Actor, more: object = {}): Promise<Page<HistoryOrderView>> =>
    (await value(actor, { kind: "history_orders", ...PERIOD, ...more })) as Page<HistoryOrderView>;

  it("records come with times of both clocks, ids as text, and when they were read", async () => {
    const outcome = await worker.run(worker.trade(alice));
    assert.ok(outcome.state === "done");
    const { order_ticket, deal_ticket, position_ticket } = outcome.result;
    const { data, next_cursor, as_of } = await deals(alice);
    assert.deepEqual(
      data.map((deal) => [deal.ticket, deal.order_ticket, deal.position_ticket, deal.deal_type, deal.entry]),
      [[deal_ticket, order_ticket, position_ticket, "buy", "in"]],
    );
    assert.deepEqual(
      [data[0]?.time, data[0]?.broker_time, as_of, next_cursor],
      ["2026-01-14T12:00:00.000Z", "2026-01-14T15:00:00.000", "2026-01-14T12:00:00.000Z", null],
    );
    const done = (await orders(alice)).data;
    assert.deepEqual(
      done.map(({ ticket, state, done_time }) => [ticket, state, done_time]),
      [[order_ticket, "filled", "2026-01-14T12:00:00.000Z"]],
    );
  });

  it("magic and comment go back to the caller who gave them; another user of the same account sees none", async () => {
    const call = worker.trade(alice, { magic: 77, comment: "mine" });
    await worker.run(call);
    const bob = await worker.actor();
    for (const list of [deals, orders]) {
      const marks = async (actor: Actor): Promise<unknown[]> =>
        (await list(actor)).data.map(({ magic, comment, command_id }) => [magic, comment, command_id]);
      assert.deepEqual(await marks(alice), [[77, "mine", call.id]]);
      assert.deepEqual(await marks(bob), [[null, null, null]]);
    }
  });

  it("a cursor goes on behind the last record of the page before, also among records of one time", async () => {
    for (let nth = 0; nth < 3; nth += 1) await worker.run(worker.trade(alice));
    for (const list of [deals, orders]) {
      const all = (await list(alice)).data.map(({ ticket }) => ticket);
      const first = await list(alice, { limit: 2 });
      const second = await list(alice, { limit: 2, cursor: first.next_cursor });
      assert.equal(second.next_cursor, null);
      const paged = [first, second].map(({ data }) => data.map(({ ticket }) => ticket));
      assert.deepEqual(paged, [all.slice(0, 2), all.slice(2)]);
    }
  });

  it("a position narrows the list, and a period leaves out what is not in it", async () => {
    const first = await worker.run(worker.trade(alice));
    await worker.run(worker.trade(alice));
    assert.ok(first.state === "done");
    const position = first.result.position_ticket ?? undefined;
    const { data } = await deals(alice, { position });
    assert.deepEqual(
      data.map(({ position_ticket }) => position_ticket),
      [position],
    );
    assert.deepEqual((await deals(alice, { to_ms: NOW })).data, []);
    assert.equal((await deals(alice, { from_ms: NOW, to_ms: NOW + 1 })).data.length, 2);
  });

  it("a period goes to the terminal on the broker's clock, which open positions tell", async () => {
    await worker.run(worker.trade(alice));
    const { clock, broker, processes, sealKey, resultKey } = worker;
    const queries: RecordsQuery[] = [];
    const fresh = await createWorkerFixture({
      world: { clock, broker, processes, sealKey, resultKey },
      wrapPort: (port) =>
        overriding(port, {
          records: (account, query, timeoutMs) => {
            queries.push(query);
            return port.records(account, query, timeoutMs);
          },
        }),
    });
    const outcome = await fresh.read(alice, { kind: "history_deals", ...PERIOD });
    await fresh.stop();
    assert.ok(outcome.ok);
    assert.deepEqual(queries, [
      { list: "deals", fromMsc: PERIOD.from_ms + OFFSET, toMsc: PERIOD.to_ms + OFFSET, limit: 100 },
    ]);
  });

  it("while the broker's clock is not known a period is as wide as the zones, and no UTC is told", async () => {
    const session = { account: alice.account, access: "trade", isAutoTradingOn: true } as const;
    const request = { action: 5, symbol: "EURUSD", type: 2, volume: 0.1, price: 0.9, type_filling: 2 };
    const placed = worker.broker.execute(session, { ...request, magic: 0, comment: "" }, NOW);
    worker.broker.execute(session, { action: 8, order: placed.order, magic: 0, comment: "" }, NOW);
    const { data } = await orders(alice, { from_ms: NOW + 3 * HOUR, to_ms: NOW + 4 * HOUR });
    const [fromMsc, toMsc] = [NOW + 3 * HOUR - 12 * HOUR, NOW + 4 * HOUR + 14 * HOUR];
    assert.deepEqual(asked, [{ list: "orders", fromMsc, toMsc, limit: 100 }]);
    assert.deepEqual(
      data.map(({ ticket, state, time, done_time, broker_done_time }) => [
        ticket,
        state,
        time,
        done_time,
        broker_done_time,
      ]),
      [[placed.order, "cancelled", null, null, "2026-01-14T15:00:00.000"]],
    );
  });

  it("records that could not be read are a failure, never an empty page", async () => {
    await worker.run(worker.trade(alice));
    worker.processes[0]?.faults.addRead({ kind: "failed", call: "history_deals_get", lastError: [-1, "no"] });
    const outcome = await worker.read(alice, { kind: "history_deals", ...PERIOD });
    assert.ok(!outcome.ok);
    assert.deepEqual([outcome.code, outcome.mt5], ["terminal_unavailable", { last_error: [-1, "no"] }]);
  });
});
