// Bringing a quarantined terminal back, on a clock that the test moves: attempts, restarts, and what must not happen.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { TerminalLost } from "../mt5/mod.ts";
import { terminalFacts } from "../mt5/testdata/facts.ts";
import { CALM_MS, MAX_IPC_FAILURES } from "./quarantine.ts";
import type { CommandEnd, RunCommand } from "./recycle-command.ts";
import { KILL_GRACE_MS, RECYCLE_GAP_MS, RECYCLE_LIMIT_MS } from "./recycling.ts";
import { keepTerminal } from "./terminal-keeper.ts";
import { ASK_MS, EARLIER_SENDS_MS } from "./terminal-record.ts";
import { TerminalSession } from "./terminal-session.ts";
import { ACCOUNT, FakeTerminal, type Line, logInto } from "./testdata/fake-terminal.ts";

const AWAY = new TerminalLost("connection", "away");
const HUNG = new TerminalLost("timeout", "no answer");
const WELL = { terminal: terminalFacts(), account: null, epoch: "epoch-1" };
const ARGV = ["/usr/local/bin/restart", "one"];
/** All pauses up to the third failed attempt, and more. */
const THREE_FAILURES_MS = 250 + 500 + 1000 + 2000;

describe("keepTerminal", () => {
  let port: FakeTerminal;
  let session: TerminalSession;
  let lines: Line[];
  let nowMs: number;
  let timers: { atMs: number; run: () => void }[];
  let killable: boolean;
  let commands: { argv: readonly string[]; terminal: string; end: (end: CommandEnd) => void; did: string[] }[];

  const after = (ms: number, run: () => void): (() => void) => {
    const timer = { atMs: nowMs + ms, run };
    timers.push(timer);
    return () => {
      timers = timers.filter((one) => one !== timer);
    };
  };
  /** Moves the clock from timer to timer; what each sets off has ended before the next. */
  async function pass(ms: number): Promise<void> {
    const untilMs = nowMs + ms;
    for (;;) {
      await settle();
      const next = timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      timers = timers.filter((one) => one !== next);
      nowMs = next.atMs;
      next.run();
    }
    nowMs = untilMs;
  }
  const run: RunCommand = (argv, terminal) => {
    const { promise, resolve } = Promise.withResolvers<CommandEnd>();
    const did: string[] = [];
    commands.push({ argv, terminal, end: resolve, did });
    const kill = (): void => {
      did.push("killed");
      if (killable) resolve({ exitCode: null, signal: "SIGKILL" });
    };
    return { ended: promise, kill, leave: () => void did.push("left") };
  };
  const opens = (): number => port.calls.filter((call) => call === "open").length;
  const ended = async (exitCode: number): Promise<void> => {
    commands.at(-1)?.end({ exitCode, signal: null });
    await settle();
  };

  beforeEach(async () => {
    port = new FakeTerminal();
    lines = [];
    nowMs = 0;
    timers = [];
    commands = [];
    killable = true;
    const now = (): number => nowMs;
    session = new TerminalSession({ port, kind: "rpyc", log: logInto(lines), now, kept: true });
    keepTerminal({ session, log: logInto(lines), now, after, recycle: { argv: ARGV, run } });
    await session.ensureOpen();
    nowMs = EARLIER_SENDS_MS;
  });

  async function lose(error: TerminalLost): Promise<void> {
    port.onRead = port.onOpen = error;
    await assert.rejects(session.read(ACCOUNT, {}, 1000));
  }

  it("opens the terminal anew after its pause, without anybody asking", async () => {
    await lose(AWAY);
    port.onOpen = WELL;
    await pass(249);
    assert.deepEqual([opens(), session.state], [1, "quarantined"]);
    await pass(1);
    assert.deepEqual([opens(), session.state, timers.length], [2, "idle", 0]);
    assert.equal(commands.length, 0);
  });

  it("tries again after each failure, ever later", async () => {
    await lose(AWAY);
    const attempts: number[] = [];
    for (let ms = 0; ms < 2000; ms += 10) {
      const before = opens();
      await pass(10);
      if (opens() > before) attempts.push(ms + 10);
    }
    assert.deepEqual(attempts, [250, 750, 1750]);
  });

  it("restarts it after three failed attempts, once, and opens it when the command has ended", async () => {
    await lose(AWAY);
    await pass(THREE_FAILURES_MS);
    assert.deepEqual(
      commands.map(({ argv, terminal }) => [argv, terminal]),
      [[ARGV, "fake"]],
    );
    const before = opens();
    await pass(RECYCLE_LIMIT_MS - 1);
    assert.deepEqual([commands.length, opens(), session.state], [1, before, "quarantined"], "nothing beside it");
    port.onOpen = WELL;
    await ended(0);
    assert.deepEqual([opens(), session.state, timers.length], [before + 1, "idle", 0]);
    assert.deepEqual(
      lines.filter(({ event }) => event === "terminal.recycled").map(({ fields }) => fields),
      [{ exit_code: 0, signal: null }],
    );
  });

  it("restarts it after a hang as soon as a new connection has failed too", async () => {
    await lose(HUNG);
    port.onOpen = AWAY;
    await pass(250);
    assert.deepEqual([opens(), commands.length], [2, 0]);
    await pass(500);
    assert.equal(commands.length, 1);
  });

  it("does not restart it for a hang that a new connection cures", async () => {
    await lose(HUNG);
    port.onOpen = WELL;
    await pass(60_000);
    assert.deepEqual([session.state, commands.length], ["idle", 0]);
    await lose(AWAY);
    await pass(1_000);
    assert.equal(commands.length, 0, "that hang is over");
  });

  it("restarts it when it hangs again soon, however well it can be opened", async () => {
    await lose(HUNG);
    port.onOpen = WELL;
    await pass(CALM_MS - 1);
    assert.equal(session.state, "idle");
    await assert.rejects(session.read(ACCOUNT, {}, 1000));
    await pass(500);
    assert.equal(commands.length, 1);
  });

  it("restarts it when Python loses MetaTrader again soon, however well it can be opened", async () => {
    const loseMetaTrader = async (): Promise<void> => {
      port.onRead = { kind: "failed", call: "terminal_info", lastError: [-10_004, "No IPC connection"] };
      for (let n = 0; n < MAX_IPC_FAILURES; n++) await session.read(ACCOUNT, {}, 1000);
      assert.equal(session.outage?.reason, "ipc");
    };
    port.onOpen = WELL;
    await loseMetaTrader();
    await pass(250);
    assert.deepEqual([session.state, commands.length], ["idle", 0]);
    await loseMetaTrader();
    await pass(500);
    assert.deepEqual([session.state, commands.length], ["quarantined", 1]);
  });

  it("does not restart it for two hangs with a calm minute between them", async () => {
    await lose(HUNG);
    port.onOpen = WELL;
    await pass(250 + CALM_MS);
    await lose(HUNG);
    port.onOpen = WELL;
    await pass(1_000);
    assert.deepEqual([session.state, commands.length], ["idle", 0]);
  });

  it("takes an opening that is not answered for a failure like any other: MetaTrader may only be starting", async () => {
    await lose(AWAY);
    port.onOpen = HUNG;
    await pass(250 + 500 + 1000);
    assert.deepEqual([opens(), commands.length], [4, 0]);
    await pass(2000);
    assert.equal(commands.length, 1);
  });

  it("does not restart it again within ten minutes, and goes on trying", async () => {
    await lose(AWAY);
    await pass(THREE_FAILURES_MS);
    await ended(1);
    assert.equal(lines.filter(({ event }) => event === "terminal.recycle_failed").length, 1);
    const before = opens();
    await pass(RECYCLE_GAP_MS - 20_000);
    assert.equal(commands.length, 1);
    assert.ok(opens() > before + 30);
    await pass(40_000);
    assert.equal(commands.length, 2);
  });

  it("kills a command that does not end, and goes on", async () => {
    await lose(AWAY);
    await pass(THREE_FAILURES_MS);
    port.onOpen = WELL;
    await pass(RECYCLE_LIMIT_MS);
    assert.deepEqual([commands[0]?.did, session.state], [["killed"], "idle"]);
  });

  it("goes on without a command that cannot be killed", async () => {
    killable = false;
    await lose(AWAY);
    await pass(THREE_FAILURES_MS);
    port.onOpen = WELL;
    await pass(RECYCLE_LIMIT_MS + KILL_GRACE_MS - 1);
    assert.deepEqual([commands[0]?.did, session.state], [["killed"], "quarantined"]);
    await pass(1);
    assert.deepEqual([commands[0]?.did, session.state, timers.length], [["killed", "left"], "idle", 0]);
    const [failed] = lines.filter(({ event }) => event === "terminal.recycle_failed");
    assert.deepEqual(failed?.fields, { exit_code: null, signal: null, error: "not killed" });
  });

  it("does not restart it while a send of ours may still be answered there", async () => {
    port.onSend = AWAY;
    port.onOpen = AWAY;
    const order = {
      tag: 2 ** 41,
      commandId: "c",
      account: ACCOUNT,
      request: { action: 1, magic: 2 ** 41, comment: "" },
    };
    await assert.rejects(session.send({ ...order, notAfterMs: 0, timeoutMs: 30_000 }));
    await pass(30_000 + ASK_MS - 1);
    assert.equal(commands.length, 0);
    await pass(16_000);
    assert.equal(commands.length, 1);
  });

  it("does not restart in its first minute what may still be sending for an earlier worker", async () => {
    const fresh = new FakeTerminal("fresh");
    fresh.onOpen = AWAY;
    const now = (): number => nowMs;
    const one = new TerminalSession({ port: fresh, kind: "rpyc", log: logInto([]), now, kept: true });
    keepTerminal({ session: one, log: logInto([]), now, after, recycle: { argv: ARGV, run } });
    await assert.rejects(one.ensureOpen());
    await pass(EARLIER_SENDS_MS - 1);
    assert.equal(commands.length, 0);
    await pass(16_000);
    assert.equal(commands.length, 1);
    await one.close();
  });

  it("without a command it goes on trying", async () => {
    const bare = new FakeTerminal("bare");
    bare.onOpen = AWAY;
    const now = (): number => nowMs;
    const one = new TerminalSession({ port: bare, kind: "rpyc", log: logInto([]), now, kept: true });
    keepTerminal({ session: one, log: logInto([]), now, after });
    await assert.rejects(one.ensureOpen());
    await pass(600_000);
    assert.ok(bare.calls.length > 40);
    await one.close();
    assert.equal(timers.length, 0);
  });

  it("ends with the terminal: no attempt after it was closed", async () => {
    await lose(AWAY);
    await session.close();
    assert.equal(timers.length, 0);
    await pass(60_000);
    assert.deepEqual([opens(), session.state], [1, "disconnected"]);
  });

  it("lets a running command go on by itself when the terminal is closed, and does not open anything after it", async () => {
    await lose(AWAY);
    await pass(THREE_FAILURES_MS);
    await session.close();
    await settle();
    assert.deepEqual([commands[0]?.did, timers.length], [["left"], 0]);
    const before = opens();
    await ended(0);
    assert.deepEqual([opens(), session.state], [before, "disconnected"]);
  });
});

async function settle(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}
