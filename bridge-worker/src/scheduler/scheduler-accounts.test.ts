// Right account: whoever shares terminals or even a broker account with others sees and moves only what is his, and a
// logged-in terminal is no permission.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import { createWorkerFixture, listen } from "../../../tests/support/worker-fixture.ts";
import { AppError, laneKey } from "../protocol.ts";

const MIXED_COMMANDS = 200;
/** The longest that a terminal rests after its first trouble is below this. */
const REOPEN_MS = 1_000;

function isProofRefused(error: unknown): boolean {
  return error instanceof AppError && error.code === "proof_refused";
}

describe("Scheduler: right account", () => {
  it("two users on one terminal, 200 commands interleaved: every order is on its own user's account", async () => {
    const worker = await createWorkerFixture();
    const users = [
      await worker.actor({ account: { login: "5000001" } }),
      await worker.actor({ account: { login: "5000001", server: "Switchyard-Netting" } }),
    ];
    const owners = new Map<string, string>();
    const outcomes = await Promise.all(
      Array.from({ length: MIXED_COMMANDS }, (_, index) => {
        const actor = users[index % 2];
        assert.ok(actor);
        const call = worker.trade(actor, { order_type: index % 3 === 0 ? "sell" : "buy" });
        owners.set(String(call.body.tag), laneKey(actor.account));
        return worker.run(call);
      }),
    );
    assert.deepEqual(new Set(outcomes.map(({ state }) => state)), new Set(["done"]));
    const ledger = worker.broker.ledger();
    assert.equal(ledger.length, MIXED_COMMANDS);
    assert.deepEqual(
      ledger.filter((order) => owners.get(order.magic) !== laneKey(order)),
      [],
    );
    await worker.stop();
  });

  it("a lane is on one terminal at a time, also when others are idle; two accounts use two terminals", async () => {
    const worker = await createWorkerFixture({ terminals: 3 });
    const [alice, bob] = [await worker.actor(), await worker.actor({ account: { login: "5000002" } })];
    const release = worker.holdNextSend(0);
    const first = worker.run(worker.trade(alice));
    await until("alice's terminal is busy", () => worker.broker.ledger().length === 1);
    const second = listen();
    await worker.scheduler.command(worker.trade(alice), second.subscriber);
    assert.deepEqual(second.events, [{ phase: "queued" }]);
    assert.equal((await worker.run(worker.trade(bob))).state, "done");
    assert.deepEqual(
      worker.processes.map(({ shown }) => shown?.account.login),
      ["5000001", "5000002", undefined],
    );
    release();
    await Promise.all([first, second.result]);
    // It comes back to where it is still logged in.
    assert.equal((await worker.run(worker.trade(bob))).state, "done");
    assert.deepEqual(
      worker.processes.map(({ shown }) => shown?.account.login),
      ["5000001", "5000002", undefined],
    );
    await worker.stop();
  });

  it("a terminal moved by hand to another account sends nothing, rests, and comes back with the next command", async () => {
    const worker = await createWorkerFixture();
    const alice = await worker.actor();
    await worker.run(worker.trade(alice));
    worker.processes[0]?.switchBehindBack({ login: "5000002", server: "Switchyard-Demo" });
    const outcome = await worker.run(worker.trade(alice));
    assert.ok(outcome.state === "refused");
    assert.equal(outcome.code, "terminal_unavailable");
    worker.clock.advance(REOPEN_MS);
    assert.equal((await worker.run(worker.trade(alice))).state, "done");
    assert.deepEqual(
      worker.broker.ledger().map(({ login }) => login),
      ["5000001", "5000001"],
    );
    await worker.stop();
  });

  it("another user's id: no subscription, no answer and no cancel, running and finished", async () => {
    const worker = await createWorkerFixture();
    const [alice, bob] = [await worker.actor(), await worker.actor()];
    const release = worker.holdNextSend();
    const [running, waiting] = [worker.trade(alice), worker.trade(alice)];
    const ended = [worker.run(running), worker.run(waiting)];
    await until("the first is sending", () => worker.broker.ledger().length === 1);
    const tryAll = async (id: string): Promise<void> => {
      const heard = listen();
      const theft = worker.trade(bob, {}, { id });
      await assert.rejects(worker.scheduler.command(theft, heard.subscriber), isProofRefused);
      await assert.rejects(worker.scheduler.status(worker.question(theft)), isProofRefused);
      await assert.rejects(worker.scheduler.cancel(worker.question(theft)), isProofRefused);
      assert.deepEqual(heard.events, []);
    };
    await tryAll(running.id);
    await tryAll(waiting.id);
    release();
    assert.deepEqual(
      (await Promise.all(ended)).map(({ state }) => state),
      ["done", "done"],
    );
    await tryAll(running.id);
    assert.equal(worker.broker.ledger().length, 2);
    await worker.stop();
  });
});

