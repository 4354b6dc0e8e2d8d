// The way onto an account: a proof for exactly this credential, or a real login; and what a login leaves behind.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type After, realAfter } from "../after.ts";
import { type Journal, openJournal } from "../journal/mod.ts";
import { type LoginReply, TerminalLost } from "../mt5/mod.ts";
import { accountFacts, terminalFacts } from "../mt5/testdata/facts.ts";
import { AppError, PROOF_LIFE_MS } from "../protocol.ts";
import { Secret, type Vault } from "../vault/mod.ts";
import { type AccessReply, type AccountAccess, type Claim, createAccountAccess } from "./account-access.ts";
import { PAUSE_MS, STOP_MS } from "./login-limiter.ts";
import { LoginTimes } from "./login-times.ts";
import { type SessionOptions, TerminalSession } from "./terminal-session.ts";
import { ACCOUNT, FakeTerminal, logInto, OTHER } from "./testdata/fake-terminal.ts";

const ALICE: Claim = { userId: "alice", account: ACCOUNT, credential: "sealed by alice" };
const EVE: Claim = { userId: "eve", account: ACCOUNT, credential: "sealed by eve" };
/** A deadline that is far away. */
const LATER = 1_000_000;
const REFUSED: LoginReply = { kind: "failed", reason: "auth_failed", lastError: [-6, "Authorization failed"] };

/** Opens every credential for the user in its text. */
const vault: Vault = {
  kids: [],
  async open(credential, { userId }) {
    if (!credential.endsWith(`by ${userId}`)) throw new AppError("proof_refused");
    return new Secret(`password of ${userId}`);
  },
};

