// The guard's memory on real RPyC servers: newer functions that take over while a send runs in the older ones, and
// servers whose connections do not share one process.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  DOUBLE,
  lost,
  now,
  ONE,
  order,
  TAG,
  TIMEOUT_MS,
  useDouble,
} from "../../../tests/support/mt5/double-process.ts";
import { requirePython } from "../../../tests/support/python.ts";
import { startRpycServer } from "../../../tests/support/rpyc-server.ts";
import { RpycTerminal } from "./rpyc-terminal.ts";

const SOURCE = readFileSync(new URL("guard/guard.py", import.meta.url), "utf8");
const VERSION = Number(/^VERSION = (\d+)$/m.exec(SOURCE)?.[1]);
const OLDER = SOURCE.replace(`\nVERSION = ${VERSION}\n`, `\nVERSION = ${VERSION - 1}\n`);
/** Makes the server of the launcher serve each connection in a child, as RPyC's forking server does. */
const FORKING = `
import rpyc.utils.server as servers
servers.ThreadedServer._accept_method = servers.ForkingServer._accept_method
servers.ThreadedServer._prevhandler = servers.signal.SIG_DFL
`;

describe("the guard's memory, over RPyC", { skip: requirePython() ?? false }, () => {
  const { server, evaluate, control, terminalAt, ledger, sends, hanging } = useDouble();

  const version = (): Promise<unknown> => evaluate("sys.modules['switchyard_guard_state'].code[0]");
  const terminalOn = (port: number, source: string, owner = "worker-1"): RpycTerminal => {
    const endpoint = { host: server().host, port, dialect: "v5" } as const;
    const times = { handshakeTimeoutMs: TIMEOUT_MS, callTimeoutMs: TIMEOUT_MS };
    return new RpycTerminal({ name: owner, endpoint, owner, now, ...times }, source);
  };

  test("an upgrade in a send: the same tag asked again has the first one's answer, and there is one order", async () => {
    const [first, second] = [terminalOn(server().port, OLDER), terminalOn(server().port, OLDER)];
    try {
      await first.open();
      await first.login(ONE, "alpha-one", TIMEOUT_MS);
      await second.open();
      assert.equal(await version(), VERSION - 1);
      await control({ send: [{ hang: true }] });
      const hung = first.send(order(TAG));
      await hanging();
      // The next worker installs its guard and takes over; the terminal itself is busy.
      const next = terminalAt({ owner: "worker-2", startTimeoutMs: 50 });
      await assert.rejects(next.open(), lost("timeout"));
      assert.equal(await version(), VERSION);
      assert.deepEqual(await next.query(TAG), { kind: "sending" });
      const again = second.send(order(TAG));
      await control({ release: true });
      const reply = await hung;
      assert.equal(reply.kind, "sent");
      assert.deepEqual(await again, reply);
      assert.deepEqual(await next.query(TAG), { kind: "finished", reply });
      assert.deepEqual([await sends(), (await ledger()).length], [1, 1]);
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  });

  test("an older guard that arrives later changes nothing, and its worker is served", async () => {
    const newer = terminalAt();
    await newer.open();
    const older = terminalOn(server().port, OLDER, "worker-2");
    try {
      await older.open();
      assert.equal(await version(), VERSION);
      assert.equal((await older.login(ONE, "alpha-one", TIMEOUT_MS)).kind, "ok");
      assert.equal((await older.send(order(TAG))).kind, "sent");
    } finally {
      await older.close();
    }
  });

  for (const [what, setup] of [
    ["a server that forks has a guard for every connection", FORKING],
    ["a server that forks after the guard was installed has copies of it", SOURCE + FORKING],
  ] as const) {
    test(`${what}: the terminal is refused`, async () => {
      const forking = await startRpycServer({ pythonPath: [DOUBLE], setup });
      const terminal = terminalOn(forking.port, SOURCE);
      try {
        await assert.rejects(terminal.open(), lost("guard_not_shared"));
        await assert.rejects(terminal.send(order(TAG)), lost("connection"));
        await assert.rejects(terminal.query(TAG), lost("connection"));
      } finally {
        await terminal.close();
        await forking.stop();
      }
    });
  }
});
