// Unknown commands are settled by the terminals' processes: at a start before anything new, after a lost answer, and when
// somebody asks; and only ever by proof.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import {
  createWorkerFixture,
  createWorld,
  listen,
  overriding,
  type WorkerFixture,
  type World,
} from "../../../tests/support/worker-fixture.ts";
import { type After, realAfter } from "../after.ts";
import { type HistoryReply, TerminalLost, type TerminalPort } from "../mt5/mod.ts";
import { SimProcess } from "../simulator/mod.ts";
import { SETTLE_POLICY } from "./settle-policy.ts";

/** Longer than the pause after a first loss, shorter than a call's life. */
const REOPEN_MS = 1_000;

describe("Reconciler", () => {
  let dir: string;
  let world: World;
  let fixtures: WorkerFixture[];

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "switchyard-reconciler-"));
    world = await createWorld();
    fixtures = [];
  });
  afterEach(async () => {
    for (const fixture of fixtures) await fixture.stop();
    rmSync(dir, { recursive: true });
  });

  async function start(
    wrapPort: (port: TerminalPort) => TerminalPort = (port) => port,
    after: After = realAfter,
  ): Promise<WorkerFixture> {
    const journalPath = join(dir, "journal.db");
    const fixture = await createWorkerFixture({ world, journalPath, wrapPort, after });
    fixtures.push(fixture);
    return fixture;
  }

  /** A terminal whose answers to sends are lost; `word` decides whether its process can be asked afterwards. */
  function losing(port: TerminalPort, { sends, word }: { sends: boolean; word: () => boolean }): TerminalPort {
    return overriding(port, {
      send: async (order) => {
        if (sends) await port.send(order);
        throw new TerminalLost("connection", "cut");
      },
      poison: async (tag, commandId) => {
        if (!word()) throw new TerminalLost("connection", "cut");
        return port.poison(tag, commandId);
      },
    });
  }

  /** A worker that dies between the broker's answer and its own journal: the process knows, the journal does not. */
  async function dieAfterSend(answered = true): Promise<{ id: string; worker: WorkerFixture }> {
    const worker = await start((port) => losing(port, { sends: answered, word: () => false }));
    const actor = await worker.actor();
    const call = worker.trade(actor);
    assert.equal((await worker.run(call)).state, "unknown");
    return { id: call.id, worker };
  }

  async function restart(wrapPort?: (port: TerminalPort) => TerminalPort): Promise<WorkerFixture> {
    await fixtures.pop()?.stop();
    const worker = await start(wrapPort);
    await worker.scheduler.recover();
    return worker;
  }

  const stateOf = (worker: WorkerFixture, id: string): string | undefined => worker.journal.find(id)?.state;

  it("settles at a start what the process finished: done, with its tickets, and one order at the broker", async () => {
    const { id } = await dieAfterSend();
    const worker = await restart();
    await until("it is settled", () => stateOf(worker, id) === "final");
    const { command } = await worker.open(worker.journal.find(id)?.result ?? "");
    assert.ok(command?.state === "done");
    const [order, ...more] = world.broker.ledger();
    assert.deepEqual([command.result.order_ticket, more], [order?.ticket, []]);
  });

  it("settles at a start what never reached the process: not executed, and it never can any more", async () => {
    const { id } = await dieAfterSend(false);
    const worker = await restart();
    await until("it is settled", () => stateOf(worker, id) === "final");
    const { command } = await worker.open(worker.journal.find(id)?.result ?? "");
    assert.equal(command?.state, "not_executed");
    assert.deepEqual(world.broker.ledger(), []);
  });

  it("leaves it unknown when the terminal's process is another one: that one remembers nothing", async () => {
    const { id } = await dieAfterSend();
    world.processes[0] = new SimProcess({ path: "C:\\Test\\1" });
    const away: HistoryReply = { kind: "failed", call: "terminal_info", lastError: [-1, "no connection"] };
    const worker = await restart((port) => overriding(port, { history: async () => away }));
    await until("the terminal was asked", () => worker.sessions[0]?.epoch !== null);
    await worker.run(worker.trade(await worker.actor({ account: { login: "5000002" } })));
    assert.equal(stateOf(worker, id), "unknown");
  });

  it("asks the terminals before it gives them anything new", async () => {
    const { id } = await dieAfterSend();
    await fixtures.pop()?.stop();
    const worker = await start();
    const recovered = worker.scheduler.recover();
    const heard = listen();
    let settledFirst: boolean | undefined;
    const watch = (event: unknown): void => {
      if (typeof event === "object" && event !== null && "result" in event)
        settledFirst = stateOf(worker, id) === "final";
    };
    const call = worker.trade(await worker.actor());
    await recovered;
    await worker.scheduler.command(call, (event) => {
      watch(event);
      heard.subscriber(event);
    });
    await heard.result;
    assert.equal(settledFirst, true);
  });

  it("tries again by itself, and tells the outbox the new outcome", async () => {
    let away = true;
    const after = world.clock.after;
    const worker = await start((port) => losing(port, { sends: true, word: () => !away }), after);
    const call = worker.trade(await worker.actor());
    assert.equal((await worker.run(call)).state, "unknown");
    world.clock.advance(SETTLE_POLICY.pausesMs[0] ?? 0);
    await until("a first attempt failed", () => worker.logged.some((line) => line.startsWith("reconciler.no_answer")));
    assert.equal(stateOf(worker, call.id), "unknown");
    away = false;
    await until("it is settled", () => {
      world.clock.advance(SETTLE_POLICY.pausesMs[1] ?? 0);
      return stateOf(worker, call.id) === "final";
    });
    const undelivered = worker.journal.undelivered(10).find(({ id }) => id === call.id);
    const { command } = await worker.open(undelivered?.result ?? "");
    assert.equal(command?.state, "done");
  });

  it("settles when somebody asks, at most once in ten seconds, and answers with the outcome", async () => {
    let away = true;
    const worker = await start((port) => losing(port, { sends: true, word: () => !away }));
    const call = worker.trade(await worker.actor());
    assert.equal((await worker.run(call)).state, "unknown");
    const ask = async (): Promise<string | undefined> =>
      (await worker.outcome(await worker.scheduler.status(worker.question(call, { notAfterMs: 0 })))).state;
    assert.equal(await ask(), "unknown");
    away = false;
    assert.equal(await ask(), "unknown", "asked a moment ago");
    world.clock.advance(SETTLE_POLICY.onDemandMs);
    assert.equal(await ask(), "done");
  });

  it("does nothing for another user's question", async () => {
    let away = true;
    const worker = await start((port) => losing(port, { sends: true, word: () => !away }));
    const call = worker.trade(await worker.actor());
    assert.equal((await worker.run(call)).state, "unknown");
    away = false;
    const { userId } = await worker.actor();
    const asked = worker.scheduler.status(worker.question(call, { notAfterMs: 0, userId }));
    await assert.rejects(asked, /another user/);
    assert.equal(stateOf(worker, call.id), "unknown");
  });

  it("begins nothing any more once it is stopped: what becomes unknown in the meantime waits for the next start", async () => {
    const open = new Set<() => void>();
    const after: After = (ms, run) => {
      const callOff = world.clock.after(ms, () => {
        open.delete(callOff);
        run();
      });
      open.add(callOff);
      return () => {
        open.delete(callOff);
        callOff();
      };
    };
    const worker = await start((port) => losing(port, { sends: true, word: () => false }), after);
    const ended = worker.run(worker.trade(await worker.actor()));
    const drained = worker.scheduler.drain();
    assert.equal((await ended).state, "unknown");
    await drained;
    assert.equal(open.size, 0);
  });

  it("leaves alone what is being sent this very moment", async () => {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    let lost = true;
    const worker = await start((port) =>
      overriding(port, {
        send: async (order) => {
          if (lost) throw new TerminalLost("connection", "cut");
          // The intent is on the disk, and the terminal has not heard of the order yet.
          reached.resolve();
          await gate.promise;
          return port.send(order);
        },
        poison: async (tag, commandId) => {
          if (lost) throw new TerminalLost("connection", "cut");
          return port.poison(tag, commandId);
        },
      }),
    );
    const actor = await worker.actor();
    const unknown = worker.trade(actor);
    assert.equal((await worker.run(unknown)).state, "unknown");
    lost = false;
    world.clock.advance(REOPEN_MS);
    const running = worker.run(worker.trade(actor, { symbol: "GBPUSD" }));
    await reached.promise;
    const asked = await worker.scheduler.status(worker.question(unknown, { notAfterMs: 0 }));
    assert.equal((await worker.outcome(asked)).state, "not_executed", "the lost one is settled meanwhile");
    gate.resolve();
    assert.equal((await running).state, "done");
  });
});
