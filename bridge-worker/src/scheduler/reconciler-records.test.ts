// Unknown commands are settled by the broker's records where the terminal's process cannot help: with a new process, and
// without the user. What the records cannot prove stays unknown, says why, and blocks what could double it.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ManualClock, until } from "../../../tests/support/manual-clock.ts";
import {
  type Actor,
  createWorkerFixture,
  createWorld,
  overriding,
  SERVER,
  type WorkerFixture,
  type World,
} from "../../../tests/support/worker-fixture.ts";
import { type HistoryQuery, type HistoryReply, type ReadReply, TerminalLost, type TerminalPort } from "../mt5/mod.ts";
import type { Outcome } from "../protocol.ts";
import { SimProcess } from "../simulator/mod.ts";
import type { CommandCall } from "./calls.ts";
import { SETTLE_POLICY, type SettlePolicy } from "./settle-policy.ts";

/** Only the standing still of the history is waited for in real time. */
const policy: SettlePolicy = { ...SETTLE_POLICY, stableMs: 1 };

describe("settling by the broker's records", () => {
  let dir: string;
  let world: World;
  let worker: WorkerFixture;
  let actor: Actor;
  /** Set: the terminal's answers to sends are lost, and its process cannot be asked. */
  let losing: "executes" | "sends nothing" | null;
  let hold: (what: "history" | "send") => Promise<void>;
  let change: (reply: HistoryReply, query: HistoryQuery) => HistoryReply;
  let lists: (reply: ReadReply) => ReadReply;

  const wrapPort = (port: TerminalPort): TerminalPort =>
    overriding(port, {
      send: async (order) => {
        await hold("send");
        if (losing === null) return port.send(order);
        if (losing === "executes") await port.send(order);
        throw new TerminalLost("connection", "cut");
      },
      poison: async (tag, commandId) => {
        if (losing !== null) throw new TerminalLost("connection", "cut");
        return port.poison(tag, commandId);
      },
      read: async (...asked) => lists(await port.read(...asked)),
      history: async (account, query, timeoutMs) => {
        await hold("history");
        return change(await port.history(account, query, timeoutMs), query);
      },
    });

  async function start(): Promise<void> {
    worker = await createWorkerFixture({ world, journalPath: join(dir, "journal.db"), policy, wrapPort });
    await worker.scheduler.recover();
  }

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "switchyard-records-"));
    world = await createWorld();
    losing = null;
    hold = async () => {};
    change = (reply) => reply;
    lists = (reply) => reply;
    await start();
    actor = await worker.actor();
  });
  afterEach(async () => {
    await worker.stop();
    rmSync(dir, { recursive: true });
  });

  /** One order that went well, so that it is known what becomes of marks here. */
  async function learnMarks(): Promise<void> {
    assert.equal((await worker.run(worker.trade(actor, { symbol: "GBPUSD" }))).state, "done");
    await until("the marks are checked", () => worker.journal.isMarkChecked(actor.account));
  }

  async function lose(how: "executes" | "sends nothing", symbol = "EURUSD"): Promise<CommandCall> {
    losing = how;
    const call = worker.trade(actor, { symbol });
    assert.equal((await worker.run(call)).state, "unknown");
    losing = null;
    return call;
  }

  /** Worker and terminal start anew: no process is left that remembers the send. */
  async function restartBoth(): Promise<void> {
    await worker.stop();
    world.processes[0] = new SimProcess({ path: "C:\\Test\\1" });
    await start();
  }

  async function ask(call: CommandCall): Promise<Outcome> {
    world.clock.advance(policy.onDemandMs);
    return worker.outcome(await worker.scheduler.status(worker.question(call, { notAfterMs: 0 })));
  }

  const evidenceOf = (outcome: Outcome): Record<string, unknown> => outcome.evidence ?? {};
  const recordsOf = ({ id }: CommandCall): string =>
    String(worker.journal.unsettled().find((intent) => intent.id === id)?.evidence?.records);
  const isFinal = (call: CommandCall): boolean => worker.journal.find(call.id)?.state === "final";

  it("finds the order by its tag: done with its ticket, without the user and with the password of the journal", async () => {
    const call = await lose("executes");
    await restartBoth();
    await until("it is settled", () => isFinal(call));
    const outcome = await ask(call);
    assert.ok(outcome.state === "done");
    const [order, ...more] = world.broker.ledger();
    assert.deepEqual([outcome.result.order_ticket, more], [order?.ticket, []]);
    assert.equal(evidenceOf(outcome).settled_by, "broker");
    assert.equal(worker.sessions[0]?.account?.login, actor.account.login);
  });

  it("never takes one empty look for a proof, and takes two far apart, long after the send, for one", async () => {
    await learnMarks();
    const call = await lose("sends nothing");
    await restartBoth();
    const first = await ask(call);
    assert.equal(first.state, "unknown");
    world.clock.advance(policy.quietMs);
    assert.equal((await ask(call)).state, "unknown", "one look that counts");
    world.clock.advance(policy.searchGapMs);
    const settled = await ask(call);
    assert.equal(settled.state, "not_executed");
    assert.equal(evidenceOf(settled).settled_by, "broker");
  });

  it("lets a close in between two looks: each has its own turn in the lane", async () => {
    const opened = await worker.run(worker.trade(actor, { symbol: "USDJPY" }));
    assert.ok(opened.state === "done");
    const calls = [await lose("sends nothing")];
    world.clock.advance(1_000);
    calls.push(await lose("sends nothing", "GBPUSD"));
    await restartBoth();
    for (const call of calls) await ask(call);
    world.clock.advance(policy.quietMs);
    const sequence: string[] = [];
    const gate = Promise.withResolvers<void>();
    hold = (what) => {
      sequence.push(what);
      return what === "history" ? gate.promise : Promise.resolve();
    };
    const asked = calls.map((call) => ask(call));
    await until("the first look is under way", () => sequence.length === 1);
    const ticket = opened.result.position_ticket ?? "";
    const closed = worker.run(worker.command(actor, { kind: "close_position", params: { ticket } }));
    gate.resolve();
    assert.equal((await closed).state, "done");
    await Promise.all(asked);
    await until("both were looked for, twice each", () => sequence.length === 5);
    assert.deepEqual(sequence, ["history", "history", "send", "history", "history"]);
  });

  it("begins no further look once it is stopped: a worker that drains waits for the one that is under way", async () => {
    const calls = [await lose("sends nothing")];
    world.clock.advance(1_000);
    calls.push(await lose("sends nothing", "GBPUSD"));
    await restartBoth();
    for (const call of calls) await ask(call);
    world.clock.advance(policy.quietMs);
    let looks = 0;
    const gate = Promise.withResolvers<void>();
    hold = (what) => {
      if (what === "history") looks += 1;
      return gate.promise;
    };
    const asked = calls.map((call) => ask(call));
    await until("the first look is under way", () => looks === 1);
    const drained = worker.scheduler.drain();
    gate.resolve();
    await drained;
    assert.equal(looks, 2, "the first one, and again after its pause");
    await Promise.all(asked);
  });

  it("proves no absence where the broker overwrites magic", async () => {
    change = (reply) => (reply.kind === "ok" ? withoutMagic(reply) : reply);
    await learnMarks();
    const call = await lose("sends nothing");
    await restartBoth();
    for (let look = 0; look < 4; look++) {
      const outcome = await ask(call);
      assert.equal(outcome.state, "unknown");
      assert.match(String(evidenceOf(outcome).records), /nothing found/);
      world.clock.advance(policy.quietMs);
    }
    assert.equal(worker.journal.markSurvival(actor.account.server).magic, false);
  });

  const passing = (magic: number | string): CommandCall => {
    const call = worker.trade(actor, { symbol: "GBPUSD", magic });
    return { ...call, body: { ...call.body, pass_magic: true } };
  };

  it("learns nothing of tags from a caller's own magic: a small one, or 0, is there where a tag is cut or overwritten", async () => {
    const cuts = [(): string => "0", (magic: string): string => String(BigInt(magic) & 0xffffffffn)];
    for (const cut of cuts) {
      change = (reply) => (reply.kind === "ok" ? withoutMagic(reply, cut) : reply);
      for (const own of [0, "00", 7]) assert.equal((await worker.run(passing(own))).state, "done");
      assert.deepEqual(worker.journal.markSurvival(SERVER), { magic: null, comment: null });
    }
    await learnMarks();
    assert.deepEqual(worker.journal.markSurvival(SERVER), { magic: false, comment: true });
  });

  it("learns of an account with the caller's own magic what becomes of comments, once tags are known here", async () => {
    const other = await worker.actor({ account: { login: "5000002" } });
    assert.equal((await worker.run(worker.trade(other, { symbol: "GBPUSD" }))).state, "done");
    await until("the tag is known", () => worker.journal.isMarkChecked(other.account));
    assert.equal((await worker.run(passing("007"))).state, "done");
    await until("the comment is known", () => worker.journal.isMarkChecked(actor.account));
    assert.deepEqual(worker.journal.markSurvival(SERVER), { magic: true, comment: true });
  });

  it("finds by the comment where the broker overwrites magic", async () => {
    change = (reply) => (reply.kind === "ok" ? withoutMagic(reply) : reply);
    const call = await lose("executes");
    await restartBoth();
    await until("it is settled", () => isFinal(call));
    assert.equal(evidenceOf(await ask(call)).matched, "comment");
  });

  it("finds an order that is newer than the machine's clock: a clock of long ago makes no order absent", async () => {
    await learnMarks();
    const call = await lose("executes");
    await worker.stop();
    world.processes[0] = new SimProcess({ path: "C:\\Test\\1" });
    world.clock = new ManualClock({ wallMs: world.clock.wallClock() - 40 * 86_400_000 });
    await start();
    await until("it is settled", () => isFinal(call));
    assert.equal((await ask(call)).state, "done");
  });

  it("an opening that the records show before the lists do counts in the limits all the same", async () => {
    const opened = await lose("executes");
    lists = (reply) => (reply.kind === "ok" ? { ...reply, positions: [] } : reply);
    assert.equal((await ask(opened)).state, "done");
    const limits = { max_open_positions: 1 };
    assert.equal((await worker.run(worker.trade(actor, { symbol: "GBPUSD" }, { limits }))).state, "refused");
    assert.equal(world.broker.ledger().length, 1);
  });

  it("asks for an order's deals by its ticket before it calls a cancelled one unfilled", async () => {
    change = (reply, query) => (reply.kind === "ok" ? halfFilled(reply, query) : reply);
    const call = await lose("executes");
    await restartBoth();
    await until("it is settled", () => isFinal(call));
    const outcome = await ask(call);
    assert.ok(outcome.state === "done");
    assert.equal(outcome.result.filled_volume, 0.005);
  });

  for (const to of [{ login: "5000002", server: SERVER }, null]) {
    const shown = to === null ? "no account" : "another account";
    it(`proves no absence of an order that was answered while ${shown} was shown, also after two starts`, async () => {
      await learnMarks();
      world.processes[0]?.faults.addSend({ kind: "switch_account", to });
      const call = await lose("executes");
      change = (reply) => (reply.kind === "ok" ? { ...reply, open_orders: [], orders: [], deals: [] } : reply);
      await worker.stop();
      await start();
      await until("its process was asked", () => /another account was shown/.test(recordsOf(call)));
      await restartBoth();
      for (let look = 0; look < 4; look++) {
        assert.equal((await ask(call)).state, "unknown");
        world.clock.advance(policy.quietMs);
      }
    });
  }

  it("writes down what its process says of an unclear answer: the ticket in it outlives the process", async () => {
    world.processes[0]?.faults.addSend({ kind: "retcode", retcode: 10012, executes: true });
    const call = await lose("executes");
    const empty = { open_orders: [], orders: [], deals: [] };
    change = (reply) => (reply.kind === "ok" ? { ...reply, ...empty } : reply);
    await worker.stop();
    await start();
    await until("its process was asked", () => recordsOf(call).startsWith("nothing found"));
    await restartBoth();
    const { retcode, order, records } = evidenceOf(await ask(call));
    assert.deepEqual([retcode, order], [10012, world.broker.ledger()[0]?.ticket]);
    assert.match(String(records), /trace/);
  });

  it("does not take a history that is still growing for an empty one", async () => {
    await learnMarks();
    const call = await lose("sends nothing");
    await restartBoth();
    let size = 0;
    change = (reply) => (reply.kind === "ok" ? { ...reply, counts: { orders: ++size, deals: 0 } } : reply);
    for (let look = 0; look < 3; look++) {
      world.clock.advance(policy.quietMs);
      const outcome = await ask(call);
      assert.equal(outcome.state, "unknown");
    }
  });

  it("does not take a history that showed more before for a whole one", async () => {
    await learnMarks();
    const call = await lose("executes");
    const empty = { open_orders: [], orders: [], deals: [] };
    change = (reply) => (reply.kind === "ok" ? { ...reply, ...empty } : reply);
    await restartBoth();
    await until("it was looked for", () => /nothing found/.test(recordsOf(call)));
    change = (reply) => (reply.kind === "ok" ? { ...reply, ...empty, counts: { orders: 0, deals: 0 } } : reply);
    for (let look = 0; look < 3; look++) {
      world.clock.advance(policy.quietMs);
      assert.equal((await ask(call)).state, "unknown");
    }
    assert.match(recordsOf(call), /showed more before/);
    change = (reply) => reply;
    assert.equal((await ask(call)).state, "done");
  });

  it("proves no absence of an order whose position is open, whatever the history shows", async () => {
    await learnMarks();
    const call = await lose("executes");
    const empty = { open_orders: [], orders: [], deals: [] };
    change = (reply) => (reply.kind === "ok" ? { ...reply, ...empty } : reply);
    await restartBoth();
    for (let look = 0; look < 4; look++) {
      assert.equal((await ask(call)).state, "unknown");
      world.clock.advance(policy.quietMs);
    }
    const [position] = world.broker
      .positions(actor.account, world.clock.wallClock())
      .filter(({ magic }) => magic === String(call.body.tag));
    const { records, tickets } = evidenceOf(await ask(call));
    assert.deepEqual([String(records).slice(0, 13), tickets], ["nothing found", [position?.ticket]]);
    change = (reply) => reply;
    world.clock.advance(policy.quietMs);
    assert.equal((await ask(call)).state, "done");
  });

  it("proves no absence of an order of which a trace was seen once, also after a start", async () => {
    await learnMarks();
    const call = await lose("executes");
    await worker.stop();
    world.processes[0] = new SimProcess({ path: "C:\\Test\\1" });
    const hidden = { open_orders: [], orders: [] };
    change = (reply) => (reply.kind === "ok" ? { ...reply, ...hidden } : reply);
    await start();
    await until("its deal was seen", () => /a deal or a stop/.test(recordsOf(call)));
    change = (reply) => (reply.kind === "ok" ? { ...reply, ...hidden, deals: [] } : reply);
    for (let look = 0; look < 6; look++) {
      if (look === 3) await restartBoth();
      world.clock.advance(policy.quietMs);
      assert.equal((await ask(call)).state, "unknown");
    }
    change = (reply) => reply;
    assert.equal((await ask(call)).state, "done");
  });

  it("says of a removal that did not happen that the order is there, and of none that it is absent", async () => {
    const placed = await worker.run(worker.trade(actor, { order_type: "buy_limit", price: 0.9 }));
    assert.ok(placed.state === "done");
    losing = "sends nothing";
    const params = { ticket: placed.result.order_ticket ?? "" };
    const call = worker.command(actor, { kind: "cancel_order", params });
    assert.equal((await worker.run(call)).state, "unknown");
    losing = null;
    await restartBoth();
    await ask(call);
    world.clock.advance(policy.quietMs);
    await ask(call);
    world.clock.advance(policy.searchGapMs);
    const outcome = await ask(call);
    assert.ok(outcome.state === "not_executed");
    assert.match(outcome.detail ?? "", /still working/);
  });

  it("blocks a second opening of the symbol, and nothing else, until it is acknowledged", async () => {
    const call = await lose("sends nothing");
    world.clock.advance(1_000);
    losing = "sends nothing";
    const again = await worker.run(worker.trade(actor));
    assert.ok(again.state === "refused");
    assert.equal(again.code, "outcome_pending");
    losing = null;
    assert.equal((await worker.run(worker.trade(actor, { symbol: "GBPUSD" }))).state, "done");
    losing = "sends nothing";
    const acknowledged = await worker.outcome(await worker.scheduler.acknowledge(worker.question(call)));
    assert.equal(acknowledged.state, "unknown", "its state stays");
    losing = null;
    assert.equal((await worker.run(worker.trade(actor))).state, "done");
  });

  it("counts an unknown opening in the limits", async () => {
    await lose("sends nothing");
    world.clock.advance(1_000);
    const limits = { max_open_positions: 1 };
    const next = await worker.run(worker.trade(actor, { symbol: "GBPUSD" }, { limits }));
    assert.ok(next.state === "refused");
    assert.equal(next.code, "risk_limit_exceeded");
  });
});

/** The rest of the order was cancelled, and its deal has lost the mark: it is found by the order alone. */
function halfFilled(reply: Extract<HistoryReply, { kind: "ok" }>, { tickets = [] }: HistoryQuery): HistoryReply {
  const half = <T extends { volume: number }>(deal: T): T => ({ ...deal, magic: "0", comment: "", volume: 0.005 });
  return {
    ...reply,
    orders: reply.orders.map((order) => ({ ...order, state: 2, volume_current: 0.005 })),
    deals: reply.deals.filter(({ order }) => tickets.includes(order)).map(half),
  };
}

function withoutMagic(
  reply: Extract<HistoryReply, { kind: "ok" }>,
  cut = (_magic: string): string => "0",
): HistoryReply {
  const strip = <T extends { magic: string }>(list: T[]): T[] => list.map((one) => ({ ...one, magic: cut(one.magic) }));
  return {
    ...reply,
    open_orders: strip(reply.open_orders),
    orders: strip(reply.orders),
    deals: strip(reply.deals),
  };
}
