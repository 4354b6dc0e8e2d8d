// Sequences between the ledger and the worker: real SQL on a real Postgres, the function's own services, a real scheduler,
// journal and outbox.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Outbox } from "../../../bridge-worker/src/link/mod.ts";
import { TerminalLost, type TerminalPort } from "../../../bridge-worker/src/mt5/mod.ts";
import { SETTLE_POLICY } from "../../../bridge-worker/src/scheduler/mod.ts";
import type { CommandReply } from "../../../supabase/functions/api/bridge/mod.ts";
import { connect, openSession, type Session, submit } from "../../db/session.ts";
import { until } from "../../support/manual-clock.ts";
import { createWorkerFixture, createWorld, overriding, type WorkerFixture } from "../../support/worker-fixture.ts";
import { type Office, openOffice } from "./office.ts";

/** Two ledgers of one project never draw a tag twice; this many are enough to see counters collide. */
const TAGS = 50;

describe("sequences of ledger and worker", () => {
  let worker: WorkerFixture;
  let sessions: Session[];
  /** Set: the terminal's answers to sends are lost, though the broker has the order, and its process cannot be asked. */
  let isAway: boolean;

  const wrapPort = (port: TerminalPort): TerminalPort =>
    overriding(port, {
      send: async (order) => {
        const reply = await port.send(order);
        if (isAway) throw new TerminalLost("connection", "cut");
        return reply;
      },
      poison: async (tag, commandId) => {
        if (isAway) throw new TerminalLost("connection", "cut");
        return port.poison(tag, commandId);
      },
    });

  beforeEach(async () => {
    [sessions, isAway] = [[], false];
    const world = await createWorld();
    worker = await createWorkerFixture({ world, wrapPort, after: world.clock.after });
    // The journal is older than what it will be asked to run.
    worker.clock.advance(60_000);
  });
  afterEach(async () => {
    await worker.stop();
    for (const session of sessions) await session.close();
  });

  async function newLedger(): Promise<Session> {
    const session = await openSession();
    sessions.push(session);
    return session;
  }

  /** The worker's own deliveries, to the function of this ledger. What is due is offered at the second sweep. */
  async function deliver(office: Office): Promise<void> {
    const outbox = new Outbox({
      ...{ journal: worker.journal, log: worker.log, now: worker.clock.now, url: "http://results.invalid" },
      after: () => () => {},
      post: async (_url, init) => {
        const { results } = JSON.parse(String(init?.body)) as { results: string[] };
        return Response.json(await office.receive(results));
      },
    });
    await outbox.sweepOnce();
    await outbox.sweepOnce();
  }

  const undelivered = (): string[] => worker.journal.undelivered(10).map(({ id }) => id);

  it("stale isolate writing after the outbox: its unknown does not overwrite done, and it answers done itself", async () => {
    const session = await newLedger();
    const late = Promise.withResolvers<void>();
    let reply: CommandReply | undefined;
    const isolate = openOffice({
      ...{ session, worker },
      answer: async (one) => {
        reply = one;
        await late.promise;
        return one;
      },
    });
    const actor = await isolate.register();
    isAway = true;
    const waiting = isolate.submit(actor, "key");
    await until("the isolate holds an unknown", () => reply !== undefined);
    const id = reply?.type === "outcome" ? reply.claims.jti : assert.fail();
    isAway = false;
    const other = openOffice({ session, worker });
    worker.clock.advance(SETTLE_POLICY.onDemandMs);
    await worker.scheduler.status({ commandId: id, userId: actor.userId, notAfterMs: 0, submittedAgoMs: 0 });
    await deliver(other);
    const stored = await other.read(actor.userId, id);
    assert.deepEqual([stored.state, stored.executed, stored.status], ["done", true, 200]);
    late.resolve();
    const answer = await waiting;
    assert.deepEqual([answer.status, answer.body], [200, stored.body]);
    assert.deepEqual(await other.read(actor.userId, id), stored);
    assert.equal((await other.submit(actor, "key")).body, stored.body);
  });

  it("database reset: old orders match no new command, and the old results are set aside, not dropped", async () => {
    const before = openOffice({ session: await newLedger(), worker });
    const actor = await before.register();
    const old = await before.submit(actor, "key");
    assert.deepEqual([old.status, undelivered()], [200, [old.commandId]]);
    const after = openOffice({ session: await newLedger(), worker });
    const again = await after.register(actor.account.login);
    await deliver(after);
    assert.deepEqual(undelivered(), [old.commandId]);
    assert.ok(worker.logged.some((line) => line.startsWith("outbox.refused") && line.includes("command_not_found")));
    const fresh = await after.submit(again, "key");
    assert.equal(fresh.status, 200);
    const [first, second, ...more] = worker.broker.ledger();
    assert.deepEqual(
      [JSON.parse(old.body), JSON.parse(fresh.body)].map(({ result }) => result.order_ticket),
      [first?.ticket, second?.ticket],
    );
    assert.deepEqual(more, []);
    await deliver(after);
    assert.equal((await after.read(again.userId, fresh.commandId)).state, "done");
    await assert.rejects(after.read(again.userId, old.commandId), { code: "command_not_found" });
  });

  it("database reset: the new ledger draws none of the tags of the old one", async () => {
    const tags = new Set<string>();
    for (const session of [await newLedger(), await newLedger()]) {
      const user = await session.newUser();
      await connect(session, user, { set_as_default: true });
      for (let i = 0; i < TAGS; i++) tags.add((await submit(session, user)).command.tag);
    }
    assert.equal(tags.size, 2 * TAGS);
  });

  it("database reset: should a tag come a second time all the same, the command is not sent", async () => {
    const actor = await worker.actor();
    const first = worker.trade(actor);
    assert.equal((await worker.run(first)).state, "done");
    const outcome = await worker.run(worker.trade(actor, { symbol: "GBPUSD" }, { tag: first.body.tag }));
    assert.ok(outcome.state === "refused" && outcome.code === "internal_error");
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("user deleted with an unknown command: it is settled all the same, its row stays, and nobody sees it", async () => {
    const session = await newLedger();
    const office = openOffice({ session, worker });
    const [actor, stranger] = [await office.register(), await office.register("5000002")];
    isAway = true;
    const { commandId, status } = await office.submit(actor, "key");
    assert.equal(status, 202);
    await session.deleteUser(actor.userId);
    isAway = false;
    // Nobody is there to ask: the worker goes on by itself.
    worker.clock.advance(SETTLE_POLICY.pausesMs[0] ?? 0);
    await until("it is settled", () => worker.journal.find(commandId)?.state === "final");
    await deliver(office);
    assert.deepEqual(undelivered(), []);
    const [row, ...more] = await session.admin(
      "select user_id, account_id, login, state, executed from public.commands",
    );
    const { userId, account } = actor;
    assert.deepEqual(row, { user_id: userId, account_id: null, login: account.login, state: "done", executed: true });
    assert.deepEqual(more, []);
    await assert.rejects(office.read(stranger.userId, commandId), { code: "command_not_found" });
    // Not even one who registers the same account after him.
    const heir = await office.register(account.login);
    await assert.rejects(office.read(heir.userId, commandId), { code: "command_not_found" });
    const seen = await worker.read(heir, { kind: "positions", max_age_ms: 0 });
    assert.ok(seen.ok);
    const { positions } = seen.value as { positions: { magic: unknown; comment: unknown; command_id: unknown }[] };
    assert.deepEqual(
      positions.map(({ magic, comment, command_id }) => [magic, comment, command_id]),
      [[null, null, null]],
    );
  });
});
