// The double itself: its structures have the fields of the real package, and serve.py puts it on a port.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connectRpc } from "../../../bridge-worker/src/rpyc/mod.ts";
import { pythonCommand, requirePython } from "../python.ts";

const SERVE = fileURLToPath(new URL("serve.py", import.meta.url));
const TIMEOUT_MS = 10_000;

/** How many fields the package's named tuples have. */
const FieldCounts = {
  AccountInfo: 28,
  TerminalInfo: 22,
  SymbolInfo: 96,
  Tick: 8,
  TradePosition: 19,
  TradeOrder: 24,
  TradeDeal: 18,
  TradeRequest: 17,
  OrderCheckResult: 9,
  OrderSendResult: 11,
};

test("serve.py prints its port and serves the double with the package's fields", {
  skip: requirePython() ?? false,
}, async () => {
  const child = spawn(pythonCommand() ?? "", [SERVE, "--port", "0", "--login-ms", "5"]);
  const exited = once(child, "exit");
  try {
    const lines = createInterface({ input: child.stdout });
    const [line] = await once(lines, "line");
    const endpoint = { host: "127.0.0.1", port: Number(line), dialect: "v5" } as const;
    const connection = await connectRpc(endpoint, { handshakeTimeoutMs: TIMEOUT_MS });
    await connection.execute("import MetaTrader5 as mt5", TIMEOUT_MS);
    for (const [name, count] of Object.entries(FieldCounts)) {
      assert.equal(await connection.evaluate(`len(mt5.${name}._fields)`, TIMEOUT_MS), count, name);
    }
    assert.equal(await connection.evaluate("int(mt5._t.login_ms)", TIMEOUT_MS), 5);
    // Before initialize nothing works, and says so.
    assert.equal(await connection.evaluate("mt5.account_info()", TIMEOUT_MS), null);
    assert.deepEqual(await connection.evaluate("mt5.last_error()", TIMEOUT_MS), [-10004, "No IPC connection"]);
    connection.close();
    lines.close();
  } finally {
    child.kill();
    await exited;
  }
});
