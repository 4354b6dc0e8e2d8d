// The worker's configuration: the environment, parsed once. Every fault is reported in one message and the process does
// not start. Secret values never appear in it.
import { calculateJwkThumbprint, importJWK, type JWK } from "jose";
import { z } from "zod";
import { CREDENTIAL_ALG, SIGNATURE_ALG } from "./protocol.ts";
import { PRESETS, type PresetName, SETTLE_POLICY, type SettlePolicy } from "./scheduler/mod.ts";
import { readTerminals, type TerminalConfig } from "./terminal-config.ts";

const PORT_DEFAULT = 8790;
const SIMULATOR_TERMINALS_DEFAULT = 2;
const SIMULATOR_LOGIN_MS_DEFAULT = 300;
const SIMULATOR_SEND_MS_DEFAULT = 40;

export type Config = {
  workerId: string;
  host: string;
  port: number;
  dataDir: string;
  logLevel: string;
  supabaseUrl: string;
  jwksUrl: string;
  jwtIssuer: string;
  resultsUrl: string;
  sealRing: JWK[];
  resultKey: JWK;
  linkKeys: JWK[];
  terminals: TerminalConfig[];
  /** Used when no terminal is configured. */
  simulator: { terminals: number; seed: number; loginMs: number; sendMs: number };
  /** When open outcomes are looked for, and the intervals that a proof of absence takes. */
  settlePolicy: SettlePolicy;
  /** Who waits for whom when accounts are more than terminals. */
  scheduling: PresetName;
  plainRpc: boolean;
};

/** A configuration with faults; `faults` are complete sentences without secret values. */
export class ConfigError extends Error {
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(`The configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
    this.name = "ConfigError";
    this.faults = faults;
  }
}

const EcKey = z.looseObject({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
  kid: z.string(),
});
const PrivateEcKey = EcKey.extend({ d: z.string() });

/** JSON text in a variable, parsed by `schema`. The text is never repeated: it may be a private key. */
function json<Schema extends z.ZodType>(schema: Schema, what: string) {
  return z.string().transform((text, context): z.infer<Schema> => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: `must be ${what}` });
    return z.NEVER;
  });
}

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

const Environment = z.object({
  WORKER_ID: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 letters, digits, ., _ or -"),
  WORKER_HOST: z.string().default("127.0.0.1"),
  WORKER_PORT: whole(0, 65_535).default(PORT_DEFAULT),
  WORKER_DATA_DIR: z.string().min(1),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal"]).default("info"),
  SUPABASE_URL: z.url({ protocol: /^https?$/ }),
  JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  JWT_ISSUER: z.string().optional(),
  RESULTS_URL: z.url({ protocol: /^https?$/ }).optional(),
  SEAL_PRIVATE_JWKS: json(z.object({ keys: z.array(PrivateEcKey).min(1) }), "a JWKS of private P-256 keys with kid"),
  RESULT_PRIVATE_JWK: json(PrivateEcKey, "a private P-256 JWK with kid"),
  LINK_JWKS: json(z.object({ keys: z.array(EcKey).min(1) }), "a JWKS of public P-256 keys with kid"),
  MT5_TERMINALS: z.string().optional(),
  MT5_TERMINAL_PATHS: json(
    z.record(z.string(), z.string().min(1)),
    "a JSON object of host:port → path of terminal64.exe",
  ).optional(),
  MT5_TERMINAL_OPTIONS: json(
    z.record(z.string(), z.unknown()),
    "a JSON object of host:port → options of that terminal",
  ).optional(),
  MT5_RPC_HOST: z.string().optional(),
  MT5_RPC_PORT: whole(1, 65_535).optional(),
  MT5_RPC_DIALECT: z.enum(["auto", "v5", "v6"]).default("auto"),
  MT5_TLS_CA_FILE: z.string().optional(),
  MT5_TLS_CERT_FILE: z.string().optional(),
  MT5_TLS_KEY_FILE: z.string().optional(),
  ALLOW_PLAIN_RPC: z.enum(["0", "1"]).default("0"),
  PROOF_QUIET_MS: whole(SETTLE_POLICY.quietMs, 3_600_000).default(SETTLE_POLICY.quietMs),
  PROOF_SEARCH_GAP_MS: whole(SETTLE_POLICY.searchGapMs, 3_600_000).default(SETTLE_POLICY.searchGapMs),
  PROOF_STABLE_MS: whole(SETTLE_POLICY.stableMs, 3_600_000).default(SETTLE_POLICY.stableMs),
  SCHEDULING: z.enum(Object.keys(PRESETS) as [PresetName, ...PresetName[]]).default("balanced"),
  SIMULATOR_TERMINALS: whole(1, 64).default(SIMULATOR_TERMINALS_DEFAULT),
  SIMULATOR_SEED: whole(0, 2 ** 32 - 1).default(1),
  SIMULATOR_LOGIN_MS: whole(0, 30_000).default(SIMULATOR_LOGIN_MS_DEFAULT),
  SIMULATOR_SEND_MS: whole(0, 30_000).default(SIMULATOR_SEND_MS_DEFAULT),
});
type Environment = z.infer<typeof Environment>;

/** Parses the environment. Throws ConfigError with every fault. Reads the TLS files it names. */
export async function readConfig(environment: Record<string, string | undefined>): Promise<Config> {
  const faults: string[] = [];
  const env = parseEach(environment, faults);
  faults.push(...(await keyFaults(env)));
  const terminals = readTerminals(env, faults);
  const plainOffHost = terminals.filter(({ endpoint }) => endpoint.tls === undefined && !isLoopback(endpoint.host));
  if (plainOffHost.length > 0 && env.ALLOW_PLAIN_RPC === "0") {
    const names = plainOffHost.map(({ name }) => name).join(", ");
    faults.push(
      `MT5_TERMINALS: ${names} is not on this host and has no TLS: write tls://host:port, or set ALLOW_PLAIN_RPC=1`,
    );
  }
  if (faults.length > 0 || !isComplete(env)) throw new ConfigError(faults);
  const base = env.SUPABASE_URL.replace(/\/+$/, "");
  return Object.freeze({
    workerId: env.WORKER_ID,
    host: env.WORKER_HOST,
    port: env.WORKER_PORT,
    dataDir: env.WORKER_DATA_DIR,
    logLevel: env.LOG_LEVEL,
    supabaseUrl: base,
    jwksUrl: env.JWKS_URL ?? `${base}/auth/v1/.well-known/jwks.json`,
    jwtIssuer: env.JWT_ISSUER ?? `${base}/auth/v1`,
    resultsUrl: env.RESULTS_URL ?? `${base}/functions/v1/api/v1/internal/results`,
    sealRing: env.SEAL_PRIVATE_JWKS.keys,
    resultKey: env.RESULT_PRIVATE_JWK,
    linkKeys: env.LINK_JWKS.keys,
    terminals,
    simulator: {
      terminals: env.SIMULATOR_TERMINALS,
      seed: env.SIMULATOR_SEED,
      loginMs: env.SIMULATOR_LOGIN_MS,
      sendMs: env.SIMULATOR_SEND_MS,
    },
    scheduling: env.SCHEDULING,
    settlePolicy: {
      ...SETTLE_POLICY,
      quietMs: env.PROOF_QUIET_MS,
      searchGapMs: env.PROOF_SEARCH_GAP_MS,
      stableMs: env.PROOF_STABLE_MS,
    },
    plainRpc: plainOffHost.length > 0,
  });
}

