// Guesses are stopped, whoever makes them and however he spells the server; the owner is not stopped with them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { LastError } from "../mt5/mod.ts";
import type { AccountRef } from "../protocol.ts";
import {
  type Attempt,
  FAILURES_PER_ACCOUNT,
  FAILURES_PER_USER,
  LoginLimiter,
  MAX_REMEMBERED,
  PAUSE_MS,
  type Permission,
  STOP_MS,
} from "./login-limiter.ts";

const ACCOUNT: AccountRef = { login: "5000001", server: "Broker-Demo" };
const REFUSAL: LastError = [-6, "Authorization failed"];
const GO: Permission = { kind: "go" };

let made = 0;
/** Every attempt brings a credential of its own, as each connect does. */
function attempt(change: Partial<Attempt> = {}): Attempt {
  made += 1;
  return { userId: "eve", account: ACCOUNT, credentialHash: `hash ${made}`, standing: "unknown", ...change };
}

function pausedFor(retryAfterMs: number): Permission {
  return { kind: "paused", retryAfterMs };
}

/** A try that leaves nothing behind. */
function ask(limiter: LoginLimiter, one: Attempt, nowMs: number): Permission {
  const permission = limiter.begin(one, nowMs);
  if (permission.kind === "go") limiter.end(one, undefined, nowMs);
  return permission;
}

/** A login that the broker refuses, if it may be tried at all. */
function guess(limiter: LoginLimiter, one: Attempt, nowMs: number): Permission {
  const permission = limiter.begin(one, nowMs);
  if (permission.kind === "go") limiter.end(one, REFUSAL, nowMs);
  return permission;
}

/** Three users, one guess each. */
function threeStrangers(limiter: LoginLimiter, nowMs: number): void {
  for (const userId of ["one", "two", "three"]) assert.deepEqual(guess(limiter, attempt({ userId }), nowMs), GO);
}

