// The environment as one checked, frozen object. All faults are found in one go, keys included: a wrong half must show
// when the function starts, not when a user connects. Nothing else reads the environment.
import { z } from "zod";
import { LINK_PATH } from "../_shared/protocol/mod.ts";
import { halvesMatch, isUsablePublicKey } from "./crypto/mod.ts";
import { LogLevel } from "./log.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const Coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be a P-256 number in base64url");
const KeyBase = { kty: z.literal("EC"), crv: z.literal("P-256"), x: Coordinate, y: Coordinate, kid: z.string().min(1) };
/** A public key file that still holds its private part was copied from the wrong side: refuse rather than deploy it. */
const NoPrivatePart = z.undefined("must not hold the private part (d)").optional();

export const SealKey = z
  .object({ ...KeyBase, d: NoPrivatePart, use: z.literal("enc").optional(), alg: z.literal("ECDH-ES").optional() })
  .refine(isUsablePublicKey, "is not a point on P-256");
export type SealKey = z.infer<typeof SealKey>;

export const SignKey = z
  .object({ ...KeyBase, d: NoPrivatePart, use: z.literal("sig").optional(), alg: z.literal("ES256").optional() })
  .refine(isUsablePublicKey, "is not a point on P-256");
export type SignKey = z.infer<typeof SignKey>;

export const LinkPrivateKey = z
  .object({ ...KeyBase, d: Coordinate, use: z.literal("sig").optional(), alg: z.literal("ES256").optional() })
  .refine(halvesMatch, "private and public half do not belong together");
export type LinkPrivateKey = z.infer<typeof LinkPrivateKey>;

/** An environment value holding JSON. The parser's own message is dropped: it quotes the text, which may be a key. */
function json<Schema extends z.ZodType>(schema: Schema) {
  const parse = z.string().transform((text, context) => {
    try {
      const value: unknown = JSON.parse(text);
      return value;
    } catch {
      context.addIssue({ code: "custom", message: "is not JSON" });
      return z.NEVER;
    }
  });
  return parse.pipe(schema);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

function isLinkUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.search !== "" || url.hash !== "") return false;
  const secure = url.protocol === "wss:" || (url.protocol === "ws:" && isLoopback(url.hostname));
  return secure && url.pathname.endsWith(LINK_PATH);
}

const hasDuplicates = (values: string[]): boolean => new Set(values).size !== values.length;

const Ring = <Key extends z.ZodType<{ kid: string; x: string }>>(key: Key) =>
  z.object({
    keys: z
      .array(key)
      .min(1, "needs at least one key")
      .refine((keys) => !hasDuplicates(keys.map((k) => k.kid)), "has two keys with the same kid")
      .refine((keys) => !hasDuplicates(keys.map((k) => k.x)), "has the same key twice"),
  });

const Worker = z
  .strictObject({
    url: z.string().refine(isLinkUrl, `must be wss://…${LINK_PATH} (plain ws:// only on loopback)`),
    seal_jwks: Ring(SealKey),
    sign_jwks: Ring(SignKey),
  })
  .refine(
    ({ seal_jwks, sign_jwks }) => !hasDuplicates([...seal_jwks.keys, ...sign_jwks.keys].map((key) => key.x)),
    "uses one key both to seal and to sign",
  );

const WorkerId = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "is not a worker id (letters, digits, . _ -)");
const Workers = z
  .record(WorkerId, Worker)
  .refine((workers) => Object.keys(workers).length > 0, "names no worker")
  .refine((workers) => !hasDuplicates(Object.values(workers).map((worker) => worker.url)), "has one URL twice");

const HttpUrl = z
  .url({ protocol: /^https?$/, error: "must be an http or https URL" })
  .transform((url) => url.replace(/\/+$/, ""));
const ApiKeys = json(z.record(z.string(), z.string().min(1)));

