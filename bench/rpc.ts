// `npm run bench rpc`: reading an account over RPyC, four ways against one server and from one process: ours (one call of
// the guard, with its lock and its checks), a plain `eval` that builds the same JSON text, an `eval` of a constant (the
// floor), and the way of mt5linux: an object by reference as Python's client makes one (eval and INSPECT), then sixteen
// attributes, each a round trip, then its release.
import { loadavg } from "node:os";
import { createRpycTerminal, type RpycTerminal } from "../bridge-worker/src/mt5/mod.ts";
import { connectRpc, RemoteRef, type RpcConnection } from "../bridge-worker/src/rpyc/mod.ts";
import { pythonCommand } from "../tests/support/python.ts";
import { startRpycServer } from "../tests/support/rpyc-server.ts";
import { type Contender, race, ratio } from "./statistics.ts";

const RACE = { warmUp: 2_000, rounds: 20, perRound: 150 };
const TIMEOUT_MS = 10_000;
const ACCOUNT = { login: "1001", server: "Alpha-Demo" };
const PASSWORD = "alpha-one";

/** The fields of the replaced service's account answer. */
const FIELDS = [
  ...["login", "trade_mode", "leverage", "limit_orders", "margin_mode", "trade_allowed", "trade_expert", "balance"],
  ...["credit", "profit", "equity", "margin", "margin_free", "margin_level", "server", "currency"],
];

/** The same answer as the guard's, built by one expression: no lock, no check, no second look at the account. */
const PLAIN_SETUP = `
import json as _json, time as _time
import MetaTrader5 as _mt5
_ACCOUNT = "login server name company currency currency_digits trade_mode margin_mode leverage limit_orders trade_allowed trade_expert balance credit profit equity margin margin_free margin_level".split()
def _plain(name, value): return str(value) if name == "login" else None if value != value else value
`;
const PLAIN_EVAL = `(lambda a: _json.dumps({"ok": True, "now": _time.monotonic() * 1000.0, "value": {"kind": "ok", "account": {n: _plain(n, getattr(a, n)) for n in _ACCOUNT}}}))(_mt5.account_info())`;

export async function benchRpc(): Promise<object> {
  if (pythonCommand() === undefined)
    throw new Error("needs python3 with rpyc and numpy: apt-get install python3-rpyc python3-numpy");
  const server = await startRpycServer({ pythonPath: ["tests/support/mt5"] });
  const endpoint = { host: server.host, port: server.port };
  const terminal = createRpycTerminal({
    name: "bench",
    endpoint,
    owner: "bench",
    now: () => performance.now(),
    handshakeTimeoutMs: TIMEOUT_MS,
    callTimeoutMs: TIMEOUT_MS,
  });
  // A connection each: the server gives every connection a thread, and a thread that is used more is served faster.
  const connections: RpcConnection[] = [];
  const connectOne = async (): Promise<RpcConnection> => {
    const connection = await connectRpc(endpoint, { handshakeTimeoutMs: TIMEOUT_MS });
    connections.push(connection);
    await connection.execute(PLAIN_SETUP, TIMEOUT_MS);
    return connection;
  };
  try {
    await terminal.open();
    const login = await terminal.login(ACCOUNT, PASSWORD, TIMEOUT_MS);
    if (login.kind !== "ok") throw new Error("the double refused the login");
    const [plainLine, floorLine, referenceLine] = [await connectOne(), await connectOne(), await connectOne()];
    const results = await race(contenders(terminal, plainLine, floorLine, referenceLine), RACE);
    const [ours, plain, floor, byReference] = ["ours", "plain_eval", "floor", "mt5linux_style"].map(
      (name) => results[name]?.p50 ?? Number.NaN,
    ) as [number, number, number, number];
    return {
      unit: "ms per account read",
      ...RACE,
      dialect: floorLine.dialect,
      results,
      ratios: {
        mt5linux_style_to_ours: ratio(byReference, ours),
        ours_to_plain_eval: ratio(ours, plain),
        ours_to_floor: ratio(ours, floor),
      },
      load_average: loadavg()[0],
    };
  } finally {
    for (const connection of connections) connection.close();
    await terminal.close();
    await server.stop();
  }
}

function contenders(
  terminal: RpycTerminal,
  plainLine: RpcConnection,
  floorLine: RpcConnection,
  referenceLine: RpcConnection,
): Contender[] {
  return [
    {
      name: "ours",
      run: async () => {
        const reply = await terminal.account(ACCOUNT, TIMEOUT_MS);
        if (reply.kind !== "ok") throw new Error(`read: ${reply.kind}`);
      },
    },
    {
      name: "plain_eval",
      run: async () => {
        const text = await plainLine.evaluate(PLAIN_EVAL, TIMEOUT_MS);
        if (JSON.parse(String(text)).value.account.login !== ACCOUNT.login) throw new Error("another account");
      },
    },
    { name: "floor", run: () => floorLine.evaluate("1", TIMEOUT_MS) },
    {
      name: "mt5linux_style",
      run: async () => {
        const account = await referenceLine.evaluate("_mt5.account_info()", TIMEOUT_MS);
        if (!(account instanceof RemoteRef)) throw new Error("not a reference");
        // Python's client cannot make its proxy object (netref) without this.
        await referenceLine.inspect(account, TIMEOUT_MS);
        for (const field of FIELDS) await referenceLine.getAttribute(account, field, TIMEOUT_MS);
        await referenceLine.release(account);
      },
    },
  ];
}
