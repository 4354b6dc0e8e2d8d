// What a session believes of its terminal after every kind of answer, and the pauses after a loss.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { type SendOrder, type SendReply, TerminalLost } from "../mt5/mod.ts";
import { accountFacts, reading, terminalFacts } from "../mt5/testdata/facts.ts";
import type { AccountRef } from "../protocol.ts";
import { TerminalSession } from "./terminal-session.ts";
import { ACCOUNT, FakeTerminal, type Line, logInto, OTHER } from "./testdata/fake-terminal.ts";

const LOST = new TerminalLost("timeout", "no answer");
const order = (account = ACCOUNT): SendOrder => ({
  ...{ tag: 2 ** 41, commandId: "c", account, request: { action: 1, magic: 2 ** 41, comment: "sy" } },
  ...{ notAfterMs: 0, timeoutMs: 1000 },
});
const sent = (after: AccountRef | null): SendReply => ({ kind: "sent", result: null, lastError: [1, "fine"], after });

describe("TerminalSession", () => {
  let port: FakeTerminal;
  let session: TerminalSession;
  let nowMs: number;
  let lines: Line[];

  beforeEach(() => {
    port = new FakeTerminal();
    nowMs = 0;
    lines = [];
    session = new TerminalSession({ port, kind: "simulator", log: logInto(lines), now: () => nowMs });
  });

  /** An open session, logged in to ACCOUNT. */
  async function loggedIn(): Promise<void> {
    await session.ensureOpen();
    await session.login(ACCOUNT, "password", 1000);
    assert.equal(session.isOn(ACCOUNT), true);
  }
  const events = (level: string): string[] => lines.filter((line) => line.level === level).map(({ event }) => event);

  it("begins closed, on no account, free to be used", () => {
    assert.deepStrictEqual([session.state, session.account, session.terminal], ["closed", null, null]);
    assert.deepStrictEqual([session.name, session.kind, session.unavailableForMs], ["fake", "simulator", 0]);
  });

  describe("opening", () => {
    it("goes over opening to open, and learns the account that the terminal is on", async () => {
      port.onOpen = { terminal: terminalFacts(), account: accountFacts(OTHER), epoch: "epoch-1" };
      const opening = session.ensureOpen();
      assert.equal(session.state, "opening");
      assert.equal(session.isOn(OTHER), false);
      await opening;
      assert.equal(session.state, "open");
      assert.deepStrictEqual([session.account, session.terminal], [OTHER, terminalFacts()]);
      assert.deepStrictEqual([session.isOn(OTHER), session.isOn(ACCOUNT)], [true, false]);
    });

    it("happens once", async () => {
      await session.ensureOpen();
      await session.ensureOpen();
      assert.deepStrictEqual(port.calls, ["open"]);
    });

    it("that fails leaves it lost", async () => {
      port.onOpen = LOST;
      await assert.rejects(session.ensureOpen(), (error) => error === LOST);
      assert.equal(session.state, "lost");
    });
  });

  describe("the pause after a loss", () => {
    it("refuses at once without touching the terminal, until it is over", async () => {
      port.onOpen = LOST;
      await assert.rejects(session.ensureOpen());
      nowMs = 249;
      assert.equal(session.unavailableForMs, 1);
      await assert.rejects(
        session.ensureOpen(),
        (error) => error instanceof TerminalLost && /pause/.test(error.message),
      );
      assert.deepStrictEqual(port.calls, ["open"]);
      assert.equal(session.state, "lost");
      nowMs = 250;
      assert.equal(session.unavailableForMs, 0);
      port.onOpen = { terminal: terminalFacts(), account: null, epoch: "epoch-1" };
      await session.ensureOpen();
      assert.equal(session.state, "open");
    });

    it("doubles with every failure up to 15 s", async () => {
      port.onOpen = LOST;
      const pauses: number[] = [];
      for (let attempt = 0; attempt < 9; attempt++) {
        await assert.rejects(session.ensureOpen());
        pauses.push(session.unavailableForMs);
        nowMs += session.unavailableForMs;
      }
      assert.deepStrictEqual(pauses, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    });

    it("begins anew with the first one after a success", async () => {
      port.onOpen = LOST;
      for (let attempt = 0; attempt < 4; attempt++) {
        await assert.rejects(session.ensureOpen());
        nowMs += session.unavailableForMs;
      }
      port.onOpen = { terminal: terminalFacts(), account: null, epoch: "epoch-1" };
      await session.ensureOpen();
      port.onRead = LOST;
      await assert.rejects(session.read(ACCOUNT, {}, 1000));
      assert.equal(session.unavailableForMs, 250);
    });
  });

  describe("a loss", () => {
    const calls: Record<string, () => Promise<unknown>> = {
      login: () => session.login(OTHER, "password", 1000),
      read: () => session.read(ACCOUNT, {}, 1000),
      send: () => session.send(order()),
    };
    for (const [name, call] of Object.entries(calls)) {
      it(`in ${name} forgets the account and throws what happened`, async () => {
        await loggedIn();
        port.onLogin = port.onRead = port.onSend = LOST;
        await assert.rejects(call(), (error) => error === LOST);
        assert.deepStrictEqual([session.state, session.account, session.isOn(ACCOUNT)], ["lost", null, false]);
        assert.deepStrictEqual(events("warn"), ["terminal.lost"]);
      });

      it(`in ${name} is also what breaks the port's own contract`, async () => {
        await loggedIn();
        const odd = new TypeError("not in the contract");
        port.onLogin = port.onRead = port.onSend = odd;
        await assert.rejects(call(), (error) => {
          assert.ok(error instanceof TerminalLost);
          assert.deepStrictEqual([error.reason, error.cause], ["protocol", odd]);
          return true;
        });
        assert.equal(session.state, "lost");
      });
    }
  });

  describe("login", () => {
    it("believes the account that the terminal shows, not the one that was asked for", async () => {
      await session.ensureOpen();
      const shown = { ...ACCOUNT, server: "MetaQuotes-Demo2" };
      port.onLogin = { kind: "ok", account: accountFacts(shown), terminal: terminalFacts() };
      await session.login(ACCOUNT, "password", 1000);
      assert.deepStrictEqual(session.account, shown);
      assert.equal(session.isOn(ACCOUNT), false);
    });

    it("believes in no account while it is under way", async () => {
      await loggedIn();
      let during: unknown = "never asked";
      port.duringLogin = () => {
        during = session.account;
      };
      await session.login(OTHER, "password", 1000);
      assert.equal(during, null);
    });

    it("that is refused leaves it open, on no account", async () => {
      await loggedIn();
      port.onLogin = { kind: "failed", reason: "auth_failed", lastError: [-6, "Authorization failed"] };
      await session.login(OTHER, "wrong", 1000);
      assert.deepStrictEqual([session.state, session.account, session.isOn(ACCOUNT)], ["open", null, false]);
    });

    it("and reading bring the newest facts of the terminal", async () => {
      await loggedIn();
      assert.equal(session.terminal?.build, 5000);
      port.onRead = reading({ terminal: terminalFacts({ build: 6000 }) });
      await session.read(ACCOUNT, {}, 1000);
      assert.equal(session.terminal?.build, 6000);
      assert.equal(session.isOn(ACCOUNT), true);
    });
  });

  describe("a terminal that somebody else has moved", () => {
    for (const actual of [OTHER, null]) {
      const where = actual === null ? "no account" : "another account";
      it(`to ${where} is noticed when reading`, async () => {
        await loggedIn();
        port.onRead = { kind: "wrong_account", actual };
        await session.read(ACCOUNT, {}, 1000);
        assert.deepStrictEqual([session.state, session.account], ["open", actual]);
        assert.deepStrictEqual(events("error"), ["terminal.wrong_account"]);
      });

      it(`to ${where} is noticed when a send is refused`, async () => {
        await loggedIn();
        port.onSend = { kind: "refused", reason: "wrong_account", actual };
        await session.send(order());
        assert.deepStrictEqual([session.account, events("error")], [actual, ["terminal.wrong_account"]]);
      });

      it(`to ${where} is noticed after a send`, async () => {
        await loggedIn();
        port.onSend = sent(actual);
        await session.send(order());
        assert.deepStrictEqual(events("error"), ["terminal.wrong_account"]);
        // Quarantined: nothing is believed of it before it was opened anew.
        assert.deepStrictEqual([session.account, session.state], [null, "lost"]);
        assert.ok(session.unavailableForMs > 0);
      });
    }

    it("is refused when it shows another login than it was given", async () => {
      await session.ensureOpen();
      port.onLogin = { kind: "ok", account: accountFacts(OTHER), terminal: terminalFacts() };
      await assert.rejects(session.login(ACCOUNT, "x", 1000), TerminalLost);
      assert.deepStrictEqual([session.account, session.state], [null, "lost"]);
    });

    it("is not suspected without a reason", async () => {
      await loggedIn();
      const harmless: SendReply[] = [sent(ACCOUNT), { kind: "refused", reason: "expired" }];
      for (const reply of harmless) {
        port.onSend = reply;
        await session.send(order());
      }
      port.onRead = { kind: "failed", call: "positions_get", lastError: [-1, "failed"] };
      await session.read(ACCOUNT, {}, 1000);
      assert.deepStrictEqual([session.isOn(ACCOUNT), events("error")], [true, []]);
    });
  });

  it("is lost when another worker has taken the terminal over", async () => {
    await loggedIn();
    port.onSend = { kind: "refused", reason: "stale_owner" };
    assert.deepStrictEqual(await session.send(order()), { kind: "refused", reason: "stale_owner" });
    assert.deepStrictEqual([session.state, session.account, session.unavailableForMs], ["lost", null, 250]);
  });

  it("asks for a tag, and poisons one, beside everything else: a failure there is no loss", async () => {
    await loggedIn();
    assert.deepStrictEqual(await session.query(5), { kind: "unseen" });
    port.onQuery = LOST;
    await assert.rejects(session.query(5), (error) => error === LOST);
    await assert.rejects(session.poison(5, "c"), (error) => error === LOST);
    assert.deepStrictEqual([session.state, session.isOn(ACCOUNT)], ["open", true]);
    assert.deepStrictEqual(port.calls.slice(-3), ["query 5", "query 5", "poison 5 c"]);
  });

  it("stays closed when it was closed while it was being opened", async () => {
    const opening = session.ensureOpen();
    await session.close();
    await assert.rejects(opening, TerminalLost);
    assert.equal(session.state, "closed");
    assert.equal(port.calls.at(-1), "close", "what the late open connected is closed too");
  });

  it("is closed, on no account, and can be opened again", async () => {
    await loggedIn();
    await session.close();
    assert.deepStrictEqual([session.state, session.account, session.isOn(ACCOUNT)], ["closed", null, false]);
    await session.ensureOpen();
    assert.deepStrictEqual(port.calls, ["open", "login 5012345", "close", "open"]);
  });

  it("logs no password", async () => {
    await loggedIn();
    assert.doesNotMatch(JSON.stringify(lines), /password/);
  });
});
