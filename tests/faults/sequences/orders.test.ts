// Sequences of one user's orders whose answers are lost, doubtful, or come from another account. Real scheduler, journal
// and reconciler; the paper broker's ledger says what was booked.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type SendOrder, TerminalLost, type TerminalPort } from "../../../bridge-worker/src/mt5/mod.ts";
import type { CommandRequest, Outcome } from "../../../bridge-worker/src/protocol.ts";
import { type CommandCall, SETTLE_POLICY } from "../../../bridge-worker/src/scheduler/mod.ts";
import { SimProcess } from "../../../bridge-worker/src/simulator/mod.ts";
import { Catalogue } from "../../../supabase/functions/_shared/errors/mod.ts";
import {
  type Actor,
  createWorkerFixture,
  listen,
  overriding,
  type WorkerFixture,
} from "../../support/worker-fixture.ts";

const NETTING = "Switchyard-Netting";
/** Longer than the pause after a terminal was lost. */
const REOPEN_MS = 1_000;

type Loss = "executes" | "executes later" | "sends nothing";

describe("sequences of orders", () => {
  let worker: WorkerFixture;
  /** Set: the broker carries a send out or not, nobody hears of it, and nobody can ask. */
  let losing: Loss | null;
  /** On its way; it arrives in front of the next one. */
  let late: SendOrder | undefined;

  const wrapPort = (port: TerminalPort): TerminalPort =>
    overriding(port, {
      send: async (order) => {
        if (losing === null) {
          if (late !== undefined) await port.send(late);
          late = undefined;
          return port.send(order);
        }
        if (losing === "executes later") late = order;
        if (losing === "executes") await port.send(order);
        throw new TerminalLost("connection", "cut");
      },
      poison: async (tag, commandId) => {
        if (losing !== null) throw new TerminalLost("connection", "cut");
        return port.poison(tag, commandId);
      },
    });

  beforeEach(async () => {
    [losing, late] = [null, undefined];
    worker = await createWorkerFixture({ wrapPort, policy: { ...SETTLE_POLICY, stableMs: 1 } });
  });
  afterEach(() => worker.stop());

  const evidenceOf = (outcome: Outcome): Record<string, unknown> => outcome.evidence ?? {};

  async function lose(how: Loss, call: CommandCall): Promise<void> {
    losing = how;
    assert.equal((await worker.run(call)).state, "unknown");
    losing = null;
    worker.clock.advance(REOPEN_MS);
  }

  /** Asks for a command as its user does, when the worker looks again. */
  async function ask(call: CommandCall): Promise<Outcome> {
    worker.clock.advance(SETTLE_POLICY.onDemandMs);
    return worker.outcome(await worker.scheduler.status(worker.question(call, { notAfterMs: 0 })));
  }

  function close(actor: Actor, ticket: string, volume?: number): CommandCall {
    const request: CommandRequest = { kind: "close_position", params: { ticket, ...(volume && { volume }) } };
    return worker.command(actor, request);
  }

  async function openOnNetting(volume: number): Promise<{ actor: Actor; ticket: string }> {
    const actor = await worker.actor({ account: { server: NETTING } });
    assert.equal((await worker.run(worker.trade(actor, { volume }))).state, "done");
    const [position] = positionsOf(actor);
    return { actor, ticket: position?.ticket ?? assert.fail() };
  }

  const positionsOf = ({ account }: Actor) => worker.broker.positions(account, worker.clock.wallClock());

  for (const how of ["executes", "sends nothing"] as const) {
    it(`unknown partial close then a second close on netting: refused until the first is settled (it ${how})`, async () => {
      const { actor, ticket } = await openOnNetting(0.03);
      const first = close(actor, ticket, 0.02);
      await lose(how, first);
      // Still out of reach: nobody can tell what became of the first.
      losing = "sends nothing";
      const second = await worker.run(close(actor, ticket));
      assert.ok(second.state === "refused" && second.code === "outcome_pending", JSON.stringify(second));
      const { status, executed } = Catalogue[second.code];
      assert.deepEqual([status, executed], [409, false]);
      losing = null;
      const settled = await ask(first);
      assert.equal(settled.state, how === "executes" ? "done" : "not_executed");
      assert.equal((await worker.run(close(actor, ticket))).state, "done");
      assert.deepEqual(positionsOf(actor), [], "closed, and nothing the other way");
    });
  }

  it("unknown partial close then a second close on netting: acknowledged, and the first comes through after all", async () => {
    const { actor, ticket } = await openOnNetting(0.03);
    const first = close(actor, ticket, 0.02);
    await lose("executes later", first);
    losing = "sends nothing";
    await worker.scheduler.acknowledge(worker.question(first));
    losing = null;
    worker.clock.advance(REOPEN_MS);
    // It was decided on when the position still had its whole volume.
    const second = await worker.run(close(actor, ticket, 0.03));
    assert.ok(second.state === "refused" && second.code === "position_not_found", JSON.stringify(second));
    assert.deepEqual(
      positionsOf(actor).map(({ type, volume }) => [type, volume]),
      [[0, 0.01]],
      "never reversed",
    );
  });

  it("None/−2: nothing was sent when the package refused the request itself, and any other None may have executed", async () => {
    const actor = await worker.actor();
    const send = async (code: number, executes: boolean): Promise<Outcome> => {
      worker.processes[0]?.faults.addSend({ kind: "none", lastError: [code, "x"], executes });
      return worker.run(worker.trade(actor, { symbol: code === -2 ? "GBPUSD" : "EURUSD" }));
    };
    const refused = await send(-2, false);
    assert.ok(refused.state === "rejected" && refused.code === "broker_rejected");
    assert.deepEqual(refused.mt5?.last_error, [-2, "x"]);
    assert.deepEqual(worker.broker.ledger(), []);
    const unclear = await send(-10005, true);
    assert.equal(unclear.state, "unknown");
    assert.equal(evidenceOf(unclear).reason, "no_result");
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("account switched inside order_send: unknown, the terminal is opened anew, and only the records prove it done", async () => {
    const actor = await worker.actor();
    const other = { login: "5000002", server: actor.account.server };
    worker.processes[0]?.faults.addSend({ kind: "switch_account", to: other });
    const call = worker.trade(actor);
    const outcome = await worker.run(call);
    assert.equal(outcome.state, "unknown");
    assert.equal(evidenceOf(outcome).reason, "account_changed_during_send");
    assert.equal(evidenceOf(outcome).account_after, "another account");
    assert.doesNotMatch(JSON.stringify(outcome), /5000002/, "whose it is, is nobody's business");
    assert.equal(worker.sessions[0]?.state, "quarantined");
    const next = worker.run(worker.trade(actor, { symbol: "GBPUSD" }));
    assert.equal(worker.broker.ledger().length, 1, "nothing is sent to it meanwhile");
    worker.clock.advance(REOPEN_MS);
    assert.equal((await next).state, "done");
    assert.deepEqual(
      worker.broker.ledger().map(({ login, symbol }) => [login, symbol]),
      [
        [actor.account.login, "EURUSD"],
        [actor.account.login, "GBPUSD"],
      ],
    );
    const settled = await ask(call);
    assert.ok(settled.state === "done");
    assert.equal(settled.result.order_ticket, worker.broker.ledger()[0]?.ticket);
    assert.equal(evidenceOf(settled).settled_by, "broker");
  });

  it("journal deleted between send and answer: the command that comes again is not started, it is unknown", async () => {
    const actor = await worker.actor();
    worker.clock.advance(60_000);
    const release = worker.holdNextSend();
    const call = worker.trade(actor);
    await worker.scheduler.command(call, listen().subscriber);
    // Nothing is left that remembers: not the journal, and not the terminal's process.
    const processes = [new SimProcess({ path: "C:\\Test\\1" })];
    const fresh = await createWorkerFixture({ world: { ...worker, processes } });
    try {
      const outcome = await fresh.run({ ...call, submittedAgoMs: 1 });
      assert.equal(outcome.state, "unknown");
      assert.equal(evidenceOf(outcome).phase, "journal_younger_than_command");
      const asked = await fresh.scheduler.status(
        fresh.question(worker.trade(actor), { notAfterMs: 0, submittedAgoMs: 1 }),
      );
      assert.equal((await fresh.outcome(asked)).state, "unknown", "nor is one that nobody has seen declared dead");
      fresh.clock.advance(2);
      assert.equal((await fresh.run(fresh.trade(actor, { symbol: "GBPUSD" }, { submittedAgoMs: 1 }))).state, "done");
    } finally {
      release();
      await fresh.stop();
    }
    assert.deepEqual(
      worker.broker
        .ledger()
        .map(({ symbol }) => symbol)
        .sort(),
      ["EURUSD", "GBPUSD"],
    );
  });
});
