// Builds the terminals that the configuration names: real ones over RPyC, or simulated ones on one paper broker, whose
// book is kept in the data folder between runs.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { type After, realAfter } from "./after.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";
import { createRpycTerminal, type TerminalPort } from "./mt5/mod.ts";
import { createSimTerminal, SimBroker } from "./simulator/mod.ts";
import { keepTerminal, Neighbours, runRecycleCommand, TerminalSession } from "./terminals/mod.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 10_000;

export type PoolOptions = {
  config: Config;
  log: Log;
  /** Names this process to the terminals: the last owner wins. */
  owner: string;
  now: () => number;
  /** Where the paper broker's book is kept. */
  statePath: string;
  wrapPort?: (port: TerminalPort) => TerminalPort;
  after?: After;
  random?: () => number;
};

export type Terminals = { sessions: TerminalSession[]; save: () => void };

export function createTerminals(options: PoolOptions): Terminals {
  return options.config.terminals.length > 0 ? realTerminals(options) : simulatedTerminals(options);
}

function realTerminals(options: PoolOptions): Terminals {
  const { config, log, owner, now, wrapPort = (port) => port } = options;
  const { after = realAfter, random = Math.random } = options;
  const neighbours = new Neighbours();
  const sessions = config.terminals.map(({ name, endpoint, path, limits, recycle }) => {
    const port = createRpycTerminal({
      name,
      endpoint,
      owner,
      now,
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      callTimeoutMs: CALL_TIMEOUT_MS,
      ...(path === undefined ? {} : { path }),
    });
    const session = new TerminalSession({
      ...{ port: wrapPort(port), kind: "rpyc", log, now, random },
      ...{ limits, neighbours, kept: true },
    });
    const command = recycle === undefined ? {} : { recycle: { argv: recycle, run: runRecycleCommand } };
    keepTerminal({ session, log, now, after, ...command });
    return session;
  });
  return { sessions, save: () => {} };
}

function simulatedTerminals(options: PoolOptions): Terminals {
  const { config, log, owner, now, statePath, wrapPort = (port) => port } = options;
  const { after = realAfter, random = Math.random } = options;
  const { terminals, seed, loginMs, sendMs } = config.simulator;
  const neighbours = new Neighbours();
  const broker = existsSync(statePath)
    ? SimBroker.fromJSON(JSON.parse(readFileSync(statePath, "utf8")))
    : new SimBroker({ seed });
  const sessions = Array.from({ length: terminals }, (_, index) => {
    const port = createSimTerminal({
      name: `simulator-${index + 1}`,
      broker,
      owner,
      now,
      wait: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }),
      loginLatencyMs: loginMs,
      orderLatencyMs: sendMs,
    });
    const session = new TerminalSession({
      ...{ port: wrapPort(port), kind: "simulator", log, now, random },
      ...{ neighbours, kept: true },
    });
    keepTerminal({ session, log, now, after });
    return session;
  });
  return { sessions, save: () => saveBook(statePath, broker) };
}

/** Written beside and renamed: a crash in between leaves the old book. */
function saveBook(statePath: string, broker: SimBroker): void {
  const next = `${statePath}.next`;
  writeFileSync(next, JSON.stringify(broker), { mode: 0o600 });
  renameSync(next, statePath);
}
