// A stranger who guesses passwords: the broker sees three of them in an hour at most, and the owner trades on.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import {
  type Actor,
  createWorkerFixture,
  overriding,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import type { ReadOutcome } from "../protocol.ts";

const GUESSES = 10;

type Guesser = WorkerFixture & {
  /** How often the broker was shown a password. */
  logins: () => number;
  /** A connect with a wrong password, sealed anew each time. */
  guess: (userId?: string) => Promise<ReadOutcome>;
};

async function createGuesser(): Promise<Guesser> {
  let logins = 0;
  const worker = await createWorkerFixture({
    terminals: 2,
    wrapPort: (port) =>
      overriding(port, {
        login: (...rest) => {
          logins += 1;
          return port.login(...rest);
        },
      }),
  });
  const stranger = randomUUID();
  return {
    ...worker,
    logins: () => logins,
    guess: async (userId = stranger) =>
      worker.read(await worker.actor({ userId, password: `guess ${logins}` }), { kind: "connect" }),
  };
}

function codeOf(outcome: ReadOutcome): string {
  return outcome.ok ? "ok" : outcome.code;
}

describe("Scheduler: guesses at a password", () => {
  it("ten of one stranger within an hour reach the broker three times, and the owner trades on beside them", async () => {
    const worker = await createGuesser();
    const owner = await worker.actor();
    assert.equal((await worker.run(worker.trade(owner))).state, "done");
    const before = worker.logins();
    let ownLogins = 0;
    const codes: string[] = [];
    for (let n = 0; n < GUESSES; n++) {
      codes.push(codeOf(await worker.guess()));
      const seen = worker.logins();
      assert.equal((await worker.run(worker.trade(owner))).state, "done");
      ownLogins += worker.logins() - seen;
      worker.clock.advance(61_000);
    }
    assert.deepEqual(codes, [
      ...Array.from({ length: 3 }, () => "login_failed"),
      ...Array.from({ length: GUESSES - 3 }, () => "login_paused"),
    ]);
    assert.equal(worker.logins() - before - ownLogins, 3);
    // A refused login takes the account off the terminal: the owner's next order brings it back, and nothing else does.
    assert.equal(ownLogins, 3);
    assert.equal(worker.broker.ledger().length, GUESSES + 1);
    await worker.stop();
  });

  it("ten of ten strangers at once reach it three times", async () => {
    const worker = await createGuesser();
    const outcomes = await Promise.all(Array.from({ length: GUESSES }, () => worker.guess(randomUUID())));
    assert.equal(outcomes.filter((outcome) => codeOf(outcome) === "login_failed").length, 3);
    assert.equal(worker.logins(), 3);
    await worker.stop();
  });

  it("says when to come back: to a command, to a read, in the status", async () => {
    const worker = await createGuesser();
    const stranger: Actor = await worker.actor({ password: "wrong" });
    await worker.guess(stranger.userId);
    const outcome = await worker.run(worker.trade(stranger));
    assert.deepEqual(outcome, { state: "refused", code: "login_paused", retry_after_ms: 60_000 });
    const read = await worker.read(stranger, { kind: "switch" });
    assert.deepEqual(read, { ok: false, code: "login_paused", retry_after_ms: 60_000 });
    const status = await worker.read(stranger, { kind: "account_status" });
    assert.ok(status.ok);
    assert.match(
      JSON.stringify(status.value),
      /"layer":"credential","ok":false,"code":"login_paused","detail":"[^"]* 60 s,/,
    );
    assert.equal(worker.logins(), 1);
    assert.deepEqual(worker.broker.ledger(), []);
    await worker.stop();
  });
});