describe("LoginLimiter", () => {
  it("gives a user a pause of a minute after one failure, on that account only", () => {
    const limiter = new LoginLimiter();
    guess(limiter, attempt(), 1_000);
    assert.deepEqual(ask(limiter, attempt(), 1_000), pausedFor(PAUSE_MS));
    assert.deepEqual(ask(limiter, attempt(), 1_000 + PAUSE_MS - 1), pausedFor(1));
    assert.deepEqual(ask(limiter, attempt(), 1_000 + PAUSE_MS), GO);
    assert.deepEqual(ask(limiter, attempt({ userId: "bob" }), 1_000), GO);
    for (const other of [
      { ...ACCOUNT, login: "5000002" },
      { ...ACCOUNT, server: "Broker-Live" },
    ]) {
      assert.deepEqual(ask(limiter, attempt({ account: other }), 1_000), GO);
    }
    assert.equal(PAUSE_MS, 60_000);
  });

  it("stops everybody unknown for an hour after three failures of whomever", () => {
    const limiter = new LoginLimiter();
    threeStrangers(limiter, 500);
    assert.deepEqual(ask(limiter, attempt({ userId: "four" }), 500), pausedFor(STOP_MS));
    assert.deepEqual(ask(limiter, attempt({ userId: "four" }), 500 + STOP_MS - 1), pausedFor(1));
    assert.deepEqual(ask(limiter, attempt({ userId: "four" }), 500 + STOP_MS), GO);
    assert.deepEqual([FAILURES_PER_ACCOUNT, STOP_MS], [3, 3_600_000]);
  });

  it("counts failures of the last hour only", () => {
    const limiter = new LoginLimiter();
    guess(limiter, attempt(), 0);
    guess(limiter, attempt(), STOP_MS - 1);
    guess(limiter, attempt({ userId: "bob" }), STOP_MS);
    assert.deepEqual(ask(limiter, attempt({ userId: "ann" }), STOP_MS), GO);
  });

  it("counts a name of the server as the broker takes it, not as it is spelled", () => {
    const limiter = new LoginLimiter();
    for (const [index, server] of ["Broker-Demo", "broker-demo", " ＢＲＯＫＥＲ－DEMO "].entries()) {
      guess(limiter, attempt({ userId: `user ${index}`, account: { ...ACCOUNT, server } }), 0);
    }
    assert.deepEqual(ask(limiter, attempt({ account: { ...ACCOUNT, server: "bRoker demo" } }), 0), pausedFor(STOP_MS));
  });

  it("lets no more through on several terminals at once than one after the other", () => {
    const limiter = new LoginLimiter();
    const started = [1, 2, 3].map((n) => attempt({ userId: `user ${n}` }));
    for (const one of started) assert.deepEqual(limiter.begin(one, 0), GO);
    assert.deepEqual(ask(limiter, attempt({ userId: "four" }), 0), pausedFor(PAUSE_MS));
    for (const one of started) limiter.end(one, undefined, 10);
    assert.deepEqual(ask(limiter, attempt({ userId: "four" }), 10), GO);
  });

  it("takes no verdict for no failure: the broker that cannot be reached has refused nobody", () => {
    const limiter = new LoginLimiter();
    for (let n = 0; n < 20; n++) assert.deepEqual(ask(limiter, attempt(), n), GO);
    assert.equal(limiter.size, 0);
  });

  it("does not try a refused credential again, at any time, and says why", () => {
    const limiter = new LoginLimiter();
    const one = attempt({ standing: "accepted" });
    guess(limiter, one, 0);
    assert.deepEqual(limiter.begin(one, 100 * STOP_MS), { kind: "refused", lastError: REFUSAL });
  });

  it("stops a user who tries many accounts, and not on those that are his", () => {
    const limiter = new LoginLimiter();
    const on = (login: number): AccountRef => ({ ...ACCOUNT, login: String(login) });
    for (let n = 1; n <= FAILURES_PER_USER; n++) {
      assert.deepEqual(guess(limiter, attempt({ account: on(n) }), 0), GO);
    }
    assert.deepEqual(ask(limiter, attempt({ account: on(99) }), 0), pausedFor(STOP_MS));
    assert.deepEqual(ask(limiter, attempt({ account: on(99), standing: "known" }), 0), GO);
    assert.deepEqual(ask(limiter, attempt({ account: on(99), userId: "bob" }), 0), GO);
  });

  it("stops an owner for his own failures with new passwords, and never the password that works", () => {
    const limiter = new LoginLimiter();
    const known = (): Attempt => attempt({ userId: "alice", standing: "known" });
    guess(limiter, known(), 0);
    assert.deepEqual(ask(limiter, known(), 0), pausedFor(PAUSE_MS));
    guess(limiter, known(), PAUSE_MS);
    guess(limiter, known(), 2 * PAUSE_MS);
    assert.deepEqual(ask(limiter, known(), 3 * PAUSE_MS), pausedFor(STOP_MS - PAUSE_MS));
    assert.deepEqual(ask(limiter, attempt({ userId: "alice", standing: "accepted" }), 3 * PAUSE_MS), GO);
  });

  it("does not take failures back for a success: right and wrong in turn would go on for ever", () => {
    const limiter = new LoginLimiter();
    guess(limiter, attempt({ userId: "alice", standing: "known" }), 0);
    ask(limiter, attempt({ userId: "alice", standing: "accepted" }), 0);
    assert.deepEqual(ask(limiter, attempt({ userId: "alice", standing: "known" }), 0), pausedFor(PAUSE_MS));
  });

  it("forgets dead counts as it goes, and of too many the oldest", () => {
    const limiter = new LoginLimiter();
    const on = (login: number): Partial<Attempt> => ({
      ...{ account: { ...ACCOUNT, login: String(login) }, userId: `user ${login}`, credentialHash: "the same" },
    });
    for (let n = 1; n <= MAX_REMEMBERED + 5; n++) limiter.end(attempt(on(n)), REFUSAL, 0);
    assert.equal(limiter.size, MAX_REMEMBERED);
    const fresh = (login: number): Attempt => attempt({ ...on(login), credentialHash: "fresh" });
    assert.deepEqual(ask(limiter, fresh(5), 0), GO);
    assert.deepEqual(ask(limiter, fresh(6), 0), pausedFor(PAUSE_MS));
    limiter.end(attempt(on(7)), REFUSAL, STOP_MS);
    assert.equal(limiter.size, 1);
  });

  it("remembers so many refused credentials, and the latest ones", () => {
    const limiter = new LoginLimiter();
    const wrong = (n: number): Attempt => attempt({ credentialHash: `wrong ${n}`, standing: "accepted" });
    for (let n = 1; n <= MAX_REMEMBERED + 1; n++) limiter.end(wrong(n), REFUSAL, 0);
    assert.equal(limiter.size, MAX_REMEMBERED);
    assert.deepEqual([ask(limiter, wrong(1), 0).kind, ask(limiter, wrong(2), 0).kind], ["go", "refused"]);
  });

  describe("whatever strangers do", () => {
    const step = fc.record({
      userId: fc.constantFrom("eve", "mallory", "trudy", "oscar"),
      server: fc.constantFrom("Broker-Demo", "broker-demo", "Broker Demo"),
      login: fc.constantFrom("5000001", "5000002"),
      refused: fc.boolean(),
      pauseMs: fc.oneof(fc.nat(1_000), fc.nat(2 * PAUSE_MS), fc.nat(STOP_MS)),
    });
    const steps = fc.array(step, { maxLength: 60 });

    it("changes no answer to the owner, with his credential or with a new one", () => {
      fc.assert(
        fc.property(steps, (sequence) => {
          const limiter = new LoginLimiter();
          let nowMs = 0;
          for (const { userId, server, login, refused, pauseMs } of sequence) {
            nowMs += pauseMs;
            const one = attempt({ userId, account: { login, server } });
            const permission = limiter.begin(one, nowMs);
            for (const standing of ["accepted", "known"] as const) {
              assert.deepEqual(ask(limiter, attempt({ userId: "alice", standing }), nowMs), GO);
            }
            if (permission.kind === "go") limiter.end(one, refused ? REFUSAL : undefined, nowMs);
          }
        }),
      );
    });

    it("never shows one account's broker more than three of their wrong passwords within an hour", () => {
      fc.assert(
        fc.property(steps, (sequence) => {
          const limiter = new LoginLimiter();
          const shownAt = new Map<string, number[]>();
          let nowMs = 0;
          for (const { userId, server, login, refused, pauseMs } of sequence) {
            nowMs += pauseMs;
            const one = attempt({ userId, account: { login, server } });
            if (limiter.begin(one, nowMs).kind !== "go") continue;
            limiter.end(one, refused ? REFUSAL : undefined, nowMs);
            if (!refused) continue;
            const times = [...(shownAt.get(login) ?? []), nowMs];
            shownAt.set(login, times);
            assert.ok(times.filter((at) => nowMs - at < STOP_MS).length <= FAILURES_PER_ACCOUNT);
          }
        }),
      );
    });
  });
});
