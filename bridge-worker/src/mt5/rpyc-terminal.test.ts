// The terminal port on a real RPyC server: opening and logging in.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { startDialectProxy } from "../../../tests/support/dialect-proxy.ts";
import {
  lost,
  NAMESAKE,
  ONE,
  order,
  TAG,
  TIMEOUT_MS,
  TWO,
  useDouble,
} from "../../../tests/support/mt5/double-process.ts";
import { requirePython } from "../../../tests/support/python.ts";
import type { TerminalLost } from "./terminal-port.ts";

describe("RpycTerminal, open and login", { skip: requirePython() ?? false }, () => {
  const { server, execute, evaluate, control, terminalAt, loggedIn } = useDouble();

  test("open() shows the terminal and no account, login() the account in the broker's spelling", async () => {
    const terminal = terminalAt();
    const opened = await terminal.open();
    assert.equal(opened.account, null);
    assert.equal(opened.terminal.build, 5735);
    const reply = await terminal.login(ONE, "alpha-one", TIMEOUT_MS);
    assert.ok(reply.kind === "ok");
    assert.deepEqual(
      [reply.account.login, reply.account.server, reply.account.balance, reply.account.margin_mode],
      ["1001", "Alpha-Demo", 10_000, 2],
    );
    assert.equal(reply.account.name, "Zoë Ünal 😀");
    assert.equal((await terminal.open()).account?.login, "1001");
  });

  test("login() fails with the broker's reason, for each of them", async () => {
    const terminal = terminalAt();
    await terminal.open();
    for (const [account, password, reason, code] of [
      [ONE, "wrong", "auth_failed", -6],
      [{ login: "9999", server: "Alpha-Demo" }, "alpha-one", "auth_failed", -6],
      [{ login: "1001", server: "alpha-demo" }, "alpha-one", "auth_failed", -6],
      [{ login: "1003", server: "Alpha-Demo" }, "alpha-cert", "auth_failed", -7],
    ] as const) {
      const reply = await terminal.login(account, password, TIMEOUT_MS);
      assert.ok(reply.kind === "failed");
      assert.deepEqual([reply.reason, reply.lastError[0]], [reason, code]);
    }
    await control({ connected: false });
    const offline = await terminal.login(ONE, "alpha-one", TIMEOUT_MS);
    assert.ok(offline.kind === "failed");
    assert.equal(offline.reason, "no_connection");
  });

  test("login() waits until the terminal no longer shows the account it leaves", async () => {
    const terminal = await loggedIn();
    await control({ settle_ms: 80 });
    const reply = await terminal.login(NAMESAKE, "beta-one", TIMEOUT_MS);
    assert.ok(reply.kind === "ok");
    assert.deepEqual([reply.account.server, reply.account.margin_mode], ["Beta-Live", 0]);
  });

  test("login() gives up when the account does not appear in time", async () => {
    const terminal = await loggedIn();
    await control({ settle_ms: 60_000 });
    const reply = await terminal.login(TWO, "alpha-two", 100);
    assert.ok(reply.kind === "failed");
    assert.equal(reply.reason, "no_connection");
  });

  test("login() starts MetaTrader again when its process has gone away", async () => {
    const terminal = await loggedIn();
    await control({ initialized: false });
    assert.equal((await terminal.login(ONE, "alpha-one", TIMEOUT_MS)).kind, "ok");
  });

  test("login() on a MetaTrader that cannot be started is a lost terminal, and no failed login", async () => {
    const terminal = await loggedIn();
    await control({ initialized: false, fail: { initialize: [-10005, "IPC timeout"] } });
    await assert.rejects(terminal.login(ONE, "alpha-one", TIMEOUT_MS), lost("connection"));
    await terminal.open();
    assert.equal((await terminal.login(ONE, "alpha-one", TIMEOUT_MS)).kind, "ok");
  });

  test("open() refuses when MetaTrader does not start, and names the error", async () => {
    await control({ fail: { initialize: [-10003, "IPC initialize failed"] } });
    await assert.rejects(terminalAt().open(), (error) => {
      return lost("connection")(error) && error instanceof Error && error.message.includes("RES_E_INTERNAL_FAIL_INIT");
    });
  });

  test("open() moves to the configured folder, and a send elsewhere is refused", async () => {
    const path = "D:/Terminals/one/terminal64.exe";
    const terminal = await loggedIn({ path, portable: true });
    assert.equal(await evaluate("mt5._t.portable"), true);
    assert.equal((await terminal.read(ONE, {}, TIMEOUT_MS)).kind, "ok");
    await control({ path: "C:\\Program Files\\MetaTrader 5" });
    assert.deepEqual(await terminal.send(order(TAG)), { kind: "refused", reason: "wrong_terminal" });
    const opened = await terminal.open();
    assert.equal(opened.terminal.path, "D:\\Terminals\\one");
  });

  test("a password is in no error, not even when Python raises with it", async () => {
    const terminal = await loggedIn();
    const isClean = (reason: TerminalLost["reason"]) => (error: unknown) =>
      lost(reason)(error) && !inspect(error, { depth: 20, showHidden: true }).includes("S3cret");
    await execute("sys.modules['switchyard_guard_state'].terminal.acquire()");
    await assert.rejects(terminal.login(ONE, "S3cret-9", 50), isClean("timeout"));
    // Whatever went wrong, the connection is not used again.
    await assert.rejects(terminal.read(ONE, {}, TIMEOUT_MS), lost("connection"));
    await execute("sys.modules['switchyard_guard_state'].terminal.release()");
    await terminal.open();
    const raising = "lambda state, text: (_ for _ in ()).throw(ValueError(text))";
    await execute(`sys.modules['switchyard_guard_state'].code = (9, ${raising})`);
    await assert.rejects(terminal.login(ONE, "S3cret-9", TIMEOUT_MS), isClean("protocol"));
  });

  test("everything works through a 6.x server too, found out by asking", async () => {
    const proxy = await startDialectProxy(server());
    try {
      const terminal = await loggedIn({ endpoint: { host: proxy.host, port: proxy.port } });
      assert.equal((await terminal.send(order(TAG))).kind, "sent");
      assert.equal((await terminal.query(TAG)).kind, "finished");
      await terminal.close();
    } finally {
      await proxy.stop();
    }
  });
});