const Variables = z.object({
  SUPABASE_URL: HttpUrl,
  SUPABASE_SECRET_KEYS: ApiKeys.optional(),
  SUPABASE_SERVICE_ROLE_KEY: z.string().min(1).optional(),
  SUPABASE_PUBLISHABLE_KEYS: ApiKeys.optional(),
  SUPABASE_ANON_KEY: z.string().min(1).optional(),
  LINK_PRIVATE_JWK: json(LinkPrivateKey),
  WORKERS: json(Workers),
  JWT_ISSUER: z.string().min(1).optional(),
  JWKS_URL: HttpUrl.optional(),
  CORS_ORIGINS: z.string().min(1).default("*"),
  LOG_LEVEL: LogLevel.default("info"),
});

export type WorkerConfig = { id: string; url: string; sealKeys: SealKey[]; signKeys: SignKey[] };
export type Config = {
  supabaseUrl: string;
  secretKey: string;
  publishableKey: string;
  linkPrivateKey: LinkPrivateKey;
  /** In the order of the environment: new accounts go to the first. */
  workers: WorkerConfig[];
  jwtIssuer: string;
  jwksUrl: string;
  corsOrigins: "*" | string[];
  logLevel: LogLevel;
};

/** Every fault of the environment, named by variable; never a value of it. */
export class ConfigError extends Error {
  readonly faults: string[];

  constructor(faults: string[]) {
    super(`The configuration is not usable: ${faults.join("; ")}`);
    this.name = "ConfigError";
    this.faults = faults;
  }
}

/** Throws ConfigError with all faults at once. */
export async function parseConfig(env: Environment): Promise<Config> {
  // An empty variable is how an unset one looks in many deployment tools.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const parsed = await Variables.safeParseAsync(given);
  const faults = parsed.success ? [] : parsed.error.issues.map((issue) => describeIssue(issue, given));
  for (const [keys, legacy] of KEY_PAIRS) {
    if (given[keys] === undefined && given[legacy] === undefined) faults.push(`${keys} (or ${legacy}): is missing`);
  }
  const variables = parsed.data;
  const secretKey = variables?.SUPABASE_SECRET_KEYS?.default ?? variables?.SUPABASE_SERVICE_ROLE_KEY;
  const publishableKey = variables?.SUPABASE_PUBLISHABLE_KEYS?.default ?? variables?.SUPABASE_ANON_KEY;
  if (variables !== undefined && faults.length === 0) {
    if (secretKey === undefined) faults.push('SUPABASE_SECRET_KEYS: has no key named "default"');
    if (publishableKey === undefined) faults.push('SUPABASE_PUBLISHABLE_KEYS: has no key named "default"');
  }
  if (faults.length > 0 || variables === undefined || secretKey === undefined || publishableKey === undefined) {
    throw new ConfigError(faults);
  }
  const supabaseUrl = variables.SUPABASE_URL;
  const origins = variables.CORS_ORIGINS.split(",").map((origin) => origin.trim());
  return Object.freeze({
    supabaseUrl,
    secretKey,
    publishableKey,
    linkPrivateKey: variables.LINK_PRIVATE_JWK,
    workers: Object.entries(variables.WORKERS).map(([id, worker]) => ({
      id,
      url: worker.url,
      sealKeys: worker.seal_jwks.keys,
      signKeys: worker.sign_jwks.keys,
    })),
    jwtIssuer: variables.JWT_ISSUER ?? `${supabaseUrl}/auth/v1`,
    jwksUrl: variables.JWKS_URL ?? `${supabaseUrl}/auth/v1/.well-known/jwks.json`,
    corsOrigins: origins.includes("*") ? "*" : origins,
    logLevel: variables.LOG_LEVEL,
  });
}

const KEY_PAIRS = [
  ["SUPABASE_SECRET_KEYS", "SUPABASE_SERVICE_ROLE_KEY"],
  ["SUPABASE_PUBLISHABLE_KEYS", "SUPABASE_ANON_KEY"],
] as const;

function describeIssue({ path, message }: z.core.$ZodIssue, given: Environment): string {
  const [variable] = path;
  const missing = path.length === 1 && given[String(variable)] === undefined;
  return `${path.join(".")}: ${missing ? "is missing" : message}`;
}
