// The contract of TerminalPort, kept by the RPyC terminal: against a real RPyC server whose Python process holds a double
// of the MetaTrader5 package, in the server's own dialect and in the 6.x one.
import { fileURLToPath } from "node:url";
import { createRpycTerminal, type TerminalPort } from "../../bridge-worker/src/mt5/mod.ts";
import { connectRpc, RemoteRef, type RpcConnection, type RpcEndpoint } from "../../bridge-worker/src/rpyc/mod.ts";
import { startDialectProxy } from "../support/dialect-proxy.ts";
import { requirePython } from "../support/python.ts";
import { type RpycServer, startRpycServer } from "../support/rpyc-server.ts";
import type { BookedOrder, Fixture, Harness, SendFault, World } from "./terminal-port.harness.ts";
import { terminalPortSuite } from "./terminal-port.suite.ts";

const DOUBLE = fileURLToPath(new URL("../support/mt5", import.meta.url));
const TIMEOUT_MS = 10_000;

/** The accounts and symbols of tests/support/mt5/MetaTrader5.py. */
const world: World = {
  main: { account: { login: "1001", server: "Alpha-Demo" }, password: "alpha-one" },
  second: { account: { login: "1002", server: "Alpha-Demo" }, password: "alpha-two" },
  investorPassword: "alpha-look",
  netting: { account: { login: "1001", server: "Beta-Live" }, password: "beta-one" },
  bigTickets: { account: { login: "1001", server: "Alpha-Demo" }, password: "alpha-one" },
  symbol: "EURUSD",
  iocSymbol: "XAUUSD",
  disabledSymbol: "OFF",
  acceptsOtherSpelling: false,
};

/** A terminal's Python process, and a connection of our own into it, for the oracle and the faults. */
class Machine {
  readonly server: RpycServer;
  readonly endpoint: RpcEndpoint;
  readonly #rpc: RpcConnection;
  readonly #stopProxy: () => Promise<void>;

  private constructor(server: RpycServer, endpoint: RpcEndpoint, rpc: RpcConnection, stopProxy: () => Promise<void>) {
    this.server = server;
    this.endpoint = endpoint;
    this.#rpc = rpc;
    this.#stopProxy = stopProxy;
  }

  static async start(dialect: "v5" | "v6"): Promise<Machine> {
    const server = await startRpycServer({ pythonPath: [DOUBLE] });
    const direct = { host: server.host, port: server.port };
    const proxy = dialect === "v6" ? await startDialectProxy(direct) : undefined;
    const endpoint = { host: proxy?.host ?? direct.host, port: proxy?.port ?? direct.port };
    const rpc = await connectRpc({ ...direct, dialect: "v5" }, { handshakeTimeoutMs: TIMEOUT_MS });
    await rpc.execute("import MetaTrader5 as double", TIMEOUT_MS);
    return new Machine(server, endpoint, rpc, async () => proxy?.stop());
  }

  /** Calls one of the double's own functions, which take and return texts. */
  async ask(name: "_control" | "_ledger" | "_reset", ...args: string[]): Promise<string> {
    const fn = await this.#rpc.evaluate(`double.${name}`, TIMEOUT_MS);
    if (!(fn instanceof RemoteRef)) throw new Error(`The double has no ${name}`);
    const reply = await this.#rpc.call(fn, args, TIMEOUT_MS);
    await this.#rpc.release(fn);
    return typeof reply === "string" ? reply : "";
  }

  async control(order: Record<string, unknown>): Promise<void> {
    await this.ask("_control", JSON.stringify(order));
  }

  /** The next guard to be installed remembers nothing. */
  async reset(): Promise<void> {
    await this.ask("_reset");
    await this.#rpc.execute('import sys; sys.modules.pop("switchyard_guard_state", None)', TIMEOUT_MS);
  }

  /** Of the guard that is installed. */
  async keepTags(count: number): Promise<void> {
    await this.#rpc.execute(
      `import sys; sys.modules["switchyard_guard_state"].max_tags = ${Number(count)}`,
      TIMEOUT_MS,
    );
  }

  async stop(): Promise<void> {
    this.#rpc.close();
    await this.#rpc.closed;
    await this.#stopProxy();
    await this.server.stop();
  }
}

function toDouble(fault: SendFault): Record<string, unknown> {
  switch (fault.kind) {
    case "hang":
      return { hang: true };
    case "retcode":
      return { retcode: fault.retcode, execute: fault.executes };
    case "none":
      return { error: fault.lastError, executed: fault.executes };
    case "switch_account":
      return { switch_after: fault.to };
  }
}

async function createFixture(machine: Machine, second: Machine): Promise<Fixture> {
  await Promise.all([machine.reset(), second.reset()]);
  const ports: TerminalPort[] = [];
  const now = (): number => performance.now();
  const connect = (owner: string, to: Machine): TerminalPort => {
    const port = createRpycTerminal({
      name: owner,
      endpoint: to.endpoint,
      owner,
      now,
      handshakeTimeoutMs: TIMEOUT_MS,
      callTimeoutMs: TIMEOUT_MS,
    });
    ports.push(port);
    return port;
  };
  return {
    port: connect("first", machine),
    connect: (owner) => connect(owner, machine),
    neighbour: connect("neighbour", second),
    now,
    orders: async () => JSON.parse(await machine.ask("_ledger")) as BookedOrder[],
    set: ({ autoTrading, connected }) =>
      machine.control({
        ...(autoTrading !== undefined && { auto_trading: autoTrading }),
        ...(connected !== undefined && { connected }),
      }),
    switchBehindBack: (account) => machine.control({ switch: account }),
    closeTerminal: () => machine.control({ initialized: false }),
    keepTags: (count) => machine.keepTags(count),
    failNextSend: (fault) => machine.control({ send: [toDouble(fault)] }),
    failNextRead: (call, lastError) => machine.control({ fail: { [call]: lastError } }),
    release: () => machine.control({ release: true }),
    stop: async () => {
      await Promise.all(ports.map((port) => port.close()));
    },
  };
}

function createHarness(dialect: "v5" | "v6"): Harness {
  let machines: [Machine, Machine] | undefined;
  return {
    world,
    start: async () => {
      machines = [await Machine.start(dialect), await Machine.start(dialect)];
    },
    create: async () => {
      if (machines === undefined) throw new Error("The servers have not been started");
      return createFixture(...machines);
    },
    stop: async () => {
      await Promise.all((machines ?? []).map((machine) => machine.stop()));
    },
  };
}

const skip = requirePython();
terminalPortSuite("RPyC 5.x", createHarness("v5"), skip);
terminalPortSuite("RPyC 6.x", createHarness("v6"), skip);