describe("Scheduler: proof of possession", () => {
  it("who knows the login and not the password gets nothing from a terminal that is logged in; the owner trades on", async () => {
    const worker = await createWorkerFixture();
    const alice = await worker.actor();
    const thief = await worker.actor({ password: "guessed" });
    assert.equal((await worker.run(worker.trade(alice))).state, "done");

    const stolen = await worker.run(worker.trade(thief));
    assert.ok(stolen.state === "refused");
    assert.equal(stolen.code, "credential_invalid");
    for (const request of [{ kind: "connect" }, { kind: "switch" }, { kind: "account_info", max_age_ms: 0 }] as const) {
      const outcome = await worker.read(thief, request);
      assert.ok(!outcome.ok);
      assert.equal(outcome.code, "login_failed", request.kind);
    }
    assert.equal((await worker.run(worker.trade(alice))).state, "done");
    assert.equal(worker.broker.ledger().length, 2);
    await worker.stop();
  });

  it("two users who both proved the account share its lane", async () => {
    const worker = await createWorkerFixture({ terminals: 2 });
    const [alice, bob] = [await worker.actor(), await worker.actor()];
    const outcomes = await Promise.all([worker.run(worker.trade(alice)), worker.run(worker.trade(bob))]);
    assert.deepEqual(
      outcomes.map(({ state }) => state),
      ["done", "done"],
    );
    assert.deepEqual(
      worker.processes.map(({ shown }) => shown?.account.login),
      ["5000001", undefined],
    );
    await worker.stop();
  });

  it("a credential sealed for another user or account opens nothing", async () => {
    const worker = await createWorkerFixture();
    const [alice, bob] = [await worker.actor(), await worker.actor({ account: { login: "5000002" } })];
    for (const actor of [
      { ...bob, account: alice.account, credential: alice.credential },
      { ...alice, account: bob.account },
    ]) {
      const outcome = await worker.run(worker.trade(actor));
      assert.ok(outcome.state === "refused");
      assert.equal(outcome.code, "proof_refused");
      const read = await worker.read(actor, { kind: "positions", max_age_ms: 0 });
      assert.ok(!read.ok);
      assert.equal(read.code, "proof_refused");
    }
    assert.deepEqual(worker.broker.ledger(), []);
    await worker.stop();
  });

  it("a server spelled differently than the broker does is named, and no order is sent", async () => {
    const worker = await createWorkerFixture();
    const alice = await worker.actor({ account: { server: "switchyard-demo" } });
    const outcome = await worker.run(worker.trade(alice));
    assert.ok(outcome.state === "refused");
    assert.match(outcome.detail ?? "", /"Switchyard-Demo"/);
    const connect = await worker.read(alice, { kind: "connect" });
    assert.ok(!connect.ok);
    assert.equal(connect.code, "server_mismatch");
    assert.deepEqual(worker.broker.ledger(), []);
    await worker.stop();
  });
});
