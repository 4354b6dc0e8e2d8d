// Which terminals the configuration names, how each is reached and what it may serve. Every fault is found; none of them
// repeats a login, a command or a key.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { AccountRef } from "./protocol.ts";
import type { RpcEndpoint } from "./rpyc/mod.ts";
import { isSameServer, isSameSpelled, type TerminalLimits } from "./terminals/mod.ts";

const RPYC_PORT_DEFAULT = 18812;
const OPTIONS = "MT5_TERMINAL_OPTIONS";

export type TerminalConfig = {
  name: string;
  endpoint: RpcEndpoint;
  path?: string;
  limits: TerminalLimits;
  /** The command that restarts it, with its arguments. */
  recycle?: readonly string[];
};

/** The variables that this file reads; each may be missing. */
export type TerminalVariables = {
  MT5_TERMINALS?: string | undefined;
  MT5_TERMINAL_PATHS?: Record<string, string> | undefined;
  MT5_TERMINAL_OPTIONS?: Record<string, unknown> | undefined;
  MT5_RPC_HOST?: string | undefined;
  MT5_RPC_PORT?: number | undefined;
  MT5_RPC_DIALECT?: "auto" | "v5" | "v6" | undefined;
  MT5_TLS_CA_FILE?: string | undefined;
  MT5_TLS_CERT_FILE?: string | undefined;
  MT5_TLS_KEY_FILE?: string | undefined;
};

const Text = z
  .string()
  .min(1)
  .max(1_000)
  .regex(/^[^\0]*$/, "must hold no null character");
const TlsFiles = z.strictObject({ ca: Text.optional(), cert: Text.optional(), key: Text.optional() });
const TerminalOptions = z.strictObject({
  /** How it is called in logs, in `/health` and in the journal. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 letters, digits, ., _ or -")
    .optional(),
  path: Text.optional(),
  servers: z.array(AccountRef.shape.server).min(1).optional(),
  pinned: z.array(z.strictObject(AccountRef.shape)).min(1).optional(),
  /** Its environment is empty: no PATH finds a program. */
  recycle: z.tuple([Text.regex(/^(\/|[A-Za-z]:[\\/])/, "must be an absolute path")], Text).optional(),
  tls: TlsFiles.optional(),
});
type TerminalOptions = z.infer<typeof TerminalOptions>;
type TlsFiles = z.infer<typeof TlsFiles>;

/** Adds to `faults`; what it returns is worth nothing then. */
export function readTerminals(env: TerminalVariables, faults: string[]): TerminalConfig[] {
  const entries = readEntries(env, faults);
  const shared = { ca: env.MT5_TLS_CA_FILE, cert: env.MT5_TLS_CERT_FILE, key: env.MT5_TLS_KEY_FILE };
  const sharedTls = entries.length > 0 ? readTls(shared, (key) => `MT5_TLS_${key.toUpperCase()}_FILE`, faults) : {};
  const options = readOptions(env.MT5_TERMINAL_OPTIONS ?? {}, faults);
  const terminals = entries.map(({ address, host, port, isTls }): TerminalConfig => {
    const { name = address, path = env.MT5_TERMINAL_PATHS?.[address], tls, ...own } = options.get(address) ?? {};
    if (tls !== undefined && !isTls) faults.push(`${OPTIONS}: ${address} has tls, but is not tls:// in MT5_TERMINALS`);
    const ownTls = readTls(tls ?? {}, (key) => `${OPTIONS}["${address}"].tls.${key}`, faults);
    const endpoint = { host, port, dialect: env.MT5_RPC_DIALECT ?? "auto" };
    return {
      name,
      endpoint: isTls ? { ...endpoint, tls: { ...sharedTls, ...ownTls } } : endpoint,
      ...(path === undefined ? {} : { path }),
      limits: { servers: own.servers ?? null, pinned: own.pinned ?? [] },
      ...(own.recycle === undefined ? {} : { recycle: own.recycle }),
    };
  });
  const addresses = new Set(entries.map(({ address }) => address));
  for (const [variable, named] of Object.entries({
    MT5_TERMINAL_PATHS: env.MT5_TERMINAL_PATHS,
    [OPTIONS]: env[OPTIONS],
  }))
    for (const address of Object.keys(named ?? {}))
      if (!addresses.has(address)) faults.push(`${variable} names ${address}, which is not in MT5_TERMINALS`);
  for (const address of options.keys())
    if (options.get(address)?.path !== undefined && env.MT5_TERMINAL_PATHS?.[address] !== undefined)
      faults.push(`${OPTIONS}: the path of ${address} stands in MT5_TERMINAL_PATHS too: use one of them`);
  faults.push(...limitFaults(terminals));
  return terminals;
}