/**
 * Every variable by itself, so that one fault hides no other: what is valid can be checked against its neighbours, what
 * is not is left out.
 */
function parseEach(environment: Record<string, string | undefined>, faults: string[]): Partial<Environment> {
  const parsed: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(Environment.shape)) {
    // An empty variable in an env file means the same as none.
    const result = schema.safeParse(environment[name] || undefined);
    if (result.success) parsed[name] = result.data;
    else faults.push(...result.error.issues.map((issue) => faultOf(name, issue, environment[name])));
  }
  return parsed as Partial<Environment>;
}

/** Without faults every variable is there: the schema has said so, field by field. */
function isComplete(env: Partial<Environment>): env is Environment {
  return Environment.keyof().options.every((name) => name in env);
}

function faultOf(name: string, issue: z.core.$ZodIssue, value: string | undefined): string {
  return value ? `${name} ${issue.message}` : `${name} is missing`;
}

/**
 * Keys made by `npm run keys` are named by their thumbprint; a kid that differs is a mixed-up file. So is a key that cannot
 * be imported: its point is not on the curve, or the private half is another key's.
 */
async function keyFaults(env: Partial<Environment>): Promise<string[]> {
  const faults: string[] = [];
  const groups: [string, string, JWK[]][] = [
    ["SEAL_PRIVATE_JWKS", CREDENTIAL_ALG, env.SEAL_PRIVATE_JWKS?.keys ?? []],
    ["RESULT_PRIVATE_JWK", SIGNATURE_ALG, env.RESULT_PRIVATE_JWK === undefined ? [] : [env.RESULT_PRIVATE_JWK]],
    ["LINK_JWKS", SIGNATURE_ALG, env.LINK_JWKS?.keys ?? []],
  ];
  for (const [name, alg, keys] of groups) {
    const kids = new Set(keys.map((key) => key.kid));
    if (kids.size < keys.length) faults.push(`${name} has two keys with one kid`);
    for (const key of keys) {
      if (key.kid !== (await calculateJwkThumbprint(key)))
        faults.push(`${name}: kid "${key.kid}" is not the key's thumbprint`);
      // What it throws is left out: it may be about the private half.
      if ((await importJWK(key, alg).catch(() => undefined)) === undefined)
        faults.push(`${name}: the key with kid "${key.kid}" is not valid, or its halves do not belong together`);
    }
  }
  if (env.LINK_JWKS?.keys.some((key) => "d" in key)) {
    faults.push("LINK_JWKS holds a private key: the worker must only have the function's public half");
  }
  return faults;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.[0-9.]+$/.test(host);
}
