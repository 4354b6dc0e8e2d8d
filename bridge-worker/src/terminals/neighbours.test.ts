// Two names that lead to one terminal: the second one is refused, or found out by what it shows.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { TerminalLost } from "../mt5/mod.ts";
import { accountFacts, terminalFacts } from "../mt5/testdata/facts.ts";
import { Neighbours } from "./neighbours.ts";
import { TerminalSession } from "./terminal-session.ts";
import { ACCOUNT, FakeTerminal, type Line, logInto, OTHER } from "./testdata/fake-terminal.ts";

const opened = (epoch: string) => ({ terminal: terminalFacts(), account: null, epoch });

describe("two terminals of one worker", () => {
  let nowMs: number;
  let lines: Line[];
  let ports: [FakeTerminal, FakeTerminal];
  let sessions: [TerminalSession, TerminalSession];

  beforeEach(() => {
    nowMs = 0;
    lines = [];
    const neighbours = new Neighbours();
    const session = (port: FakeTerminal): TerminalSession =>
      new TerminalSession({ port, kind: "rpyc", log: logInto(lines), now: () => nowMs, neighbours });
    ports = [new FakeTerminal("one"), new FakeTerminal("two")];
    sessions = [session(ports[0]), session(ports[1])];
    ports[0].onOpen = opened("process-a");
    ports[1].onOpen = opened("process-b");
  });

  describe("that are one process", () => {
    beforeEach(async () => {
      ports[1].onOpen = opened("process-a");
      await sessions[0].ensureOpen();
    });

    it("the second one is refused and let go of, and says whose process it is", async () => {
      await assert.rejects(sessions[1].ensureOpen(), (error) => {
        assert.ok(error instanceof TerminalLost);
        assert.equal(error.message, "Terminal two is the process of one");
        return true;
      });
      assert.deepEqual(ports[1].calls, ["open", "close"]);
      const { state, reason } = sessions[1].health();
      assert.deepEqual([state, reason, sessions[1].unavailableForMs], ["quarantined", "same_process", 60_000]);
      assert.equal(sessions[0].state, "idle");
      assert.equal(lines.find(({ event }) => event === "terminal.quarantined")?.fields.other, "one");
    });

    it("it is taken once it leads to a process of its own", async () => {
      await assert.rejects(sessions[1].ensureOpen());
      ports[1].onOpen = opened("process-b");
      nowMs += 60_000;
      await sessions[1].ensureOpen();
      assert.equal(sessions[1].state, "idle");
    });

    it("a process stays taken while its terminal is quarantined: a send of ours may hang in it", async () => {
      ports[0].onRead = new TerminalLost("timeout", "no answer");
      await assert.rejects(sessions[0].read(ACCOUNT, {}, 1000));
      await assert.rejects(sessions[1].ensureOpen());
      assert.equal(sessions[1].health().reason, "same_process");
    });

    it("and is free again when its terminal was closed", async () => {
      await sessions[0].close();
      await sessions[1].ensureOpen();
      assert.equal(sessions[1].state, "idle");
    });
  });

  it("that drive one MetaTrader are told from one that a person has moved", async () => {
    for (const session of sessions) await session.ensureOpen();
    await sessions[0].login(ACCOUNT, "password", 1000);
    await sessions[1].login(OTHER, "password", 1000);
    ports[0].onRead = { kind: "wrong_account", actual: OTHER };
    await sessions[0].read(ACCOUNT, {}, 1000);
    assert.equal(sessions[0].health().reason, "shared_terminal");
    assert.equal(sessions[0].unavailableForMs, 60_000);
    assert.equal(lines.find(({ event }) => event === "terminal.wrong_account")?.fields.other, "two");

    ports[1].onRead = { kind: "wrong_account", actual: ACCOUNT };
    await sessions[1].read(OTHER, {}, 1000);
    assert.equal(sessions[1].health().reason, "wrong_account", "nobody else is believed there any more");
  });

  it("that each have a process are left alone, even if both show one account when they are opened", async () => {
    for (const port of ports) port.onOpen = { ...(port.onOpen as object), account: accountFacts(ACCOUNT) } as never;
    for (const session of sessions) await session.ensureOpen();
    assert.deepEqual(
      sessions.map(({ state }) => state),
      ["idle", "idle"],
    );
  });
});