type Entry = { address: string; host: string; port: number; isTls: boolean };

function readEntries(env: TerminalVariables, faults: string[]): Entry[] {
  const single =
    env.MT5_RPC_HOST === undefined ? undefined : `${env.MT5_RPC_HOST}:${env.MT5_RPC_PORT ?? RPYC_PORT_DEFAULT}`;
  if (env.MT5_TERMINALS !== undefined && single !== undefined) {
    faults.push("MT5_TERMINALS and MT5_RPC_HOST are both set: use one of them");
  }
  if (env.MT5_RPC_PORT !== undefined && env.MT5_RPC_HOST === undefined) {
    faults.push("MT5_RPC_PORT is set without MT5_RPC_HOST");
  }
  const list = env.MT5_TERMINALS ?? single;
  if (list === undefined) return [];
  const seen = new Set<string>();
  return list.split(",").flatMap((entry) => {
    const match = /^(tls:\/\/)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})$/.exec(entry.trim());
    const port = Number(match?.[3]);
    if (match === null || port < 1 || port > 65_535) {
      faults.push(`MT5_TERMINALS: "${entry.trim()}" is not host:port or tls://host:port`);
      return [];
    }
    const host = (match[2] ?? "").replace(/^\[|\]$/g, "");
    const address = `${host}:${port}`;
    // Two owners of one process would take the terminal from each other at every call.
    if (seen.has(address)) {
      faults.push(`MT5_TERMINALS names ${address} twice`);
      return [];
    }
    seen.add(address);
    return [{ address, host, port, isTls: match[1] !== undefined }];
  });
}

function readOptions(all: Record<string, unknown>, faults: string[]): Map<string, TerminalOptions> {
  const options = new Map<string, TerminalOptions>();
  for (const [address, value] of Object.entries(all)) {
    const parsed = TerminalOptions.safeParse(value);
    if (parsed.success) options.set(address, parsed.data);
    else
      faults.push(...parsed.error.issues.map((issue) => `${OPTIONS}["${address}"]${pathOf(issue)}: ${issue.message}`));
  }
  return options;
}

function pathOf({ path }: z.core.$ZodIssue): string {
  return path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
}

/** What does not fit between the terminals. An account is named by its place: its login is nobody's business. */
function limitFaults(terminals: readonly TerminalConfig[]): string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  const pins = terminals.flatMap(({ name, limits }) =>
    limits.pinned.map((account, index) => ({ account, limits, where: `pinned[${index}] of ${name}` })),
  );
  for (const { name } of terminals) {
    if (names.has(name)) faults.push(`${OPTIONS}: two terminals are called ${name}`);
    names.add(name);
  }
  for (const [index, { account, limits, where }] of pins.entries()) {
    const before = pins.slice(0, index).find((other) => isSameSpelled(other.account, account));
    if (before !== undefined)
      faults.push(`${OPTIONS}: ${where} is the account of ${before.where}: one terminal serves it`);
    const { servers } = limits;
    if (servers !== null && !servers.some((server) => isSameServer(server, account.server)))
      faults.push(`${OPTIONS}: ${where} is on a server that this terminal may not log in to`);
  }
  return faults;
}

type Tls = NonNullable<RpcEndpoint["tls"]>;

function readTls(files: TlsFilesOf, variable: (key: keyof TlsFiles) => string, faults: string[]): Tls {
  const read: Tls = {};
  for (const key of ["ca", "cert", "key"] as const) {
    const file = files[key];
    if (file === undefined) continue;
    try {
      read[key] = readFileSync(file, "utf8");
    } catch {
      faults.push(`${variable(key)} cannot be read: ${file}`);
    }
  }
  if ((files.cert === undefined) !== (files.key === undefined)) {
    faults.push(`${variable("cert")} and ${variable("key")} belong together: one is missing`);
  }
  return read;
}

type TlsFilesOf = { [Key in keyof TlsFiles]?: string | undefined };
