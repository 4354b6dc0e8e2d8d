// The contract of TerminalPort, kept by the simulator.
import { setTimeout as wait } from "node:timers/promises";
import type { TerminalPort } from "../../bridge-worker/src/mt5/mod.ts";
import {
  createSimTerminal,
  investorPassword,
  SimBroker,
  SimProcess,
  tradingPassword,
} from "../../bridge-worker/src/simulator/mod.ts";
import type { Fixture, Harness, Key } from "./terminal-port.harness.ts";
import { terminalPortSuite } from "./terminal-port.suite.ts";

function key(login: string, server: string): Key {
  return { account: { login, server }, password: tradingPassword(login) };
}

/** Real time with latencies of a millisecond: the order of events is the broker's, the waiting is not. */
function createFixture(): Fixture {
  const broker = new SimBroker({ seed: 7 });
  const process = new SimProcess({ path: "C:\\Sim\\one" });
  const ports: TerminalPort[] = [];
  const now = (): number => performance.now();
  const connect = (owner: string, to: SimProcess): TerminalPort => {
    const port = createSimTerminal({
      name: owner,
      broker,
      owner,
      now,
      wait: (ms, signal) => wait(ms, undefined, { signal }),
      process: to,
      loginLatencyMs: 1,
      orderLatencyMs: 1,
    });
    ports.push(port);
    return port;
  };
  let hang = Promise.withResolvers<void>();
  return {
    port: connect("first", process),
    connect: (owner) => connect(owner, process),
    neighbour: connect("neighbour", new SimProcess({ path: "C:\\Sim\\two" })),
    now,
    orders: async () => broker.ledger(),
    set: async ({ autoTrading, connected }) => {
      process.isAutoTradingOn = autoTrading ?? process.isAutoTradingOn;
      process.isConnected = connected ?? process.isConnected;
    },
    switchBehindBack: async (account) => process.switchBehindBack(account),
    closeTerminal: async () => {
      process.isRunning = false;
    },
    keepTags: async (count) => {
      process.tags.maxTags = count;
    },
    failNextSend: async (fault) => {
      if (fault.kind !== "hang") return process.faults.addSend(fault);
      hang = Promise.withResolvers();
      process.faults.addSend({ kind: "hang", until: hang.promise, executes: true });
    },
    failNextRead: async (call, lastError) => process.faults.addRead({ kind: "failed", call, lastError }),
    release: async () => hang.resolve(),
    stop: async () => {
      await Promise.all(ports.map((port) => port.close()));
    },
  };
}

const harness: Harness = {
  world: {
    main: key("5000001", "Switchyard-Demo"),
    second: key("5000002", "Switchyard-Demo"),
    investorPassword: investorPassword("5000001"),
    netting: key("5000001", "Switchyard-Netting"),
    bigTickets: key("5000001", "Switchyard-Live"),
    symbol: "EURUSD",
    iocSymbol: "XAUUSD",
    disabledSymbol: "USDRUB",
    acceptsOtherSpelling: true,
  },
  start: async () => undefined,
  create: async () => createFixture(),
  stop: async () => undefined,
};

terminalPortSuite("simulator", harness);
