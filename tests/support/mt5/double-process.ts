// One Python process with the MetaTrader5 double behind a real RPyC server, for the tests of a file: the terminals they
// open on it, and a connection of their own for what the double offers to tests only.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  createRpycTerminal,
  type RpycTerminal,
  type RpycTerminalOptions,
  type SendOrder,
  TerminalLost,
  tagComment,
} from "../../../bridge-worker/src/mt5/mod.ts";
import { connectRpc, RemoteRef, type RpcConnection } from "../../../bridge-worker/src/rpyc/mod.ts";
import { type RpycServer, startRpycServer } from "../rpyc-server.ts";

/** The folder of MetaTrader5.py. */
export const DOUBLE = fileURLToPath(new URL(".", import.meta.url));
export const TIMEOUT_MS = 10_000;

/** Accounts of the double; NAMESAKE has the login number of ONE at another broker. */
export const ONE = { login: "1001", server: "Alpha-Demo" };
export const TWO = { login: "1002", server: "Alpha-Demo" };
export const NAMESAKE = { login: "1001", server: "Beta-Live" };
export const TAG = 2 ** 51 + 12_345;

export const now = (): number => performance.now();

/** For `assert.rejects`. */
export function lost(reason: TerminalLost["reason"]): (error: unknown) => boolean {
  return (error) => error instanceof TerminalLost && error.reason === reason;
}

export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = now() + TIMEOUT_MS;
  while (!(await condition())) {
    assert.ok(now() < end, "condition not met in time");
    await pause(2);
  }
}

export type OrderParts = Partial<Omit<SendOrder, "request">> & { request?: object };

/** A market order on ONE, with what `more` changes. */
export function order(tag: number, more: OrderParts = {}): SendOrder {
  const request = { action: 1, symbol: "EURUSD", volume: 0.1, type: 0, type_filling: 0 };
  return {
    tag,
    commandId: "c1",
    account: ONE,
    notAfterMs: now() + TIMEOUT_MS,
    timeoutMs: TIMEOUT_MS,
    ...more,
    request: { ...request, magic: tag, comment: tagComment(tag), ...more.request },
  };
}

type Booked = { magic: string; login: string; server: string };

/** Call it inside `describe`: it registers the hooks. Before every test the process is as new; terminals are closed. */
export function useDouble() {
  let server: RpycServer | undefined;
  let connection: RpcConnection | undefined;
  let terminals: RpycTerminal[] = [];

  const running = (): RpycServer => {
    assert.ok(server);
    return server;
  };
  const side = (): RpcConnection => {
    assert.ok(connection);
    return connection;
  };
  const execute = (source: string): Promise<void> => side().execute(source, TIMEOUT_MS);
  const evaluate = (expression: string) => side().evaluate(expression, TIMEOUT_MS);
  const evaluateJson = async (expression: string) => JSON.parse(String(await evaluate(expression)));
  const seen = async (): Promise<{ calls: string[]; hanging: number }> => evaluateJson("mt5._seen()");

  async function control(orders: object): Promise<void> {
    const fn = await evaluate("mt5._control");
    assert.ok(fn instanceof RemoteRef);
    await side().call(fn, [JSON.stringify(orders)], TIMEOUT_MS);
    await side().release(fn);
  }

  function terminalAt(more: Partial<RpycTerminalOptions> = {}): RpycTerminal {
    const terminal = createRpycTerminal({
      name: "t1",
      endpoint: { host: running().host, port: running().port, dialect: "v5" },
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

  before(async () => {
    server = await startRpycServer({ pythonPath: [DOUBLE] });
    const endpoint = { host: server.host, port: server.port, dialect: "v5" } as const;
    connection = await connectRpc(endpoint, { handshakeTimeoutMs: TIMEOUT_MS });
    await execute("import MetaTrader5 as mt5, sys, time");
  });
  after(async () => {
    connection?.close();
    await server?.stop();
  });
  beforeEach(() => execute("mt5._reset(); sys.modules.pop('switchyard_guard_state', None)"));
  afterEach(async () => {
    await control({ release: true });
    await Promise.all(terminals.map((terminal) => terminal.close()));
    terminals = [];
  });

  return {
    server: running,
    execute,
    evaluate,
    control,
    terminalAt,
    loggedIn,
    /** Every order that the broker booked. */
    ledger: async (): Promise<Booked[]> => evaluateJson("mt5._ledger()"),
    /** How often `order_send` was called. */
    sends: async (): Promise<number> => (await seen()).calls.filter((call) => call === "order_send").length,
    /** Until one `order_send` hangs. */
    hanging: () => until(async () => (await seen()).hanging === 1),
  };
}
