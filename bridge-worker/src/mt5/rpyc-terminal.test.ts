// The terminal port end to end: TypeScript, RPyC over a real socket, the guard, and the double of the MetaTrader5 package.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { startDialectProxy } from "../../../tests/support/dialect-proxy.ts";
import { requirePython } from "../../../tests/support/python.ts";
import { type RpycServer, startRpycServer } from "../../../tests/support/rpyc-server.ts";
import { connectRpc, type RpcConnection } from "../rpyc/mod.ts";
import { createRpycTerminal, type RpycTerminal, type RpycTerminalOptions } from "./rpyc-terminal.ts";
import { tagComment } from "./tag.ts";
import { type SendOrder, type SendReply, TerminalLost, type TerminalPort } from "./terminal-port.ts";

const DOUBLE = fileURLToPath(new URL("../../../tests/support/mt5", import.meta.url));
const ONE = { login: "1001", server: "Alpha-Demo" };
const TWO = { login: "1002", server: "Alpha-Demo" };
const NAMESAKE = { login: "1001", server: "Beta-Live" };
const TAG = 2 ** 51 + 12_345;
const TIMEOUT_MS = 10_000;
const now = (): number => performance.now();

type Lost = TerminalLost["reason"];
const lost = (reason: Lost) => (error: unknown) => error instanceof TerminalLost && error.reason === reason;

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = now() + TIMEOUT_MS;
  while (!(await condition())) {
    assert.ok(now() < end, "condition not met in time");
    await pause(2);
  }
}

function order(tag: number, more: Partial<Omit<SendOrder, "request">> & { request?: object } = {}): SendOrder {
  return {
    tag,
    commandId: "c1",
    account: ONE,
    notAfterMs: now() + TIMEOUT_MS,
    timeoutMs: TIMEOUT_MS,
    ...more,
    request: {
      action: 1,
      symbol: "EURUSD",
      volume: 0.1,
      type: 0,
      type_filling: 0,
      magic: tag,
      comment: tagComment(tag),
      ...more.request,
    },
  };
}

