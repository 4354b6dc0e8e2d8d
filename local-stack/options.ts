// What the stack can be told, and where it is told: flags, then environment, then defaults. Pure.
import type { DenoVersion } from "../scripts/deno.ts";

export type StackOptions = {
  /** Where everything is kept. Default: .data in the repository, or a throw-away folder when `ephemeral`. */
  dataDir?: string | undefined;
  /** Nothing is kept: a temporary folder, a database that is not flushed, gone at the end. */
  ephemeral?: boolean | undefined;
  /** Wanted ports; where one is taken, a free one is used. */
  port?: number | undefined;
  dbPort?: number | undefined;
  workerPort?: number | undefined;
  /** `host:port,host:port` of real RPyC servers, instead of the simulator (MT5_TERMINALS). */
  terminals?: string | undefined;
  workerEnv?: Record<string, string> | undefined;
  functionEnv?: Record<string, string> | undefined;
  /** Another program in the worker's place: one that a test can stop at a write. */
  workerEntry?: string | undefined;
  /** Where the function reaches the worker, if not at the worker's own port: a proxy that cuts the link. */
  linkPort?: number | undefined;
  deno?: DenoVersion | undefined;
  log?: ((line: string) => void) | undefined;
  migrationsDir?: string | undefined;
};

export type DevOptions = { json: boolean; help: boolean; stack: StackOptions };

export const USAGE = `usage: npm run dev -- [--json] [--port N] [--data-dir DIR] [--ephemeral]
  --json          print one JSON line when ready, and nothing else, on standard output
  --port N        port of the gateway (SWITCHYARD_PORT; default 54321; taken: a free one is used)
  --data-dir DIR  where everything is kept (SWITCHYARD_DATA_DIR; default .data)
  --ephemeral     keep nothing (SWITCHYARD_EPHEMERAL=1)`;

/** How the worker reaches real terminals, and who they are: its own variables, handed on as they are. */
const OF_THE_TERMINALS = [
  "MT5_TERMINAL_PATHS",
  "MT5_TERMINAL_OPTIONS",
  "MT5_RPC_DIALECT",
  "MT5_TLS_CA_FILE",
  "MT5_TLS_CERT_FILE",
  "MT5_TLS_KEY_FILE",
  "ALLOW_PLAIN_RPC",
];

/** A flag or variable that cannot be understood; its message is for the user. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export function parseDevOptions(args: readonly string[], env: Record<string, string | undefined>): DevOptions {
  const flags = readFlags(args);
  const port = flags.port ?? env.SWITCHYARD_PORT;
  const workerEnv = handedOn(env);
  return {
    json: flags.json,
    help: flags.help,
    stack: {
      ...(port ? { port: parsePort(port) } : {}),
      ...optional("dataDir", flags.dataDir ?? env.SWITCHYARD_DATA_DIR),
      ephemeral: flags.ephemeral || parseSwitch("SWITCHYARD_EPHEMERAL", env.SWITCHYARD_EPHEMERAL),
      ...optional("terminals", terminalsOf(env)),
      ...(Object.keys(workerEnv).length > 0 ? { workerEnv } : {}),
    },
  };
}

type Flags = { json: boolean; help: boolean; ephemeral: boolean; port?: string; dataDir?: string };

function readFlags(args: readonly string[]): Flags {
  const flags: Flags = { json: false, help: false, ephemeral: false };
  for (let at = 0; at < args.length; at++) {
    const [flag = "", inline] = split(args[at] ?? "");
    const value = (): string => {
      const found = inline ?? args[++at];
      if (!found || (inline === undefined && found.startsWith("--"))) throw new UsageError(`${flag} needs a value`);
      return found;
    };
    if (flag === "--port") flags.port = value();
    else if (flag === "--data-dir") flags.dataDir = value();
    else if (inline !== undefined) throw new UsageError(`Unknown option "${args[at]}"`);
    else if (flag === "--json") flags.json = true;
    else if (flag === "--ephemeral") flags.ephemeral = true;
    else if (flag === "--help" || flag === "-h") flags.help = true;
    else throw new UsageError(`Unknown option "${flag}"`);
  }
  return flags;
}

function split(arg: string): [string, string | undefined] {
  const at = arg.startsWith("--") ? arg.indexOf("=") : -1;
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new UsageError(`"${text}" is no port (1 to 65535)`);
  return port;
}

function parseSwitch(name: string, text: string | undefined): boolean {
  if (text === undefined || text === "" || text === "0" || text === "false") return false;
  if (text === "1" || text === "true") return true;
  throw new UsageError(`${name} must be 1 or 0, not "${text}"`);
}

/** MT5_TERMINALS, or the single MT5_RPC_HOST and MT5_RPC_PORT of the original service. */
function terminalsOf(env: Record<string, string | undefined>): string | undefined {
  if (env.MT5_TERMINALS) return env.MT5_TERMINALS;
  return env.MT5_RPC_HOST ? `${env.MT5_RPC_HOST}:${env.MT5_RPC_PORT || DEFAULT_RPC_PORT}` : undefined;
}

function handedOn(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(OF_THE_TERMINALS.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

/** RPyC's own default port, which the original service used. */
const DEFAULT_RPC_PORT = "18812";

function optional<K extends string, T>(key: K, value: T | undefined | ""): { [P in K]?: T } {
  return value === undefined || value === "" ? {} : ({ [key]: value } as { [P in K]: T });
}
