// What a session believes of its terminal after every kind of answer, and what it does not let near it.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { type ReadReply, type SendOrder, type SendReply, TerminalLost } from "../mt5/mod.ts";
import { accountFacts, reading, terminalFacts } from "../mt5/testdata/facts.ts";
import type { AccountRef } from "../protocol.ts";
import { CALM_MS } from "./quarantine.ts";
import { ASK_MS, EARLIER_SENDS_MS } from "./terminal-record.ts";
import { type SessionOptions, TerminalSession } from "./terminal-session.ts";
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
    session = new TerminalSession(options());
  });

  const options = (): SessionOptions => ({ port, kind: "simulator", log: logInto(lines), now: () => nowMs });

  /** An open session, logged in to ACCOUNT. */
  async function loggedIn(): Promise<void> {
    await session.ensureOpen();
    await session.login(ACCOUNT, "password", 1000);
    assert.equal(session.isOn(ACCOUNT), true);
  }
  const events = (level: string): string[] => lines.filter((line) => line.level === level).map(({ event }) => event);

  it("begins disconnected, on no account, free to be used", () => {
    assert.deepStrictEqual([session.state, session.account, session.terminal], ["disconnected", null, null]);
    assert.deepStrictEqual([session.name, session.kind, session.unavailableForMs], ["fake", "simulator", 0]);
  });

  describe("opening", () => {
    it("goes over connecting to idle, and learns the account that the terminal is on", async () => {
      port.onOpen = { terminal: terminalFacts(), account: accountFacts(OTHER), epoch: "epoch-1" };
      const opening = session.ensureOpen();
      assert.equal(session.state, "connecting");
      assert.equal(session.isOn(OTHER), false);
      await opening;
      assert.equal(session.state, "idle");
      assert.deepStrictEqual([session.account, session.terminal], [OTHER, terminalFacts()]);
      assert.deepStrictEqual([session.isOn(OTHER), session.isOn(ACCOUNT)], [true, false]);
    });

    it("happens once", async () => {
      await session.ensureOpen();
      await session.ensureOpen();
      assert.deepStrictEqual(port.calls, ["open"]);
    });

    it("happens once for all who ask meanwhile", async () => {
      await Promise.all([session.ensureOpen(), session.ensureOpen()]);
      assert.deepStrictEqual(port.calls, ["open"]);
    });

    it("that fails leaves it quarantined", async () => {
      port.onOpen = LOST;
      await assert.rejects(session.ensureOpen(), (error) => error === LOST);
      assert.equal(session.state, "quarantined");
    });
  });

  describe("the pause of a quarantine", () => {
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
      assert.equal(session.state, "quarantined");
      nowMs = 250;
      assert.equal(session.unavailableForMs, 0);
      port.onOpen = { terminal: terminalFacts(), account: null, epoch: "epoch-1" };
      await session.ensureOpen();
      assert.equal(session.state, "idle");
    });

    const lose = async (): Promise<number> => {
      port.onRead = LOST;
      await assert.rejects(session.read(ACCOUNT, {}, 1000));
      return session.unavailableForMs;
    };

    it("goes on growing when the terminal is lost again soon, and begins anew after a calm minute", async () => {
      await session.ensureOpen();
      assert.equal(await lose(), 250);
      nowMs += 250;
      await session.ensureOpen();
      nowMs += CALM_MS - 1;
      assert.equal(await lose(), 500);
      nowMs += 500;
      await session.ensureOpen();
      nowMs += CALM_MS;
      assert.equal(await lose(), 250);
    });

    it("is shortened by chance, so that terminals do not all come back in one moment", async () => {
      session = new TerminalSession({ ...options(), random: () => 0.5 });
      await session.ensureOpen();
      assert.equal(await lose(), 188);
    });

    it("of a kept terminal lasts until its keeper has opened it, whoever comes", async () => {
      session = new TerminalSession({ ...options(), kept: true });
      await session.ensureOpen();
      await lose();
      nowMs += 60_000;
      assert.equal(session.unavailableForMs, 1);
      await assert.rejects(session.ensureOpen(), TerminalLost);
      const opening = session.open();
      assert.equal(session.unavailableForMs, 1);
      await assert.rejects(session.ensureOpen(), TerminalLost, "nobody waits for an attempt that may take a minute");
      await opening;
      assert.equal(session.unavailableForMs, 0);
    });

    it("lets no call through to the terminal", async () => {
      await loggedIn();
      await lose();
      port.calls.length = 0;
      const calls = [
        () => session.login(ACCOUNT, "password", 1000),
        () => session.read(ACCOUNT, {}, 1000),
        () => session.readAccount(ACCOUNT, 1000),
        () => session.history(ACCOUNT, { tag: 1, from: 0, to: 1 }, 1000),
        () => session.send(order()),
      ];
      for (const call of calls) await assert.rejects(call(), TerminalLost);
      assert.deepStrictEqual(port.calls, []);
    });

    it("tells who comes what the terminal is quarantined for", async () => {
      await session.ensureOpen();
      await lose();
      nowMs += 100;
      await assert.rejects(session.ensureOpen(), (error) => {
        assert.ok(error instanceof TerminalLost);
        assert.deepStrictEqual(
          [error.reason, error.message],
          ["timeout", "Terminal fake is being given a pause: hung"],
        );
        return true;
      });
    });

    it("shows its reason and how long the trouble has lasted, from its beginning to its end", async () => {
      await session.ensureOpen();
      assert.deepStrictEqual(session.health(), { name: "fake", kind: "simulator", state: "idle" });
      await lose();
      nowMs += 5_000;
      port.onOpen = new TerminalLost("connection", "away");
      await assert.rejects(session.ensureOpen());
      assert.deepStrictEqual(session.health(), {
        ...{ name: "fake", kind: "simulator", state: "quarantined", reason: "unreachable", since_s: 5 },
      });
      nowMs += 5_000;
      port.onOpen = { terminal: terminalFacts(), account: null, epoch: "epoch-1" };
      await session.ensureOpen();
      assert.deepStrictEqual(session.health(), { name: "fake", kind: "simulator", state: "idle" });
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
        assert.deepStrictEqual([session.state, session.account, session.isOn(ACCOUNT)], ["quarantined", null, false]);
        assert.deepStrictEqual(events("warn"), ["terminal.quarantined"]);
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
        assert.equal(session.state, "quarantined");
      });
    }
  });

  describe("login", () => {
    it("believes the account that the terminal shows, not the one that was asked for", async () => {
      await session.ensureOpen();
      const shown = { ...ACCOUNT, server: "METAQUOTES-Demo" };
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
      assert.deepStrictEqual([session.state, session.account, session.isOn(ACCOUNT)], ["idle", null, false]);
    });

    it("that Python cannot pass on to MetaTrader quarantines it: on no account, it would be given everybody's next", async () => {
      await loggedIn();
      port.onLogin = { kind: "failed", reason: "no_connection", lastError: [-10003, "IPC initialize failed"] };
      assert.equal((await session.login(OTHER, "password", 1000)).kind, "failed");
      assert.deepStrictEqual([session.state, session.health().reason], ["quarantined", "ipc"]);
    });

    it("that reaches no broker leaves it open, and is remembered until one does", async () => {
      await loggedIn();
      port.onLogin = { kind: "failed", reason: "no_connection", lastError: [-10005, "IPC timeout"] };
      await session.login(OTHER, "password", 1000);
      assert.deepStrictEqual([session.state, session.isStranded], ["idle", true]);
      port.onLogin = { kind: "failed", reason: "auth_failed", lastError: [-6, "Authorization failed"] };
      await session.login(OTHER, "wrong", 1000);
      assert.equal(session.isStranded, false);
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
        assert.deepStrictEqual([session.state, session.account], ["quarantined", null]);
        assert.deepStrictEqual(events("error"), ["terminal.wrong_account"]);
      });

      it(`to ${where} is noticed when a send is refused`, async () => {
        await loggedIn();
        port.onSend = { kind: "refused", reason: "wrong_account", actual };
        await session.send(order());
        assert.deepStrictEqual([session.state, session.account], ["quarantined", null]);
        assert.deepStrictEqual(events("error"), ["terminal.wrong_account"]);
      });

      it(`to ${where} is noticed after a send`, async () => {
        await loggedIn();
        port.onSend = sent(actual);
        await session.send(order());
        assert.deepStrictEqual(events("error"), ["terminal.wrong_account"]);
        assert.deepStrictEqual([session.account, session.state], [null, "quarantined"]);
        assert.equal(session.health().reason, "wrong_account");
        assert.equal(session.unavailableForMs, 250);
      });
    }

    for (const shown of [OTHER, { ...ACCOUNT, server: OTHER.server }]) {
      it(`is refused when it reports a login to ${shown.login} on ${shown.server} instead`, async () => {
        await session.ensureOpen();
        port.onLogin = { kind: "ok", account: accountFacts(shown), terminal: terminalFacts() };
        await assert.rejects(session.login(ACCOUNT, "x", 1000), TerminalLost);
        assert.deepStrictEqual([session.account, session.state], [null, "quarantined"]);
        assert.equal(session.health().reason, "wrong_account");
      });
    }

    it("is quarantined when a login is accepted and another account stays on show", async () => {
      await session.ensureOpen();
      port.onLogin = { kind: "failed", reason: "no_connection", lastError: [-10005, "did not appear"], shown: OTHER };
      assert.equal((await session.login(ACCOUNT, "x", 1000)).kind, "failed");
      assert.deepStrictEqual([session.state, session.health().reason], ["quarantined", "wrong_account"]);
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

  for (const [reason, refused] of [
    ["taken_over", "stale_owner"],
    ["wrong_terminal", "wrong_terminal"],
  ] as const) {
    it(`is quarantined as ${reason} when a send is refused with ${refused}`, async () => {
      await loggedIn();
      port.onSend = { kind: "refused", reason: refused };
      assert.deepStrictEqual(await session.send(order()), { kind: "refused", reason: refused });
      assert.deepStrictEqual([session.state, session.account, session.unavailableForMs], ["quarantined", null, 250]);
      assert.equal(session.health().reason, reason);
    });
  }

  it("is quarantined when Python loses MetaTrader three times in a row, and not for less", async () => {
    await loggedIn();
    const silent: ReadReply = { kind: "failed", call: "account_info", lastError: [-10004, "No IPC connection"] };
    const read = async (reply: ReadReply): Promise<void> => {
      port.onRead = reply;
      await session.read(ACCOUNT, {}, 1000);
    };
    for (const reply of [silent, silent, reading(), silent, silent]) await read(reply);
    await read({ ...silent, lastError: [-1, "failed"] });
    assert.equal(session.state, "idle");
    await read(silent);
    assert.deepStrictEqual([session.state, session.health().reason], ["quarantined", "ipc"]);
    nowMs += 250;
    await session.ensureOpen();
    await read(silent);
    assert.equal(session.state, "idle", "counted from the beginning again");
  });

  it("asks for a tag, and poisons one, beside everything else: a failure there is no loss", async () => {
    await loggedIn();
    assert.deepStrictEqual(await session.query(5), { kind: "unseen" });
    port.onQuery = LOST;
    await assert.rejects(session.query(5), (error) => error === LOST);
    await assert.rejects(session.poison(5, "c", "epoch-1"), (error) => error === LOST);
    assert.deepStrictEqual([session.state, session.isOn(ACCOUNT)], ["idle", true]);
    assert.deepStrictEqual(port.calls.slice(-3), ["query 5", "query 5", "poison 5 c"]);
  });

  it("stays disconnected when it was closed while it was being opened", async () => {
    const opening = session.ensureOpen();
    await session.close();
    await assert.rejects(opening, TerminalLost);
    assert.equal(session.state, "disconnected");
    assert.equal(port.calls.at(-1), "close", "what the late open connected is closed too");
  });

  it("is disconnected after closing, on no account, and can be opened again", async () => {
    await loggedIn();
    await session.close();
    assert.deepStrictEqual([session.state, session.account, session.isOn(ACCOUNT)], ["disconnected", null, false]);
    await session.ensureOpen();
    assert.deepStrictEqual(port.calls, ["open", "login 5012345", "close", "open"]);
  });

  it("never shows the broker a login that its operator does not let it make", async () => {
    session = new TerminalSession({ ...options(), limits: { servers: [OTHER.server], pinned: [] } });
    await session.ensureOpen();
    await assert.rejects(session.login(ACCOUNT, "password", 1000), TerminalLost);
    assert.equal((await session.login(OTHER, "password", 1000)).kind, "ok");
    assert.deepStrictEqual(port.calls, ["open", "login 777"]);
  });

  it("knows until when its process may still answer for a send that was lost", async () => {
    assert.equal(session.mayAnswerForMs, EARLIER_SENDS_MS);
    nowMs += EARLIER_SENDS_MS;
    await loggedIn();
    await session.send(order());
    assert.equal(session.mayAnswerForMs, 0);
    port.onSend = LOST;
    await assert.rejects(session.send({ ...order(), timeoutMs: 30_000 }));
    assert.equal(session.mayAnswerForMs, 30_000 + ASK_MS);
  });

  it("logs no password", async () => {
    await loggedIn();
    assert.doesNotMatch(JSON.stringify(lines), /password/);
  });
});
