// The terminal port on a real RPyC server: hanging calls, cut connections, other owners, other processes.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  DOUBLE,
  lost,
  ONE,
  order,
  TAG,
  TIMEOUT_MS,
  TWO,
  until,
  useDouble,
} from "../../../tests/support/mt5/double-process.ts";
import { requirePython } from "../../../tests/support/python.ts";
import { startRpycServer } from "../../../tests/support/rpyc-server.ts";
import { connectRpc, type RpcConnection } from "../rpyc/mod.ts";
import type { SendReply, TerminalPort } from "./terminal-port.ts";

describe("RpycTerminal, when answers are lost", { skip: requirePython() ?? false }, () => {
  const { server, control, terminalAt, loggedIn, ledger, sends, hanging } = useDouble();

  test("a send that hangs is lost in time, and its tag answers sending, then finished", async () => {
    const terminal = await loggedIn();
    await control({ send: [{ hang: true }] });
    await assert.rejects(terminal.send(order(TAG, { timeoutMs: 200 })), lost("timeout"));
    assert.deepEqual(await terminal.query(TAG), { kind: "sending" });
    assert.deepEqual(await terminal.poison(TAG, "c1"), { kind: "sending" });
    await assert.rejects(terminal.read(ONE, {}, TIMEOUT_MS), lost("connection"));
    await control({ release: true });
    await until(async () => (await terminal.query(TAG)).kind === "finished");
    await terminal.open();
    assert.equal((await terminal.read(ONE, {}, TIMEOUT_MS)).kind, "ok");
    assert.deepEqual([await sends(), (await ledger()).length], [1, 1]);
  });

  test("a send that waits for the terminal and is poisoned never happens", async () => {
    const first = await loggedIn();
    const second = terminalAt();
    await second.open();
    await control({ send: [{ hang: true }] });
    const hung = first.send(order(TAG));
    await hanging();
    const waiting = second.send(order(TAG + 1));
    await until(async () => (await second.query(TAG + 1)).kind === "waiting");
    assert.deepEqual(await second.poison(TAG + 1, "c1"), { kind: "poisoned" });
    await control({ release: true });
    assert.deepEqual(await waiting, { kind: "refused", reason: "poisoned" });
    assert.equal((await hung).kind, "sent");
    assert.deepEqual(
      (await ledger()).map(({ magic }) => magic),
      [String(TAG)],
    );
  });

  test("open() beside a hanging send takes ownership, gives up in time, and can ask for the tag", async () => {
    const old = await loggedIn();
    await control({ send: [{ hang: true }] });
    const hung = old.send(order(TAG));
    await hanging();
    const next = terminalAt({ owner: "worker-2", startTimeoutMs: 50 });
    await assert.rejects(next.open(), lost("timeout"));
    assert.deepEqual(await next.query(TAG), { kind: "sending" });
    await control({ release: true });
    const reply = await hung;
    assert.deepEqual(await next.query(TAG), { kind: "finished", reply });
    assert.deepEqual(await old.send(order(TAG + 1)), { kind: "refused", reason: "stale_owner" });
  });

  test("close() ends a call that runs and the queries of tags", async () => {
    const terminal = await loggedIn();
    await control({ send: [{ hang: true }] });
    const hung = assert.rejects(terminal.send(order(TAG)), lost("connection"));
    await hanging();
    const asked = assert.rejects(terminal.query(TAG), lost("connection"));
    await terminal.close();
    await Promise.all([hung, asked]);
  });

  test("a new owner's adoption stops the old one's sends", async () => {
    const old = await loggedIn();
    await terminalAt({ owner: "worker-2" }).open();
    assert.deepEqual(await old.send(order(TAG)), { kind: "refused", reason: "stale_owner" });
    await assert.rejects(old.login(TWO, "alpha-two", TIMEOUT_MS), lost("connection"));
    assert.equal(await sends(), 0);
  });

  test("the watch connection is made again when it was cut", async () => {
    const cuts: RpcConnection[] = [];
    const connect: typeof connectRpc = async (...args) => {
      const connection = await connectRpc(...args);
      cuts.push(connection);
      return connection;
    };
    const terminal = await loggedIn({ connect });
    cuts[1]?.reset();
    const states = await Promise.all([terminal.query(TAG), terminal.poison(TAG + 1, "c")]);
    assert.deepEqual(states, [{ kind: "unseen" }, { kind: "poisoned" }]);
    assert.equal(cuts.length, 3);
  });

  test("open() refuses two connections that end in two processes", async () => {
    const other = await startRpycServer({ pythonPath: [DOUBLE] });
    try {
      let turn = 0;
      const connect: typeof connectRpc = (endpoint, options) => {
        turn += 1;
        return connectRpc({ ...endpoint, port: turn % 2 === 0 ? other.port : server().port }, options);
      };
      const terminal = terminalAt({ connect });
      await assert.rejects(terminal.open(), lost("guard_not_shared"));
      await assert.rejects(terminal.read(ONE, {}, TIMEOUT_MS), lost("connection"));
      await assert.rejects(terminal.query(TAG), lost("connection"));
    } finally {
      await other.stop();
    }
  });

  test("open() moves both connections when another process answers now", async () => {
    const other = await startRpycServer({ pythonPath: [DOUBLE] });
    try {
      let { port } = other;
      const connect: typeof connectRpc = (endpoint, options) => connectRpc({ ...endpoint, port }, options);
      const terminal = await loggedIn({ connect });
      port = server().port;
      await terminal.open();
      await terminal.login(ONE, "alpha-one", TIMEOUT_MS);
      await terminal.send(order(TAG));
      assert.equal((await terminal.query(TAG)).kind, "finished");
    } finally {
      await other.stop();
    }
  });

  test("open() leaves no connection behind when the guard cannot be installed", { timeout: 5000 }, async () => {
    const made: RpcConnection[] = [];
    const connect: typeof connectRpc = async (...args) => {
      const connection = await connectRpc(...args);
      made.push(connection);
      connection.evaluate = async () => "no function";
      return connection;
    };
    await assert.rejects(terminalAt({ connect }).open(), lost("protocol"));
    assert.equal(made.length, 1);
    await made[0]?.closed;
  });

  test("close() during open() leaves no connection behind", { timeout: 5000 }, async () => {
    const made: RpcConnection[] = [];
    const connect: typeof connectRpc = async (endpoint, { handshakeTimeoutMs }) => {
      const connection = await connectRpc(endpoint, { handshakeTimeoutMs });
      made.push(connection);
      await terminal.close();
      return connection;
    };
    const terminal = terminalAt({ connect });
    await assert.rejects(terminal.open(), lost("connection"));
    await made[0]?.closed;
    assert.equal(made.length, 1);
  });

  test("query() does not ask a process that was started after open()", async () => {
    const gone = await startRpycServer({ pythonPath: [DOUBLE] });
    let port = gone.port;
    const connect: typeof connectRpc = (endpoint, options) => connectRpc({ ...endpoint, port }, options);
    const terminal = terminalAt({ connect });
    try {
      await terminal.open();
      const { epoch } = terminal;
      port = server().port;
      await gone.kill();
      await assert.rejects(terminal.query(TAG), lost("guard_not_shared"));
      await terminal.open();
      assert.notEqual(terminal.epoch, epoch);
      assert.deepEqual(await terminal.query(TAG), { kind: "unseen" });
    } finally {
      await gone.stop();
    }
  });

  test("a server that cannot be reached is TerminalLost, and so is every call before open() and after close()", async () => {
    const closed = terminalAt({ endpoint: { host: "127.0.0.1", port: 1, dialect: "v5" } });
    await assert.rejects(closed.open(), lost("connection"));
    const terminal = await loggedIn();
    await terminal.close();
    const calls: ((port: TerminalPort) => Promise<unknown>)[] = [
      (port) => port.login(ONE, "alpha-one", 1000),
      (port) => port.read(ONE, {}, 1000),
      (port) => port.send(order(TAG)),
      (port) => port.query(TAG),
      (port) => port.poison(TAG, "c1"),
      (port) => port.history(ONE, { tag: TAG, from: 0, to: 1 }, 1000),
    ];
    for (const call of calls) {
      await assert.rejects(call(terminal), lost("connection"));
      await assert.rejects(call(closed), lost("connection"));
    }
    await terminal.open();
    assert.equal((await terminal.query(TAG)).kind, "unseen");
  });

  test("a second call beside a running one is the caller's mistake", async () => {
    const terminal = await loggedIn();
    const first: Promise<SendReply> = terminal.send(order(TAG));
    await assert.rejects(terminal.read(ONE, {}, TIMEOUT_MS), /while another call was running/);
    assert.equal((await first).kind, "sent");
  });
});