describe("AccountAccess", () => {
  let port: FakeTerminal;
  let journal: Journal;
  let session: TerminalSession;
  let times: LoginTimes;
  let access: AccountAccess;
  let nowMs: number;
  let wallMs: number;

  beforeEach(() => {
    nowMs = 0;
    wallMs = Date.UTC(2026, 2, 2);
    port = new FakeTerminal();
    journal = openJournal({ path: ":memory:", workerId: "worker-1", now: () => wallMs });
    times = new LoginTimes();
    session = new TerminalSession(sessionOptions());
    access = createAccountAccess({
      journal,
      vault,
      times,
      now: () => nowMs,
      wallClock: () => wallMs,
      after: realAfter,
    });
  });
  afterEach(() => journal.close());

  const sessionOptions = (): SessionOptions => ({ port, kind: "simulator", log: logInto([]), now: () => nowMs });
  const logins = (): string[] => port.calls.filter((call) => call.startsWith("login"));
  /** Alice has logged in; the terminal is on the account. */
  async function aliceIsIn(): Promise<void> {
    assert.equal((await access.enter(session, ALICE, LATER)).kind, "ready");
    assert.equal(access.isProven(ALICE), true);
    port.calls.length = 0;
  }

  describe("enter", () => {
    it("waits for a terminal that hangs while it is opened no longer than its caller has time", async () => {
      const opened = Promise.withResolvers<void>();
      const hanging = new FakeTerminal();
      hanging.open = async () => {
        await opened.promise;
        return { terminal: terminalFacts(), account: null, epoch: "epoch-1" };
      };
      const slow = new TerminalSession({ ...sessionOptions(), port: hanging });
      const waits: number[] = [];
      const timeIsOver: After = (ms, run) => {
        waits.push(ms);
        queueMicrotask(run);
        return () => {};
      };
      const impatient = createAccountAccess({
        ...{ journal, vault, times, now: () => nowMs, wallClock: () => wallMs, after: timeIsOver },
      });
      await assert.rejects(impatient.enter(slow, ALICE, 5_000), { name: "TerminalLost", reason: "timeout" });
      assert.deepEqual([waits, logins()], [[5_000], []]);
      // The opening was not given up: whoever comes next finds it done.
      opened.resolve();
      assert.equal((await access.enter(slow, ALICE, LATER)).kind, "ready");
    });

    it("opens the terminal, logs in with the password, and proves the credential", async () => {
      port.duringLogin = () => {
        nowMs += 1200;
      };
      const reply = await access.enter(session, ALICE, 12_000);
      assert.deepStrictEqual(reply, { kind: "ready", loginMs: 1200, account: accountFacts(ACCOUNT) });
      assert.deepStrictEqual(
        [port.calls, port.passwords, port.timeouts],
        [["open", "login 5012345"], ["password of alice"], [12_000]],
      );
      assert.equal(access.isProven(ALICE), true);
      assert.equal(times.expectedMs(ACCOUNT.server, nowMs), 1500);
    });

    it("asks nothing when the terminal is there and the credential is proven", async () => {
      await aliceIsIn();
      assert.deepStrictEqual(await access.enter(session, ALICE, 0), { kind: "ready", loginMs: 0 });
      assert.deepStrictEqual(port.calls, []);
    });

    it("logs in with a proof too when the terminal is elsewhere", async () => {
      await aliceIsIn();
      await session.login(OTHER, "password", 1000);
      port.calls.length = 0;
      assert.equal((await access.enter(session, ALICE, LATER)).kind, "ready");
      assert.deepStrictEqual(logins(), ["login 5012345"]);
    });

    it("takes a terminal that happens to be there for no permission", async () => {
      port.onOpen = { terminal: terminalFacts(), account: accountFacts(ACCOUNT), epoch: "epoch-1" };
      await session.ensureOpen();
      assert.equal(session.isOn(ACCOUNT), true);
      assert.equal((await access.enter(session, ALICE, LATER)).kind, "ready");
      assert.deepStrictEqual(logins(), ["login 5012345"]);
    });

    it("takes another user's proof for none: who knows the login but not the password gets nothing", async () => {
      await aliceIsIn();
      port.onLogin = REFUSED;
      assert.deepStrictEqual(await access.enter(session, EVE, LATER), {
        ...{ kind: "auth_failed", lastError: [-6, "Authorization failed"] },
      });
      assert.deepStrictEqual(port.passwords.slice(-1), ["password of eve"]);
      assert.deepStrictEqual([access.isProven(EVE), access.isProven(ALICE)], [false, true]);
      assert.equal(session.isOn(ACCOUNT), false);
    });

    it("takes the proof of another credential of the same user for none", async () => {
      await aliceIsIn();
      const changed = { ...ALICE, credential: "sealed anew by alice" };
      assert.equal(access.isProven(changed), false);
      await access.enter(session, changed, LATER);
      assert.deepStrictEqual(logins(), ["login 5012345"]);
    });

    it("lets a proof lapse after 12 hours", async () => {
      await aliceIsIn();
      wallMs += PROOF_LIFE_MS;
      assert.equal(access.isProven(ALICE), true);
      wallMs += 1;
      assert.equal(access.isProven(ALICE), false);
      assert.equal((await access.enter(session, ALICE, LATER)).kind, "ready");
      assert.deepStrictEqual(logins(), ["login 5012345"]);
      assert.equal(access.isProven(ALICE), true);
      assert.equal(PROOF_LIFE_MS, 12 * 3600 * 1000);
    });

    it("does not begin a login for which the time left is too short", async () => {
      times.observe(ACCOUNT.server, 2000, nowMs);
      assert.deepStrictEqual(await access.enter(session, ALICE, 2499), { kind: "no_time", expectedMs: 2500 });
      assert.deepStrictEqual(logins(), []);
      assert.equal((await access.enter(session, ALICE, 2500)).kind, "ready");
    });
  });

  describe("a login that fails", () => {
    for (const reason of ["auth_failed", "no_connection"] as const) {
      it(`with ${reason} removes the proof`, async () => {
        await aliceIsIn();
        port.onLogin = { kind: "failed", reason, lastError: [-6, "why"] };
        const reply = await access.verify(session, ALICE, LATER);
        assert.deepStrictEqual(reply, { kind: reason, lastError: [-6, "why"] });
        assert.equal(access.isProven(ALICE), false);
      });
    }

    it("on the way removes the proof, and throws", async () => {
      await aliceIsIn();
      port.onLogin = new TerminalLost("timeout", "no answer");
      await assert.rejects(access.verify(session, ALICE, LATER), TerminalLost);
      assert.equal(access.isProven(ALICE), false);
    });

    it("teaches nothing about how long logins take", async () => {
      port.onLogin = REFUSED;
      port.duringLogin = () => {
        nowMs += 20_000;
      };
      await access.enter(session, ALICE, LATER);
      assert.equal(times.expectedMs(ACCOUNT.server, nowMs), 500);
    });
  });

  it("counts as unproven while the login is under way: a crash there must not leave a proof", async () => {
    await aliceIsIn();
    let during: boolean | undefined;
    port.duringLogin = () => {
      during = access.isProven(ALICE);
    };
    await access.verify(session, ALICE, LATER);
    assert.deepStrictEqual([during, access.isProven(ALICE)], [false, true]);
  });

  describe("verify", () => {
    it("always logs in, proof or not", async () => {
      await aliceIsIn();
      assert.equal((await access.verify(session, ALICE, LATER)).kind, "ready");
      assert.deepStrictEqual(logins(), ["login 5012345"]);
    });

    it("does not ask whether brokers usually need longer, but never logs in after the deadline", async () => {
      times.observe(ACCOUNT.server, 60_000, nowMs);
      assert.equal((await access.verify(session, ALICE, 1)).kind, "ready");
      assert.equal(port.timeouts.length, 1);
      assert.equal((await access.verify(session, ALICE, 0)).kind, "no_time");
      assert.equal(port.timeouts.length, 1);
      assert.equal(access.isProven(ALICE), true);
    });
  });

  describe("a terminal that shows something else than was asked", () => {
    const shows = (account: typeof ACCOUNT): LoginReply => ({
      ...{ kind: "ok", account: accountFacts(account), terminal: terminalFacts() },
    });

    it("under another spelling of the server: the right one is told, nothing is proven", async () => {
      const actual = { ...ACCOUNT, server: "METAQUOTES-Demo" };
      port.onLogin = shows(actual);
      assert.deepStrictEqual(await access.enter(session, ALICE, LATER), { kind: "other_account", actual });
      assert.deepStrictEqual([access.isProven(ALICE), access.isProven({ ...ALICE, account: actual })], [false, false]);
    });

    it("another login: that is no answer but a broken terminal", async () => {
      port.onLogin = shows({ ...ACCOUNT, login: "777" });
      await assert.rejects(access.enter(session, ALICE, LATER), TerminalLost);
      assert.equal(access.isProven(ALICE), false);
    });
  });

  describe("the limit on logins", () => {
    /** Another credential of a user, as each connect makes one. */
    const anew = (claim: Claim, n: number): Claim => ({ ...claim, credential: `sealed ${n} by ${claim.userId}` });
    /** Three strangers have guessed; the broker takes right passwords again. */
    async function strangersGuess(): Promise<void> {
      port.onLogin = REFUSED;
      for (const userId of ["eve", "mallory", "trudy"]) {
        const claim = { ...EVE, userId, credential: `sealed by ${userId}` };
        assert.equal((await access.verify(session, claim, LATER)).kind, "auth_failed");
      }
      port.onLogin = undefined;
      port.calls.length = 0;
    }
    const pausedFor = (retryAfterMs: number): AccessReply => ({ kind: "paused", retryAfterMs });

    it("holds for every way in, and the broker is not asked", async () => {
      await strangersGuess();
      const bob = { ...EVE, userId: "bob", credential: "sealed by bob" };
      for (const way of [access.enter, access.verify, access.enterToRead]) {
        assert.deepStrictEqual(await way(session, bob, LATER), pausedFor(STOP_MS));
      }
      assert.deepStrictEqual(logins(), []);
      nowMs += STOP_MS;
      assert.equal((await access.enter(session, bob, nowMs + LATER)).kind, "ready");
    });

    it("counts the worker's own look too, which takes the proof away with the password", async () => {
      await aliceIsIn();
      await session.login(OTHER, "password", 1000);
      port.onLogin = REFUSED;
      assert.equal((await access.enterToRead(session, ALICE, LATER)).kind, "auth_failed");
      assert.equal(access.isProven(ALICE), false);
      assert.deepStrictEqual(await access.verify(session, anew(ALICE, 2), LATER), pausedFor(PAUSE_MS));
    });

    it("does not try a refused credential again, and takes another one of the same user", async () => {
      await aliceIsIn();
      port.onLogin = REFUSED;
      assert.equal((await access.verify(session, ALICE, LATER)).kind, "auth_failed");
      port.onLogin = undefined;
      port.calls.length = 0;
      for (const way of [access.enter, access.enterToRead]) {
        const reply = await way(session, ALICE, LATER);
        assert.deepStrictEqual(reply, { kind: "auth_failed", lastError: [-6, "Authorization failed"] });
      }
      assert.deepStrictEqual(logins(), []);
      nowMs += PAUSE_MS;
      assert.equal((await access.verify(session, anew(ALICE, 2), nowMs + LATER)).kind, "ready");
    });

    it("does not keep an owner out whose proof has lapsed while strangers guess", async () => {
      await aliceIsIn();
      await strangersGuess();
      wallMs += PROOF_LIFE_MS + 1;
      assert.equal(access.isProven(ALICE), false);
      assert.equal((await access.enter(session, ALICE, LATER)).kind, "ready");
    });

    it("does not keep an owner out who has a new password while strangers guess, also after a restart", async () => {
      await aliceIsIn();
      access = createAccountAccess({
        journal,
        vault,
        times,
        now: () => nowMs,
        wallClock: () => wallMs,
        after: realAfter,
      });
      await strangersGuess();
      assert.equal((await access.verify(session, anew(ALICE, 2), LATER)).kind, "ready");
    });

    it("does not keep an owner out after a login on which the broker gave no verdict", async () => {
      await aliceIsIn();
      for (const reason of ["no_connection", "lost"] as const) {
        port.onLogin =
          reason === "lost" ? new TerminalLost("timeout", "no answer") : { ...REFUSED, reason: "no_connection" };
        await access.verify(session, ALICE, LATER).catch(() => undefined);
        nowMs += 60_000;
      }
      await strangersGuess();
      // His own failures with new passwords do not stop the one that works either.
      port.onLogin = REFUSED;
      assert.equal((await access.verify(session, anew(ALICE, 2), nowMs + LATER)).kind, "auth_failed");
      port.onLogin = undefined;
      assert.equal((await access.enter(session, ALICE, nowMs + LATER)).kind, "ready");
    });

    it("lets a login end although its caller's time is shorter: cut off, a wrong password would not be counted", async () => {
      await access.verify(session, ALICE, 500);
      await access.verify(session, ALICE, 11_000);
      await access.enterToRead(new TerminalSession(sessionOptions()), ALICE, 500);
      assert.deepStrictEqual(port.timeouts, [10_000, 11_000, 10_000]);
    });

    it("is not used up by a login that throws", async () => {
      port.onLogin = new TerminalLost("timeout", "no answer");
      for (let n = 0; n < 5; n++) {
        await assert.rejects(access.verify(session, anew(EVE, n), nowMs + LATER), TerminalLost);
        nowMs += 60_000;
      }
      port.onLogin = undefined;
      assert.equal((await access.verify(session, EVE, nowMs + LATER)).kind, "ready");
    });
  });

  it("does not log in with a credential that is not this user's, and takes nobody's proof away for it", async () => {
    await aliceIsIn();
    const stolen = { ...EVE, credential: ALICE.credential };
    for (const way of [access.enter, access.verify]) {
      await assert.rejects(
        way(session, stolen, LATER),
        (error) => error instanceof AppError && error.code === "proof_refused",
      );
    }
    assert.deepStrictEqual([logins(), access.isProven(ALICE), access.isProven(stolen)], [[], true, false]);
  });
});
