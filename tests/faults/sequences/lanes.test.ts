// Sequences of two users on one account: who knows the login and not the password disturbs nobody and learns nothing.
// Real scheduler, journal and vault; the simulated terminal says what it was asked.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { TerminalPort } from "../../../bridge-worker/src/mt5/mod.ts";
import { FAILURES_PER_ACCOUNT, PAUSE_MS } from "../../../bridge-worker/src/terminals/login-limiter.ts";
import { Login, ServerName } from "../../../supabase/functions/_shared/domain/mod.ts";
import { type Actor, createWorkerFixture, overriding, type WorkerFixture } from "../../support/worker-fixture.ts";

const GUESSES = 10;
/** Patient enough for the pause after one failure, and all within the hour of the stop after several. */
const GUESS_EVERY_MS = PAUSE_MS + 1_000;

describe("sequences on a shared account", () => {
  let worker: WorkerFixture;
  let owner: Actor;
  let stranger: Actor;
  /** Every call of a terminal, in order: its name, and for a login how it ended. */
  let asked: string[];

  const watching = (port: TerminalPort): TerminalPort =>
    overriding(port, {
      login: async (...args) => {
        const reply = await port.login(...args);
        asked.push(`login ${reply.kind}`);
        return reply;
      },
      account: (...args) => note("account", port.account(...args)),
      read: (...args) => note("read", port.read(...args)),
      send: (...args) => note("send", port.send(...args)),
      history: (...args) => note("history", port.history(...args)),
    });

  function note<T>(name: string, reply: Promise<T>): Promise<T> {
    asked.push(name);
    return reply;
  }

  beforeEach(async () => {
    asked = [];
    worker = await createWorkerFixture({ terminals: 2, wrapPort: watching });
    owner = await worker.actor();
    stranger = await worker.actor({ password: "a guess" });
  });
  afterEach(() => worker.stop());

  it("hot lane and wrong password: refused, nothing is read for the stranger, and the owner's orders go on", async () => {
    const release = worker.holdNextSend();
    const first = worker.run(worker.trade(owner));
    // First of all: the terminal is on that very account then.
    const connect = worker.read(stranger, { kind: "connect" });
    const positions = worker.read(stranger, { kind: "positions", max_age_ms: 0 });
    const trade = worker.run(worker.trade(stranger));
    const second = worker.run(worker.trade(owner));
    release();
    assert.equal((await first).state, "done");
    for (const reply of await Promise.all([positions, connect])) {
      assert.ok(!reply.ok && ["login_failed", "login_paused"].includes(reply.code), JSON.stringify(reply));
    }
    const outcome = await trade;
    assert.ok(outcome.state === "refused" && outcome.release !== true, JSON.stringify(outcome));
    assert.equal((await second).state, "done");
    assert.deepEqual(
      worker.broker.ledger().map(({ login }) => login),
      [owner.account.login, owner.account.login],
    );
    // Between the owner's two orders the terminal was asked to log in, and for nothing else but the owner's own order.
    const between = asked.slice(asked.indexOf("send") + 1, asked.lastIndexOf("login ok"));
    assert.deepEqual(new Set(between), new Set(["history", "login failed"]));
    assert.ok(between.lastIndexOf("history") < between.indexOf("login failed"));
  });

  it("ten wrong guesses by a stranger: few reach the broker, and the owner trades on", async () => {
    assert.equal((await worker.run(worker.trade(owner))).state, "done");
    const refusals: string[] = [];
    for (let guess = 0; guess < GUESSES; guess++) {
      const { userId } = stranger;
      const again = await worker.actor({ userId, password: `guess ${guess}` });
      const reply = await worker.read(again, { kind: "connect" });
      assert.ok(!reply.ok);
      refusals.push(reply.code);
      assert.equal((await worker.run(worker.trade(owner))).state, "done");
      worker.clock.advance(GUESS_EVERY_MS);
    }
    const failures = asked.filter((call) => call === "login failed");
    assert.ok(failures.length > 0 && failures.length <= FAILURES_PER_ACCOUNT, `${failures.length} reached the broker`);
    assert.deepEqual(new Set(refusals.slice(failures.length)), new Set(["login_paused"]));
    assert.equal(worker.broker.ledger().length, 1 + GUESSES);
    // A second stranger is stopped by the first one's failures; the owner's new password is his own business.
    const other = await worker.read(await worker.actor({ password: "x" }), { kind: "connect" });
    assert.ok(!other.ok && other.code === "login_paused");
    const renewed = await worker.actor({ userId: owner.userId });
    assert.ok((await worker.read(renewed, { kind: "connect" })).ok);
  });

  it("other spellings of login and server: one account is one lane, on one terminal", async () => {
    const { login, server } = owner.account;
    const logins = [
      `0${login}`,
      ` ${login}`,
      `${login} `,
      `+${login}`,
      `${login}.0`,
      "５０００００１",
      "٥٠٠٠٠٠١",
      "5e6",
    ];
    for (const text of logins) assert.equal(Login.safeParse(text).success, false, JSON.stringify(text));
    const servers = [` ${server}`, `${server}\n`, "Switchyard\u2010Demo", "Switchyard-Dem\u043e", "127.0.0.1:443"];
    for (const text of servers) assert.equal(ServerName.safeParse(text).success, false, JSON.stringify(text));
    // Another case passes the form, and the broker accepts it: it is told the broker's own spelling and gets no further.
    const spelled = await worker.actor({ account: { login, server: server.toLowerCase() } });
    assert.equal((await worker.run(worker.trade(owner))).state, "done");
    const connect = await worker.read(spelled, { kind: "connect" });
    assert.ok(!connect.ok && connect.code === "server_mismatch");
    assert.match(connect.detail ?? "", new RegExp(server));
    const trade = await worker.run(worker.trade(spelled));
    assert.ok(trade.state === "refused" && trade.code === "credential_invalid");
    assert.equal((await worker.run(worker.trade(owner))).state, "done");
    assert.equal(worker.broker.ledger().length, 2);
  });
});
