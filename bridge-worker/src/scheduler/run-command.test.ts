// The order of writes around one send: the intent is on the disk before the terminal is asked, the ending before anyone is
// told, and a journal that cannot be written stops everything.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import { createWorkerFixture, listen, overriding } from "../../../tests/support/worker-fixture.ts";
import type { JournalEntry } from "../journal/mod.ts";

function broken(): never {
  throw new Error("disk full");
}

describe("runCommand: journal", () => {
  it("J1 is in the journal when the terminal is asked to send, with everything a reconciler needs", async () => {
    const seen: (JournalEntry | undefined)[] = [];
    const worker = await createWorkerFixture({
      wrapPort: (port, journal) =>
        overriding(port, {
          send: (order) => {
            seen.push(journal.find(order.commandId));
            assert.deepEqual(
              journal.interrupted().map(({ plan, credential }) => ({ plan, credential })),
              [{ plan: order.request, credential: call.body.credential }],
            );
            return port.send(order);
          },
        }),
    });
    const alice = await worker.actor();
    const call = worker.trade(alice, { comment: "mine" });
    assert.equal((await worker.run(call)).state, "done");
    assert.equal(seen.length, 1);
    const [intent] = seen;
    assert.deepEqual([intent?.state, intent?.tag, intent?.result], ["intent", call.body.tag, null]);
    assert.deepEqual([intent?.account, intent?.request], [call.account, call.body.request]);
    await worker.stop();
  });

  it("the intent's baseline names the positions and orders that were there before", async () => {
    const baselines: unknown[] = [];
    const worker = await createWorkerFixture({
      wrapJournal: (journal) =>
        overriding(journal, {
          recordIntent: (intent) => {
            baselines.push(intent.baseline);
            journal.recordIntent(intent);
          },
        }),
    });
    const alice = await worker.actor();
    const first = await worker.run(worker.trade(alice));
    await worker.run(worker.trade(alice));
    assert.ok(first.state === "done");
    const tickets = baselines.map((baseline) => (baseline as { positions: string[] }).positions);
    assert.deepEqual(tickets, [[], [first.result.position_ticket]]);
    await worker.stop();
  });

  it("a journal that cannot take the intent: nothing is sent, nobody is told, the worker stops", async () => {
    const worker = await createWorkerFixture({
      wrapJournal: (journal) => overriding(journal, { recordIntent: broken }),
    });
    const heard = listen();
    await worker.scheduler.command(worker.trade(await worker.actor()), heard.subscriber);
    await until("the worker stops", () => worker.fatal.length > 0);
    assert.match(String(worker.fatal.splice(0)[0]), /disk full/);
    assert.deepEqual(worker.broker.ledger(), []);
    assert.deepEqual(heard.events, [{ phase: "started" }]);
    await worker.stop();
  });

  it("J2 is in the journal when a subscriber hears the result", async () => {
    const worker = await createWorkerFixture();
    const call = worker.trade(await worker.actor());
    const ended = Promise.withResolvers<JournalEntry | undefined>();
    await worker.scheduler.command(call, (event) => {
      if ("result" in event) {
        const entry = worker.journal.find(call.id);
        assert.equal(entry?.result, event.result);
        ended.resolve(entry);
      }
    });
    assert.equal((await ended.promise)?.state, "final");
    await worker.stop();
  });

  it("a journal that cannot take the ending: nobody is told, the worker stops", async () => {
    const worker = await createWorkerFixture({
      wrapJournal: (journal) => overriding(journal, { recordEnding: broken }),
    });
    const heard = listen();
    await worker.scheduler.command(worker.trade(await worker.actor()), heard.subscriber);
    await until("the worker stops", () => worker.fatal.length > 0);
    assert.match(String(worker.fatal.splice(0)[0]), /disk full/);
    assert.equal(worker.broker.ledger().length, 1);
    assert.deepEqual(heard.events, [{ phase: "started" }]);
    await worker.stop();
  });

  for (const act of ["a late command", "a status question", "a cancel", "a cancel of a waiting command"] as const) {
    it(`a tombstone that cannot be written (${act}): nothing is answered, the worker stops`, async () => {
      let isBroken = false;
      const worker = await createWorkerFixture({
        wrapJournal: (journal) =>
          overriding(journal, { recordEnding: (ending) => (isBroken ? broken() : journal.recordEnding(ending)) }),
      });
      const alice = await worker.actor();
      const late = worker.trade(alice, {}, { notAfterMs: worker.clock.now() - 1 });
      const waiting = worker.trade(alice);
      const release = worker.holdNextSend();
      await worker.scheduler.command(worker.trade(alice), listen().subscriber);
      await worker.scheduler.command(waiting, listen().subscriber);
      await until("the first one is sending", () => worker.broker.ledger().length === 1);
      isBroken = true;
      const heard = listen();
      const answers = {
        "a late command": () => worker.scheduler.command(late, heard.subscriber),
        "a status question": () => worker.scheduler.status(worker.question(late)),
        "a cancel": () => worker.scheduler.cancel(worker.question(late)),
        "a cancel of a waiting command": () => worker.scheduler.cancel(worker.question(waiting)),
      };
      await assert.rejects(answers[act]());
      assert.deepEqual(heard.events, []);
      assert.match(String(worker.fatal.splice(0)[0]), /disk full/);
      isBroken = false;
      release();
      await worker.stop();
    });
  }

  it("the password and the credential are in no log line and in no result", async () => {
    const worker = await createWorkerFixture();
    const alice = await worker.actor();
    const heard = listen();
    await worker.scheduler.command(worker.trade(alice), heard.subscriber);
    const told = `${worker.logged.join()}${JSON.stringify(await worker.open(await heard.result))}`;
    assert.ok(!told.includes(`demo-${alice.account.login}`) && !told.includes(alice.credential));
    await worker.stop();
  });

  it("a finished command's credential is wiped from the journal", async () => {
    const worker = await createWorkerFixture();
    const call = worker.trade(await worker.actor());
    await worker.run(call);
    assert.deepEqual(worker.journal.interrupted(), []);
    assert.equal(JSON.stringify(worker.journal.find(call.id)).includes(call.body.credential), false);
    await worker.stop();
  });
});