describe("RpycTerminal", { skip: requirePython() ?? false }, () => {
  let server: RpycServer;
  /** A connection of the test's own, for what the double offers to tests only. */
  let side: RpcConnection;
  let terminals: RpycTerminal[] = [];

  before(async () => {
    server = await startRpycServer({ pythonPath: [DOUBLE] });
    side = await connectRpc(
      { host: server.host, port: server.port, dialect: "v5" },
      { handshakeTimeoutMs: TIMEOUT_MS },
    );
    await side.execute("import MetaTrader5 as mt5, sys", TIMEOUT_MS);
  });
  after(async () => {
    side.close();
    await server.stop();
  });
  beforeEach(async () => {
    // A process as new: the double's books and the guard's state.
    await side.execute("mt5._reset(); sys.modules.pop('switchyard_guard_state', None)", TIMEOUT_MS);
  });
  afterEach(async () => {
    await control({ release: true });
    await Promise.all(terminals.map((terminal) => terminal.close()));
    terminals = [];
  });

  function terminalAt(more: Partial<RpycTerminalOptions> = {}): RpycTerminal {
    const terminal = createRpycTerminal({
      name: "t1",
      endpoint: { host: server.host, port: server.port, dialect: "v5" },
      owner: "worker-1",
      now,
      handshakeTimeoutMs: TIMEOUT_MS,
      callTimeoutMs: TIMEOUT_MS,
      ...more,
    });
    terminals.push(terminal);
    return terminal;
  }

  async function loggedIn(more: Partial<RpycTerminalOptions> = {}): Promise<RpycTerminal> {
    const terminal = terminalAt(more);
    await terminal.open();
    assert.equal((await terminal.login(ONE, "alpha-one", TIMEOUT_MS)).kind, "ok");
    return terminal;
  }

  async function evaluate(expression: string): Promise<unknown> {
    return JSON.parse(String(await side.evaluate(expression, TIMEOUT_MS)));
  }
  async function control(orders: object): Promise<void> {
    const fn = await side.evaluate("mt5._control", TIMEOUT_MS);
    assert.ok(fn !== null && typeof fn === "object" && "typeName" in fn);
    await side.call(fn as Parameters<RpcConnection["call"]>[0], [JSON.stringify(orders)], TIMEOUT_MS);
  }
  const ledger = async () => (await evaluate("mt5._ledger()")) as { magic: string; login: string; server: string }[];
  const seen = async () => (await evaluate("mt5._seen()")) as { calls: string[]; hanging: number };
  const sends = async () => (await seen()).calls.filter((call) => call === "order_send").length;
  const hanging = () => until(async () => (await seen()).hanging === 1);

  describe("open and login", () => {
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

    test("open() refuses when MetaTrader does not start, and names the error", async () => {
      await control({ fail: { initialize: [-10003, "IPC initialize failed"] } });
      await assert.rejects(terminalAt().open(), (error) => {
        return (
          lost("connection")(error) && error instanceof Error && error.message.includes("RES_E_INTERNAL_FAIL_INIT")
        );
      });
    });

    test("open() moves to the configured folder, and a send elsewhere is refused", async () => {
      const path = "D:/Terminals/one/terminal64.exe";
      const terminal = await loggedIn({ path, portable: true });
      assert.equal((await terminal.read(ONE, {}, TIMEOUT_MS)).kind, "ok");
      await control({ path: "C:\\Program Files\\MetaTrader 5" });
      assert.deepEqual(await terminal.send(order(TAG)), { kind: "refused", reason: "wrong_terminal" });
      const opened = await terminal.open();
      assert.equal(opened.terminal.path, "D:\\Terminals\\one");
    });

    test("a password is in no error, not even when Python raises with it", async () => {
      const terminal = await loggedIn();
      const isClean = (reason: Lost) => (error: unknown) =>
        lost(reason)(error) && !inspect(error, { depth: 20, showHidden: true }).includes("S3cret");
      await side.execute("sys.modules['switchyard_guard_state'].terminal.acquire()", TIMEOUT_MS);
      await assert.rejects(terminal.login(ONE, "S3cret-9", 50), isClean("timeout"));
      await side.execute("sys.modules['switchyard_guard_state'].terminal.release()", TIMEOUT_MS);
      await terminal.open();
      const raising = "lambda state, text: (_ for _ in ()).throw(ValueError(text))";
      await side.execute(`sys.modules['switchyard_guard_state'].code = (9, ${raising})`, TIMEOUT_MS);
      await assert.rejects(terminal.login(ONE, "S3cret-9", TIMEOUT_MS), isClean("protocol"));
    });
  });

  describe("reading", () => {
    test("read() gives rules, tick, positions and orders with every digit, in one round trip", async () => {
      const terminal = await loggedIn();
      await terminal.send(order(TAG, { request: { symbol: "USDJPY" } }));
      const pending = { action: 5, type: 2, price: 1.05, type_filling: 2, type_time: 0 };
      await terminal.send(order(TAG + 1, { request: pending }));
      const trips = terminal.roundTrips;
      const reply = await terminal.read(ONE, { symbol: "EURUSD", positions: {}, orders: {} }, TIMEOUT_MS);
      assert.equal(terminal.roundTrips, trips + 1);
      assert.ok(reply.kind === "ok");
      assert.equal(reply.positions?.[0]?.ticket, "9007199254740993");
      assert.equal(reply.positions?.[0]?.magic, String(TAG));
      assert.equal(reply.positions?.[0]?.swap, 0);
      assert.equal(reply.orders?.[0]?.price_open, 1.05);
      assert.equal(reply.symbol?.digits, 5);
      assert.equal(reply.symbol?.volume_limit, 0);
      assert.ok(reply.tick !== undefined && reply.tick !== null && reply.tick.ask > reply.tick.bid);
      assert.equal(reply.broker_now_msc, reply.tick.time_msc);
      const only = await terminal.read(ONE, { positions: { symbol: "EURUSD" } }, TIMEOUT_MS);
      assert.ok(only.kind === "ok");
      assert.deepEqual([only.positions, only.orders, only.symbol], [[], undefined, undefined]);
    });

    test("read() learns the broker's time from the symbols of the positions", async () => {
      const terminal = await loggedIn();
      const none = await terminal.read(ONE, { positions: {} }, TIMEOUT_MS);
      assert.ok(none.kind === "ok");
      assert.equal(none.broker_now_msc, null);
      await terminal.send(order(TAG));
      const one = await terminal.read(ONE, { positions: {} }, TIMEOUT_MS);
      assert.ok(one.kind === "ok" && one.broker_now_msc !== null);
      assert.ok(Math.abs(one.broker_now_msc - Date.now() - 3 * 3_600_000) < 60_000);
    });

    test("read() tells an unknown symbol, one that never ticked, and one that had to be selected apart", async () => {
      const terminal = await loggedIn();
      const read = async (symbol: string) => {
        const reply = await terminal.read(ONE, { symbol }, TIMEOUT_MS);
        assert.ok(reply.kind === "ok");
        return [reply.symbol?.name ?? null, reply.tick?.bid ?? null];
      };
      assert.deepEqual(await read("NOPE"), [null, null]);
      assert.deepEqual(await read("MUTE"), ["MUTE", null]);
      const [name, bid] = await read("GBPUSD.x");
      assert.equal(name, "GBPUSD.x");
      assert.ok(Number(bid) > 1);
    });

    test("read() never takes None for an empty list", async () => {
      const terminal = await loggedIn();
      for (const call of ["positions_get", "orders_get"]) {
        await control({ fail: { [call]: [-10004, "No IPC connection"] } });
        const reply = await terminal.read(ONE, { positions: {}, orders: {} }, TIMEOUT_MS);
        assert.deepEqual(reply, { kind: "failed", call, lastError: [-10004, "No IPC connection"] });
      }
    });

    test("read() refuses another account, the same login elsewhere, and none", async () => {
      const terminal = await loggedIn();
      assert.deepEqual(await terminal.read(NAMESAKE, {}, TIMEOUT_MS), { kind: "wrong_account", actual: ONE });
      await control({ switch: NAMESAKE });
      assert.deepEqual(await terminal.read(ONE, {}, TIMEOUT_MS), { kind: "wrong_account", actual: NAMESAKE });
      await control({ switch: null });
      assert.deepEqual(await terminal.read(ONE, {}, TIMEOUT_MS), { kind: "wrong_account", actual: null });
    });

    test("history() finds what carries the tag, in magic or in the comment, and nothing else", async () => {
      const terminal = await loggedIn();
      await terminal.send(order(TAG));
      await terminal.send(order(TAG + 1));
      const from = Math.floor(Date.now() / 1000) - 86_400;
      const find = async (tag: number) => {
        const reply = await terminal.history(ONE, tag, from, from + 3 * 86_400, TIMEOUT_MS);
        assert.ok(reply.kind === "ok");
        return reply;
      };
      const found = await find(TAG);
      assert.deepEqual([found.orders.length, found.deals.length, found.open_orders.length], [1, 1, 0]);
      assert.equal(found.orders[0]?.magic, String(TAG));
      assert.equal(found.deals[0]?.order, found.orders[0]?.ticket);
      await side.execute("for o in mt5._t.account.old_orders: o['magic'] = 0", TIMEOUT_MS);
      assert.equal((await find(TAG)).orders.length, 1);
      await side.execute("for o in mt5._t.account.old_orders: o['comment'] += 'z'", TIMEOUT_MS);
      assert.equal((await find(TAG)).orders.length, 0);
      // Before the first deal history_deals_get gives None with a fine last_error: an empty period.
      const before = await terminal.history(ONE, TAG, 0, 1, TIMEOUT_MS);
      assert.ok(before.kind === "ok");
      await control({ connected: false });
      assert.equal((await terminal.history(ONE, TAG, 0, 1, TIMEOUT_MS)).kind, "failed");
      await control({ connected: true, switch: TWO });
      assert.equal((await terminal.history(ONE, TAG, 0, 1, TIMEOUT_MS)).kind, "wrong_account");
    });
  });

  describe("sending", () => {
    test("send() makes one order on the account, in one round trip", async () => {
      const terminal = await loggedIn();
      const trips = terminal.roundTrips;
      const reply = await terminal.send(order(TAG));
      assert.equal(terminal.roundTrips, trips + 1);
      assert.ok(reply.kind === "sent" && reply.result !== null);
      assert.deepEqual([reply.result.retcode, reply.result.order, reply.after], [10009, "9007199254740993", ONE]);
      const [booked, ...others] = await ledger();
      assert.deepEqual(
        [booked?.magic, booked?.login, booked?.server, others],
        [String(TAG), ...Object.values(ONE), []],
      );
    });

    test("send() of a known tag answers what it knows and sends nothing", async () => {
      const terminal = await loggedIn();
      const first = await terminal.send(order(TAG));
      assert.deepEqual(await terminal.send(order(TAG)), first);
      assert.deepEqual(await terminal.query(TAG), { kind: "finished", reply: first });
      assert.equal(await sends(), 1);
    });

    test("send() is refused for what the terminal shows at that moment", async () => {
      const terminal = await loggedIn();
      let tag = TAG;
      const refusal = async (more: Parameters<typeof order>[1] = {}) => {
        tag += 1;
        const reply = await terminal.send(order(tag, more));
        return reply.kind === "refused" ? reply.reason : reply.kind;
      };
      assert.equal(await refusal({ account: NAMESAKE }), "wrong_account");
      assert.equal(await refusal({ requirePosition: { ticket: "5", type: 0, minVolume: 0.1 } }), "position_changed");
      await control({ auto_trading: false });
      assert.equal(await refusal(), "trading_disabled");
      await control({ auto_trading: true, connected: false });
      assert.equal(await refusal(), "not_connected");
      await control({ connected: true, switch: TWO });
      assert.equal(await refusal(), "wrong_account");
      assert.equal(await sends(), 0);
    });

    test("send() does not begin after its limit, nor after the caller has stopped waiting", async () => {
      const terminal = await loggedIn();
      assert.deepEqual(await terminal.send(order(TAG, { notAfterMs: now() - 1 })), {
        kind: "refused",
        reason: "expired",
      });
      assert.equal(await sends(), 0);
    });

    test("the limit on the guard's clock is never later than the one on ours", async () => {
      // Both processes read the system's monotonic clock here, with different zero points: measure the guard's directly.
      const terminal = await loggedIn();
      await side.execute("import time", TIMEOUT_MS);
      const limits: number[] = [];
      const connect: typeof connectRpc = async (...args) => {
        const connection = await connectRpc(...args);
        const call = connection.call.bind(connection);
        connection.call = (ref, callArgs, timeoutMs) => {
          const message = JSON.parse(String(callArgs[0]));
          if (message.op === "send") limits.push(message.not_after);
          return call(ref, callArgs, timeoutMs);
        };
        return connection;
      };
      await terminal.close();
      const watched = await loggedIn({ connect });
      const ours = now() + 5000;
      await watched.send(order(TAG, { notAfterMs: ours }));
      const early = now();
      const theirs = Number(await side.evaluate("time.monotonic()", TIMEOUT_MS)) * 1000;
      // `theirs` was read after `early`, so the true offset is at most theirs - early.
      assert.ok((limits[0] ?? Number.NaN) - ours <= theirs - early);
      assert.ok((limits[0] ?? Number.NaN) - ours > theirs - early - 1000);
    });

    test("None with -2 and None with an IPC error arrive with the error of that call", async () => {
      const terminal = await loggedIn();
      const local = await terminal.send(order(TAG, { request: { comment: "x".repeat(28) } }));
      assert.ok(local.kind === "sent");
      assert.deepEqual([local.result, local.lastError], [null, [-2, 'Invalid "comment" argument']]);
      await control({ send: [{ error: [-10005, "IPC timeout"], executed: true }] });
      const broken = await terminal.send(order(TAG + 1));
      assert.ok(broken.kind === "sent");
      assert.deepEqual([broken.result, broken.lastError, broken.after], [null, [-10005, "IPC timeout"], ONE]);
      assert.deepEqual(
        (await ledger()).map(({ magic }) => magic),
        [String(TAG + 1)],
      );
    });

    test("an account that changed inside order_send is seen afterwards", async () => {
      const terminal = await loggedIn();
      await control({ send: [{ switch: TWO }] });
      const reply = await terminal.send(order(TAG));
      assert.ok(reply.kind === "sent");
      assert.deepEqual(reply.after, TWO);
    });
  });

  describe("when answers are lost", () => {
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
          return connectRpc({ ...endpoint, port: turn % 2 === 0 ? other.port : server.port }, options);
        };
        const terminal = terminalAt({ connect });
        await assert.rejects(terminal.open(), lost("guard_not_shared"));
        await assert.rejects(terminal.query(TAG), lost("connection"));
      } finally {
        await other.stop();
      }
    });

    test("query() does not ask a process that was started after open()", async () => {
      const gone = await startRpycServer({ pythonPath: [DOUBLE] });
      let port = gone.port;
      const connect: typeof connectRpc = (endpoint, options) => connectRpc({ ...endpoint, port }, options);
      const terminal = terminalAt({ connect });
      try {
        await terminal.open();
        const { epoch } = terminal;
        port = server.port;
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
        (port) => port.history(ONE, TAG, 0, 1, 1000),
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

  test("everything works through a 6.x server too, found out by asking", async () => {
    const proxy = await startDialectProxy(server);
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
