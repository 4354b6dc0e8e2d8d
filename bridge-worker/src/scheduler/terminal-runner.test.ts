// What the runner makes of the policy's decisions, seen through the whole scheduler: who is asked, and how often.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock, until } from "../../../tests/support/manual-clock.ts";
import {
  type Actor,
  collectLog,
  createWorkerFixture,
  createWorld,
  overriding,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import { BrokerClock, TerminalLost, type TerminalPort } from "../mt5/mod.ts";
import type { ReadOutcome, ReadRequest } from "../protocol.ts";
import { createSimTerminal, SimBroker, SimProcess } from "../simulator/mod.ts";
import { TerminalSession } from "../terminals/mod.ts";
import { EquityWatch } from "./equity-watch.ts";
import { PRESETS } from "./policy/params.ts";
import { NOTHING_RAN, policyLane } from "./task.ts";
import { TerminalRunner } from "./terminal-runner.ts";

const INFO: ReadRequest = { kind: "account_info", max_age_ms: 2_000 };
const POSITIONS: ReadRequest = { kind: "positions", max_age_ms: 2_000 };
const FRESH: ReadRequest = { kind: "positions", max_age_ms: 0 };
/** A change that ended less than this ago may not show yet. */
const SETTLED_MS = 100;

describe("TerminalRunner: one thing at a time", () => {
  it("gives a terminal to work that needs it alone between two tasks, and to nobody else meanwhile", async () => {
    const clock = new ManualClock();
    const { now, wallClock, after } = clock;
    const log = collectLog([]);
    const port = createSimTerminal({
      ...{
        name: "sim-1",
        broker: new SimBroker({ seed: 1 }),
        owner: "test",
        process: new SimProcess({ path: "C:\\T" }),
      },
      ...{ now, wait: clock.wait, utcNow: wallClock },
    });
    const session = new TerminalSession({ port, kind: "simulator", log, now });
    await session.ensureOpen();
    const failures: unknown[] = [];
    const runner = new TerminalRunner({
      ...{ sessions: [session], params: PRESETS.prompt.params, now, wallClock, after, log },
      equity: new EquityWatch(new BrokerClock()),
      onFailure: (error) => failures.push(error),
    });
    const began: string[] = [];
    const gates = new Map<string, () => void>();
    let inUse = 0;
    const use = async (name: string): Promise<void> => {
      inUse += 1;
      assert.equal(inUse, 1, `${name} is not alone`);
      began.push(name);
      await new Promise<void>((resolve) => gates.set(name, resolve));
      inUse -= 1;
    };
    const account = { login: "5000001", server: "Switchyard-Demo" };
    const add = (name: string): void => {
      const work = {
        ...{ id: name, lane: policyLane(account), server: "switchyard-demo", user: "u", kind: "change" as const },
        ...{ arrivedMs: now(), deadlineMs: now() + 10_000, maxAgeMs: 0, snapshotable: false, proven: true },
      };
      runner.add({ work, account, run: () => use(name).then(() => NOTHING_RAN), expire: async () => {} });
    };
    add("first");
    const alone = runner.alone(session, () => use("alone"));
    add("second");
    for (const name of ["first", "alone", "second"]) {
      await until(`${name} begins`, () => gates.has(name));
      gates.get(name)?.();
    }
    await alone;
    await runner.idle();
    assert.deepEqual([began, failures], [["first", "alone", "second"], []]);
    await session.close();
  });
});

describe("TerminalRunner: a terminal that its keeper brings back", () => {
  it("is waited for, and not looked after again and again", async () => {
    const world = await createWorld(2);
    const { clock, processes, broker } = world;
    const { now, wallClock } = clock;
    let timers = 0;
    const after: typeof clock.after = (...timer) => {
      timers += 1;
      return clock.after(...timer);
    };
    const opening = Promise.withResolvers<void>();
    const worker = await createWorkerFixture({
      ...{ world, after },
      sessions: (log) =>
        processes.map((process, index) => {
          const options = { name: `sim-${index + 1}`, broker, owner: "test", process };
          const port = createSimTerminal({ ...options, now, wait: clock.wait, utcNow: wallClock });
          const dead = overriding(port, { open: () => opening.promise.then(() => port.open()) });
          return new TerminalSession({ port: index === 0 ? dead : port, kind: "simulator", log, now, kept: true });
        }),
    });
    const [away] = worker.sessions;
    const [alice, bob] = [await worker.actor(), await worker.actor({ account: { login: "5000002" } })];
    opening.reject(new TerminalLost("connection", "gone"));
    await away?.open().catch(() => {});
    // Its pause is over, and its keeper at it.
    clock.advance(1_000);
    const release = worker.holdNextSend(1);
    const trades = [worker.run(worker.trade(alice))];
    await until("the other one is busy", () => broker.ledger().length === 1);
    trades.push(worker.run(worker.trade(bob)));
    timers = 0;
    for (let ms = 0; ms < 1_000; ms++) clock.advance(1);
    assert.ok(timers < 10, String(timers));
    release();
    await until("both are done", () => {
      // The farewell waits for the clock.
      clock.advance(10);
      return worker.scheduler.inFlight === 0;
    });
    const outcomes = await Promise.all(trades);
    assert.deepEqual(
      outcomes.map(({ state }) => state),
      ["done", "done"],
    );
    await worker.stop();
  });
});

describe("TerminalRunner", () => {
  /** Every call of a terminal, in order: the terminal, the call, the account. */
  let asked: string[] = [];
  const watching = (port: TerminalPort): TerminalPort => {
    const note = (call: string, login: string): void => void asked.push(`${port.name} ${call} ${login}`);
    return overriding(port, {
      login: (account, ...rest) => {
        note("login", account.login);
        return port.login(account, ...rest);
      },
      read: (account, ...rest) => {
        note("read", account.login);
        return port.read(account, ...rest);
      },
      send: (order) => {
        note("send", order.account.login);
        return port.send(order);
      },
    });
  };

  async function withWorker(terminals: number, work: (worker: WorkerFixture, actors: Actor[]) => Promise<void>) {
    asked = [];
    const world = await createWorld(terminals);
    const worker = await createWorkerFixture({ world, wrapPort: watching });
    const actors = await Promise.all(
      ["5000001", "5000002", "5000003"].map((login) => worker.actor({ account: { login } })),
    );
    for (const { account } of actors) worker.journal.recordMarkCheck(account, { magic: true, comment: true });
    await work(worker, actors);
    await worker.stop();
  }

  const count = (pattern: RegExp): number => asked.filter((call) => pattern.test(call)).length;
  const rows = (outcome: ReadOutcome): unknown[] => {
    assert.ok(outcome.ok, JSON.stringify(outcome));
    return (outcome.value as { positions: unknown[] }).positions;
  };
  const asOf = (outcome: ReadOutcome): unknown => outcome.ok && (outcome.value as { as_of: string }).as_of;

  it("reads that wait together are answered by one reading, and say when it was", () =>
    withWorker(1, async (worker, [alice]) => {
      assert.ok(alice);
      await worker.read(alice, FRESH);
      asked = [];
      const release = worker.holdNextSend();
      const trade = worker.run(worker.trade(alice, { symbol: "GBPUSD" }));
      await until("it is sending", () => count(/send/) === 1);
      const waiting = [INFO, POSITIONS, POSITIONS, INFO].map((request) => worker.read(alice, request));
      release();
      await trade;
      // The trade ended this very moment: its position may not show yet, so each read asks until it does.
      worker.clock.advance(SETTLED_MS);
      const times = new Set((await Promise.all(waiting)).map(asOf));
      assert.ok(count(/read/) <= 1 + waiting.length, asked.join());
      assert.ok([...times].every((time) => typeof time === "string"));
    }));

  it("a busy account's read takes the snapshot of a moment ago, and after a change it does not", () =>
    withWorker(1, async (worker, [alice, bob]) => {
      assert.ok(alice && bob);
      const first = await worker.read(alice, POSITIONS);
      // The terminal goes to somebody else: alice's next read does not bring it back.
      const release = worker.holdNextSend();
      const other = worker.run(worker.trade(bob));
      await until("the terminal is bob's", () => count(/send 5000002/) === 1);
      asked = [];
      const second = await worker.read(alice, POSITIONS);
      assert.deepEqual([asOf(second), asked], [asOf(first), []]);
      const info = await worker.read(alice, INFO);
      assert.deepEqual([asOf(info), asked], [asOf(first), []], "one snapshot holds the account whole");
      release();
      await other;
      assert.equal((await worker.run(worker.trade(alice))).state, "done");
      worker.clock.advance(SETTLED_MS);
      assert.equal(rows(await worker.read(alice, POSITIONS)).length, 1, "its own order shows");
    }));

  it("the same read twice, as a frame that came twice, is read twice", () =>
    withWorker(1, async (worker, [alice]) => {
      assert.ok(alice);
      const call = worker.readCall(alice, FRESH);
      const outcomes = await Promise.all([worker.scheduler.read(call), worker.scheduler.read(call)]);
      assert.deepEqual(
        outcomes.map(({ ok }) => ok),
        [true, true],
      );
    }));

  it("max_age_ms 0 asks the terminal, whatever is known", () =>
    withWorker(1, async (worker, [alice]) => {
      assert.ok(alice);
      await worker.read(alice, POSITIONS);
      worker.clock.advance(1);
      asked = [];
      await worker.read(alice, FRESH);
      assert.equal(count(/read/), 1);
    }));

  it("shares nothing with a credential that is not proven", () =>
    withWorker(1, async (worker, [alice, bob]) => {
      assert.ok(alice && bob);
      await worker.read(alice, POSITIONS);
      const release = worker.holdNextSend();
      const other = worker.run(worker.trade(bob));
      await until("the terminal is bob's", () => count(/send 5000002/) === 1);
      const stranger = worker.read(await worker.actor({ account: alice.account, password: "a guess" }), POSITIONS);
      release();
      await other;
      const outcome = await stranger;
      assert.ok(!outcome.ok && outcome.code === "login_failed", JSON.stringify(outcome));
    }));

  it("looks at an account once more before its terminal goes, so that its user need not bring it back", () =>
    withWorker(1, async (worker, [alice, bob]) => {
      assert.ok(alice && bob);
      await worker.read(alice, FRESH);
      worker.clock.advance(5_000);
      asked = [];
      assert.equal((await worker.run(worker.trade(bob))).state, "done");
      assert.deepEqual(asked.slice(0, 2), ["sim-1 read 5000001", "sim-1 login 5000002"]);
      asked = [];
      assert.ok((await worker.read(alice, POSITIONS)).ok);
      assert.deepEqual(asked, [], "answered by the last look");
    }));

  it("keeps an account on one terminal, and gives the idle one to the next account", () =>
    withWorker(2, async (worker, [alice, bob]) => {
      assert.ok(alice && bob);
      await worker.run(worker.trade(alice));
      await worker.run(worker.trade(bob));
      await worker.run(worker.trade(alice));
      await worker.run(worker.trade(bob));
      assert.equal(count(/login/), 2, asked.join());
    }));

  it("a terminal in quarantine loses its accounts to the others, and gets work again when it is back", async () => {
    asked = [];
    let isLost = false;
    const world = await createWorld(2);
    const worker = await createWorkerFixture({
      world,
      wrapPort: (port) =>
        overriding(watching(port), {
          read: (...args) => {
            if (isLost && port.name === "sim-1") return Promise.reject(new TerminalLost("connection", "gone"));
            return watching(port).read(...args);
          },
        }),
    });
    const alice = await worker.actor();
    assert.equal((await worker.run(worker.trade(alice))).state, "done");
    isLost = true;
    assert.equal((await worker.run(worker.trade(alice))).state, "refused", "it was there when that happened");
    assert.equal((await worker.run(worker.trade(alice))).state, "done");
    assert.ok(asked.includes("sim-2 send 5000001"), asked.join());
    isLost = false;
    world.clock.advance(60_000);
    const bob = await worker.actor({ account: { login: "5000002" } });
    assert.equal((await worker.run(worker.trade(bob))).state, "done");
    assert.ok(asked.includes("sim-1 send 5000002"), asked.join());
    await worker.stop();
  });

  for (const [what, code] of [
    ["has lost MetaTrader", -10_003],
    ["reaches no broker", -10_005],
  ] as const) {
    it(`a terminal that ${what} is on no account, and does not fail everybody for that`, async () => {
      const world = await createWorld(3);
      const worker = await createWorkerFixture({
        world,
        wrapPort: (port) =>
          overriding(port, {
            login: async (...rest) => {
              world.clock.advance(1);
              if (port.name !== "sim-1") return port.login(...rest);
              return { kind: "failed", reason: "no_connection", lastError: [code, "IPC"] };
            },
          }),
      });
      const states: string[] = [];
      for (let account = 1; account <= 20; account++) {
        const actor = await worker.actor({ account: { login: String(5_000_000 + account) } });
        states.push((await worker.run(worker.trade(actor))).state);
        world.clock.advance(100);
      }
      assert.ok(states.filter((state) => state !== "done").length <= 2, states.join());
      assert.equal(worker.sessions[0]?.health().reason, code === -10_003 ? "ipc" : undefined);
      await worker.stop();
    });
  }

  it("a work that came to no login says nothing of its broker, also where the last login reached another one not", async () => {
    const world = await createWorld(2);
    const gate = Promise.withResolvers<void>();
    let isHeld = false;
    let logins = 0;
    const worker = await createWorkerFixture({
      world,
      wrapPort: (port) =>
        overriding(port, {
          login: async (account, ...rest) => {
            if (account.server === "Away-Demo")
              return { kind: "failed", reason: "no_connection", lastError: [-10_005, "IPC timeout"] };
            logins += 1;
            if (isHeld) await gate.promise;
            return port.login(account, ...rest);
          },
        }),
    });
    const [bob, eve] = [await worker.actor(), await worker.actor({ account: { server: "Away-Demo" } })];
    assert.equal((await worker.run(worker.trade(bob))).state, "done");
    assert.equal((await worker.run(worker.trade(eve))).state, "refused");
    // Sealed for somebody else: it is not shown to any broker.
    const carol = { ...(await worker.actor({ account: { login: "5000003" } })), credential: bob.credential };
    const outcome = await worker.run(worker.trade(carol));
    assert.ok(outcome.state === "refused" && outcome.code === "proof_refused");
    world.clock.advance(SETTLED_MS);
    isHeld = true;
    logins = 0;
    const actors = await Promise.all(["5000004", "5000005"].map((login) => worker.actor({ account: { login } })));
    const trades = actors.map((actor) => worker.run(worker.trade(actor)));
    await until("both terminals log in", () => logins === 2);
    gate.resolve();
    for (const { state } of await Promise.all(trades)) assert.equal(state, "done");
    await worker.stop();
  });

  for (const request of [FRESH, INFO, { kind: "account_info", max_age_ms: 0 }, { kind: "account_status" }] as const) {
    it(`an account whose terminal hangs in ${JSON.stringify(request)} is served elsewhere within ten seconds`, async () => {
      asked = [];
      const worker = await createWorkerFixture({ terminals: 2, wrapPort: watching });
      const alice = await worker.actor();
      assert.equal((await worker.run(worker.trade(alice))).state, "done");
      worker.clock.advance(SETTLED_MS);
      const held = Promise.withResolvers<void>();
      const hanging = worker.processes[0]?.exclusive(() => held.promise);
      const read = worker.read(alice, request);
      await until("the terminal works on it", () => worker.sessions[0]?.state === "busy");
      const trade = worker.run(worker.trade(alice));
      for (let second = 1; second <= 9; second++) {
        await new Promise((resolve) => setImmediate(resolve));
        worker.clock.advance(1_000);
      }
      await until("it is served elsewhere", () => asked.includes("sim-2 send 5000001"));
      held.resolve();
      assert.equal((await trade).state, "done");
      await Promise.all([read, hanging, worker.stop()]);
    });
  }

  it("a task whose terminal is lost by the last look at another account is done by the next terminal", async () => {
    asked = [];
    let isLost = false;
    const world = await createWorld(2);
    const worker = await createWorkerFixture({
      world,
      wrapPort: (port) =>
        overriding(watching(port), {
          read: (account, ...rest) =>
            isLost && port.name === "sim-1" && account.login === "5000001"
              ? Promise.reject(new TerminalLost("timeout", "hangs"))
              : watching(port).read(account, ...rest),
        }),
    });
    const [alice, bob, carol] = await Promise.all(
      ["5000001", "5000002", "5000003"].map((login) => worker.actor({ account: { login } })),
    );
    assert.ok(alice && bob && carol);
    await worker.read(alice, FRESH);
    await worker.read(bob, FRESH);
    await worker.read(bob, FRESH);
    world.clock.advance(5_000);
    isLost = true;
    const trades = Array.from({ length: 3 }, () => worker.trade(carol));
    for (const { state } of await Promise.all(trades.map((trade) => worker.run(trade)))) assert.equal(state, "done");
    assert.equal(worker.sessions[0]?.health().reason, "hung");
    assert.deepEqual(
      world.broker.ledger().map(({ magic }) => magic),
      trades.map(({ body }) => String(body.tag)),
      "in the order in which they came",
    );
    assert.ok(asked.includes("sim-2 send 5000003"), asked.join());
    await worker.stop();
  });

  it("a pinned account goes to its own terminal, and every other account elsewhere", async () => {
    asked = [];
    const world = await createWorld(2);
    const { clock, processes, broker } = world;
    const pinned = { login: "5000001", server: "Switchyard-Demo" };
    const worker = await createWorkerFixture({
      world,
      sessions: (log) =>
        processes.map((process, index) => {
          const options = { name: `sim-${index + 1}`, broker, owner: "test", process };
          const port = createSimTerminal({ ...options, now: clock.now, wait: clock.wait, utcNow: clock.wallClock });
          const limits = { servers: null, pinned: index === 0 ? [pinned] : [] };
          return new TerminalSession({ port: watching(port), kind: "simulator", log, now: clock.now, limits });
        }),
    });
    for (const login of ["5000002", "5000001", "5000003"]) {
      const actor = await worker.actor({ account: { login } });
      assert.equal((await worker.run(worker.trade(actor))).state, "done", login);
      clock.advance(SETTLED_MS);
    }
    const sent = asked.filter((call) => call.includes("send"));
    assert.deepEqual(sent, ["sim-2 send 5000002", "sim-1 send 5000001", "sim-2 send 5000003"]);
    await worker.stop();
  });

  it("a pinned account uses its own terminal alone, and no other account does", async () => {
    asked = [];
    const world = await createWorld(1);
    const account = { login: "5000001", server: "Switchyard-Demo" };
    const limits = { servers: null, pinned: [account] };
    const worker = await createWorkerFixture({ world, limits, wrapPort: watching });
    assert.equal((await worker.run(worker.trade(await worker.actor({ account })))).state, "done");
    const other = await worker.run(worker.trade(await worker.actor({ account: { login: "5000002" } })));
    assert.ok(other.state === "refused" && other.code === "terminal_unavailable");
    await worker.stop();
  });

  it("closes go before other accounts' openings", () =>
    withWorker(1, async (worker, [alice, bob, carol]) => {
      assert.ok(alice && bob && carol);
      const opened = await worker.run(worker.trade(carol));
      assert.ok(opened.state === "done" && opened.result.position_ticket !== null);
      const release = worker.holdNextSend();
      const first = worker.run(worker.trade(alice));
      await until("alice is sending", () => count(/send 5000001/) === 1);
      const params = { ticket: opened.result.position_ticket };
      const opening = worker.run(worker.trade(bob));
      const close = worker.run(worker.command(carol, { kind: "close_position", params }));
      release();
      await Promise.all([first, opening, close]);
      const sent = asked.filter((call) => / send /.test(call)).map((call) => call.slice(-7));
      assert.deepEqual(sent, ["5000003", "5000001", "5000003", "5000002"]);
    }));
});
