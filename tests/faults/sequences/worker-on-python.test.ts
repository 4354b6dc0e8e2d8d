// Sequences of a whole worker on a terminal's real process: scheduler, journal and reconciler over RPyC to the guard and
// the double of the MetaTrader5 package, whose ledger says what the broker booked and on which account.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { RpycTerminal } from "../../../bridge-worker/src/mt5/mod.ts";
import type { Outcome } from "../../../bridge-worker/src/protocol.ts";
import { type CommandCall, SETTLE_POLICY } from "../../../bridge-worker/src/scheduler/mod.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ONE, TIMEOUT_MS, TWO, until, useDouble } from "../../support/mt5/double-process.ts";
import { requirePython } from "../../support/python.ts";
import {
  type Actor,
  createWorkerFixture,
  createWorld,
  overriding,
  type WorkerFixture,
} from "../../support/worker-fixture.ts";

/** Real time: how long a hanging call is waited for here. */
const SHORT_MS = 500;
/** Longer than the pause after a terminal was lost. */
const REOPEN_MS = 1_000;
const policy = { ...SETTLE_POLICY, stableMs: 1 };

describe("sequences of a worker on a terminal's process", { skip: requirePython() ?? false }, () => {
  const double = useDouble();
  let worker: WorkerFixture;
  let actor: Actor;
  /** Set: sends are not waited for as long as they should be. */
  let isImpatient = false;

  /** `startTimeoutMs`: how long a terminal that does not answer is waited for when it is opened. */
  async function start(startTimeoutMs = TIMEOUT_MS): Promise<void> {
    // The broker's records are dated by the system's clock.
    const world = { ...(await createWorld()), clock: new ManualClock({ wallMs: Date.now() }) };
    const wrapPort = (): RpycTerminal => {
      const terminal = double.terminalAt({ now: world.clock.now, startTimeoutMs });
      const patience = (): { timeoutMs?: number } => (isImpatient ? { timeoutMs: SHORT_MS } : {});
      return overriding(terminal, { send: (order) => terminal.send({ ...order, ...patience() }) });
    };
    worker = await createWorkerFixture({ world, policy, wrapPort });
    actor = await worker.actor({ account: ONE, password: "alpha-one" });
  }

  afterEach(async () => {
    await double.control({ release: true });
    await worker.stop();
  });

  async function ask(call: CommandCall): Promise<Outcome> {
    worker.clock.advance(policy.onDemandMs);
    return worker.outcome(await worker.scheduler.status(worker.question(call, { notAfterMs: 0 })));
  }

  const booked = async (): Promise<[string, string][]> =>
    (await double.ledger()).map(({ magic, login }) => [magic, login]);

  /** A send that hangs longer than the worker waits: unknown, and the terminal is still in it. */
  async function hang(): Promise<CommandCall> {
    await double.control({ send: [{ hang: true }] });
    const call = worker.trade(actor);
    isImpatient = true;
    const outcome = await worker.run(call);
    isImpatient = false;
    assert.deepEqual([outcome.state, outcome.evidence?.guard], ["unknown", "sending"]);
    worker.clock.advance(REOPEN_MS);
    return call;
  }

  it("hung send with a second call waiting: the terminal comes back in time, and each runs once", async () => {
    await start();
    const first = await hang();
    const second = worker.trade(actor, { symbol: "XAUUSD" });
    const waiting = worker.run(second);
    await until(async () => worker.sessions[0]?.state === "connecting");
    await double.control({ release: true });
    assert.equal((await waiting).state, "done");
    assert.equal((await ask(first)).state, "done");
    assert.deepEqual(await booked(), [
      [String(first.body.tag), ONE.login],
      [String(second.body.tag), ONE.login],
    ]);
  });

  it("hung send with a second call waiting: the terminal stays away, and the second one never runs", async () => {
    await start(SHORT_MS);
    const first = await hang();
    const second = worker.trade(actor, { symbol: "XAUUSD" });
    const outcome = await worker.run(second);
    assert.deepEqual([outcome.state, "code" in outcome && outcome.code], ["refused", "terminal_unavailable"]);
    await double.control({ release: true });
    await until(async () => (await ask(first)).state === "done");
    assert.deepEqual(await worker.run(second), outcome, "the same command again meets its answer");
    assert.deepEqual(await booked(), [[String(first.body.tag), ONE.login]]);
  });

  it("account switched inside order_send: an order that went elsewhere is never settled as not executed", async () => {
    await start();
    assert.equal((await worker.run(worker.trade(actor, { symbol: "XAUUSD" }))).state, "done");
    await until(() => worker.journal.isMarkChecked(actor.account));
    await double.control({ send: [{ switch: TWO }] });
    const call = worker.trade(actor);
    const outcome = await worker.run(call);
    assert.equal(outcome.state, "unknown");
    assert.equal(outcome.evidence?.reason, "account_changed_during_send");
    assert.equal(worker.sessions[0]?.state, "quarantined");
    assert.deepEqual((await booked()).at(-1), [String(call.body.tag), TWO.login], "it really went there");
    for (let look = 0; look < 4; look++) {
      worker.clock.advance(policy.quietMs);
      const later = await ask(call);
      assert.equal(later.state, "unknown");
      assert.match(String(later.evidence?.records), /another account was shown/);
    }
    const next = await worker.run(worker.trade(actor, { symbol: "USDJPY" }));
    assert.equal(next.state, "done", JSON.stringify(next));
    assert.equal((await booked()).at(-1)?.[1], ONE.login);
  });
});
