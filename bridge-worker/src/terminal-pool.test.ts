// The terminals of a configuration against real RPyC servers: one that is another one, one that moves another one, one
// that is moved, one that says yes and stays where it was, one that dies. Each is found out, and comes back by itself.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type BrokerDouble, startBrokerDouble } from "../../tests/support/broker-double.ts";
import { ONE, TWO, until } from "../../tests/support/mt5/double-process.ts";
import { pythonCommand, requirePython } from "../../tests/support/python.ts";
import { overriding } from "../../tests/support/worker-fixture.ts";
import { type After, realAfter } from "./after.ts";
import type { Config } from "./config.ts";
import { TerminalLost } from "./mt5/mod.ts";
import { createTerminals, type PoolOptions } from "./terminal-pool.ts";
import { type TerminalSession, UNLIMITED } from "./terminals/mod.ts";
import { type Line, logInto } from "./terminals/testdata/fake-terminal.ts";

const PASSWORDS = { one: "alpha-one", two: "alpha-two" };
const TIMEOUT_MS = 5_000;
/** Pauses pass this much faster than they say. */
const HASTE = 20;

describe("createTerminals", { skip: requirePython() ?? false }, () => {
  let doubles: [BrokerDouble, BrokerDouble];
  let sessions: TerminalSession[];
  let lines: Line[];
  let skippedMs: number;

  before(async () => {
    doubles = [await startBrokerDouble(), await startBrokerDouble()];
  });
  after(() => Promise.all(doubles.map((double) => double.stop())));
  beforeEach(async () => {
    sessions = [];
    lines = [];
    skippedMs = 0;
    for (const double of doubles) await double.control({ switch: null, settle_ms: 0, initialized: true });
  });
  afterEach(() => Promise.all(sessions.map((session) => session.close())));

  const now = (): number => performance.now() + skippedMs;
  const hasty: After = (ms, run) =>
    realAfter(ms / HASTE, () => {
      skippedMs += ms - ms / HASTE;
      run();
    });

  type Named = { name: string; host?: string; port: number; recycle?: string[] };
  function start(...named: Named[]): TerminalSession[] {
    const terminals = named.map(({ name, host = "127.0.0.1", port, recycle }) => ({
      ...{ name, endpoint: { host, port }, limits: UNLIMITED },
      ...(recycle === undefined ? {} : { recycle }),
    }));
    const config = { terminals } as unknown as Config;
    const options = { config, log: logInto(lines), owner: "worker-1", now, statePath: "", after: hasty };
    sessions = createTerminals({ ...options, random: () => 0 }).sessions;
    return sessions;
  }
  function startBoth(): [TerminalSession, TerminalSession] {
    const [one, two] = start({ name: "one", port: doubles[0].port }, { name: "two", port: doubles[1].port });
    assert.ok(one && two);
    return [one, two];
  }
  async function logIn(session: TerminalSession, account: typeof ONE, password: string): Promise<void> {
    await session.ensureOpen();
    assert.equal((await session.login(account, password, TIMEOUT_MS)).kind, "ok");
  }
  const reasons = (): unknown[] =>
    lines.filter(({ event }) => event === "terminal.quarantined").map(({ fields }) => fields.reason);

  it("refuses a second name of one process, before anything is sent to it", async () => {
    const [{ port }] = doubles;
    const [one, two] = start({ name: "one", port }, { name: "two", host: "localhost", port });
    assert.ok(one && two);
    await logIn(one, ONE, PASSWORDS.one);
    await assert.rejects(two.ensureOpen(), /Terminal two is the process of one/);
    assert.deepEqual([two.state, two.health().reason], ["quarantined", "same_process"]);
    await assert.rejects(two.login(TWO, PASSWORDS.two, TIMEOUT_MS), TerminalLost);
    assert.equal((await one.readAccount(ONE, TIMEOUT_MS)).kind, "ok", "the first one is as it was");
  });

  it("finds out two processes that drive one MetaTrader, and names the other terminal", async () => {
    const [one, two] = startBoth();
    await logIn(one, ONE, PASSWORDS.one);
    await logIn(two, TWO, PASSWORDS.two);
    await doubles[0].control({ switch: TWO });
    assert.equal((await one.readAccount(ONE, TIMEOUT_MS)).kind, "wrong_account");
    assert.deepEqual([one.state, one.health().reason], ["quarantined", "shared_terminal"]);
    assert.equal(lines.find(({ event }) => event === "terminal.wrong_account")?.fields.other, "two");
    assert.equal(two.state, "idle");
  });

  it("keeps away from a terminal that somebody moved, and takes it back by itself", async () => {
    const [one] = startBoth();
    await logIn(one, ONE, PASSWORDS.one);
    await doubles[0].control({ switch: TWO });
    assert.equal((await one.read(ONE, {}, TIMEOUT_MS)).kind, "wrong_account");
    assert.deepEqual([one.state, one.isOn(ONE), one.isOn(TWO)], ["quarantined", false, false]);
    await assert.rejects(one.read(TWO, {}, TIMEOUT_MS), TerminalLost);
    await until(() => one.state === "idle");
    await logIn(one, ONE, PASSWORDS.one);
    assert.equal((await one.read(ONE, {}, TIMEOUT_MS)).kind, "ok");
  });

  it("does not believe a terminal that accepts a login and shows another account", async () => {
    const [one] = startBoth();
    await logIn(one, TWO, PASSWORDS.two);
    await doubles[0].control({ settle_ms: 60_000 });
    const reply = await one.login(ONE, PASSWORDS.one, 300);
    assert.ok(reply.kind === "failed");
    assert.deepEqual([reply.reason, reply.shown], ["no_connection", TWO]);
    assert.deepEqual([one.isOn(ONE), one.health().reason], [false, "wrong_account"]);
  });

  it("blames the broker, not the terminal, when a login is accepted and no account appears", async () => {
    const [one] = startBoth();
    await one.ensureOpen();
    await doubles[0].control({ settle_ms: 60_000 });
    const reply = await one.login(ONE, PASSWORDS.one, 300);
    assert.ok(reply.kind === "failed" && reply.shown === undefined);
    assert.equal(one.state, "idle");
  });

  it("starts MetaTrader again where Python has lost it", async () => {
    const [one] = startBoth();
    await logIn(one, ONE, PASSWORDS.one);
    await doubles[0].control({ initialized: false });
    for (let reads = 0; reads < 3; reads++)
      assert.equal((await one.readAccount(ONE, TIMEOUT_MS)).kind, "failed", String(reads));
    assert.deepEqual([one.state, reasons()], ["quarantined", ["ipc"]]);
    await until(() => one.state === "idle");
    assert.equal((await one.readAccount(ONE, TIMEOUT_MS)).kind, "ok");
  });

  it("keeps away from a terminal whose Python cannot pass a login on to MetaTrader", async () => {
    const [one] = startBoth();
    await logIn(one, ONE, PASSWORDS.one);
    await doubles[0].control({ fail: { login: [-10_001, "IPC send failed"] } });
    const reply = await one.login(TWO, PASSWORDS.two, TIMEOUT_MS);
    assert.ok(reply.kind === "failed" && reply.reason === "no_connection");
    assert.deepEqual([one.state, reasons()], ["quarantined", ["ipc"]]);
    await until(() => one.state === "idle");
    await logIn(one, TWO, PASSWORDS.two);
  });

  it("has a dead terminal restarted by the operator's command, and goes on with it", async () => {
    const dir = mkdtempSync(join(tmpdir(), "terminal-pool-"));
    const pids = join(dir, "pids");
    try {
      const { port, pid } = await serve();
      const script = join(dir, "restart.mjs");
      writeFileSync(script, restartScript(port, pids));
      const [one] = start({ name: "one", port, recycle: [process.execPath, script] });
      assert.ok(one);
      await logIn(one, ONE, PASSWORDS.one);
      const epoch = one.epoch;
      // Until then its process might still be sending for an earlier worker.
      skippedMs += 60_000;
      process.kill(pid, "SIGKILL");
      await assert.rejects(one.readAccount(ONE, TIMEOUT_MS), TerminalLost);
      await until(() => one.state === "idle");
      assert.notEqual(one.epoch, epoch);
      const events = lines.map(({ event }) => event).filter((event) => event.startsWith("terminal.recycl"));
      assert.deepEqual(events, ["terminal.recycling", "terminal.recycled"]);
      await logIn(one, ONE, PASSWORDS.one);
    } finally {
      for (const pid of readFileSync(pids, "utf8").split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
      rmSync(dir, { recursive: true });
    }
  });
});

describe("createTerminals, before anything is reached", () => {
  const AWAY = { host: "127.0.0.1", port: 1, dialect: "auto" } as const;
  const built = (config: object, options: Partial<PoolOptions> = {}): TerminalSession[] =>
    createTerminals({
      ...{ config: config as Config, log: logInto([]), owner: "worker-1", now: () => 0, statePath: "/nonexistent" },
      ...{ after: () => () => {}, random: () => 0.5, ...options },
    }).sessions;

  it("gives each terminal the limits that its operator wrote", () => {
    const limits = { servers: ["Alpha-Demo"], pinned: [ONE] };
    const [session] = built({ terminals: [{ name: "one", endpoint: AWAY, limits }] });
    assert.deepEqual(session?.limits, limits);
  });

  it("lets chance shorten a pause: terminals that one fault has hit do not come back in one moment", async () => {
    const [session] = built({ terminals: [{ name: "one", endpoint: AWAY, limits: UNLIMITED }] });
    await assert.rejects(session?.ensureOpen() ?? Promise.resolve(), TerminalLost);
    assert.equal(session?.unavailableForMs, 188);
    await session?.close();
  });

  it("brings simulated terminals back, too", async () => {
    let opened = 0;
    const retries: (() => void)[] = [];
    const [session] = built(
      { terminals: [], simulator: { terminals: 1, seed: 1, loginMs: 0, sendMs: 0 } },
      {
        after: (_ms, run) => {
          retries.push(run);
          return () => {};
        },
        wrapPort: (port) =>
          overriding(port, {
            open: () => {
              opened += 1;
              return opened === 1 ? Promise.reject(new TerminalLost("connection", "gone")) : port.open();
            },
          }),
      },
    );
    await assert.rejects(session?.ensureOpen() ?? Promise.resolve(), TerminalLost);
    retries.pop()?.();
    await until(() => session?.state === "idle");
    await session?.close();
  });
});

const SERVE = fileURLToPath(new URL("../../tests/support/mt5/serve.py", import.meta.url));

/** A terminal's process that the test kills. */
async function serve(): Promise<{ port: number; pid: number }> {
  const child = spawn(pythonCommand() ?? "", [SERVE], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  assert.ok(child.pid);
  return { port: Number(line), pid: child.pid };
}

/** What an operator would write: starts the process at its port and ends. */
function restartScript(port: number, pids: string): string {
  // The command has no PATH.
  const where = spawnSync(pythonCommand() ?? "", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" });
  const python = JSON.stringify(where.stdout.trim());
  return `import { spawn } from "node:child_process";
    import { appendFileSync } from "node:fs";
    if (process.env.SWITCHYARD_TERMINAL !== "one") process.exit(1);
    const args = [${JSON.stringify(SERVE)}, "--port", "${port}"];
    const child = spawn(${python}, args, { detached: true, stdio: "ignore" });
    appendFileSync(${JSON.stringify(pids)}, child.pid + "\\n");
    child.unref();`;
}
