// The local project's keys, made once per data folder and kept: signing keys (private JWKs, in the form that
// `supabase gen signing-key` writes and config.toml's `signing_keys_path` reads) and API keys of both generations.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { z } from "zod";

export const SIGNING_ALGORITHM = "ES256";
const TEN_YEARS_S = 10 * 365 * 24 * 60 * 60;

const PrivateJwk = z.looseObject({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  kid: z.string().min(1),
  x: z.string(),
  y: z.string(),
  d: z.string(),
});
type PrivateJwk = z.infer<typeof PrivateJwk>;
const SigningKeys = z.array(PrivateJwk).min(1);

const ApiKeys = z.strictObject({
  anon_key: z.string(),
  service_role_key: z.string(),
  publishable_key: z.string(),
  secret_key: z.string(),
});
export type ApiKeys = z.infer<typeof ApiKeys>;

/** A public key as `/auth/v1/.well-known/jwks.json` shows it. */
export type PublicJwk = {
  kty: "EC";
  crv: "P-256";
  kid: string;
  alg: string;
  use: "sig";
  key_ops: ["verify"];
  x: string;
  y: string;
};

export interface ProjectKeys {
  readonly api: ApiKeys;
  readonly jwks: { keys: PublicJwk[] };
  /** Signs with the newest key. `claims` must carry exp. */
  sign(claims: Record<string, unknown>): Promise<string>;
}

/**
 * Reads `signing_keys.json` and `api_keys.json` from the folder; makes those that are missing (mode 0600). API keys are
 * made anew when the signing key they were signed with is gone, because nobody could verify them.
 */
export async function loadProjectKeys(folder: string): Promise<ProjectKeys> {
  mkdirSync(folder, { recursive: true });
  const signing = await loadOrMake(join(folder, "signing_keys.json"), SigningKeys, async () => [await newSigningKey()]);
  const first = signing[0];
  if (first === undefined) throw new Error("signing_keys.json holds no key");
  const key = await importSigningKey(first);
  const sign = (claims: Record<string, unknown>): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: SIGNING_ALGORITHM, kid: first.kid, typ: "JWT" }).sign(key);

  const file = join(folder, "api_keys.json");
  const make = (): Promise<ApiKeys> => newApiKeys(sign);
  let api = await loadOrMake(file, ApiKeys, make);
  if (!signing.some(({ kid }) => kid === keyIdOf(api.anon_key))) api = await store(file, await make());
  return { api, jwks: { keys: signing.map(publicJwk) }, sign };
}

export function publicJwk({ kid, x, y }: PrivateJwk): PublicJwk {
  return { kty: "EC", crv: "P-256", kid, alg: SIGNING_ALGORITHM, use: "sig", key_ops: ["verify"], x, y };
}

async function newSigningKey(): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = crypto.randomUUID();
  return PrivateJwk.parse({ ...jwk, kid, use: "sig", key_ops: ["sign", "verify"], alg: SIGNING_ALGORITHM, ext: true });
}

async function importSigningKey({ kty, crv, x, y, d }: PrivateJwk): Promise<CryptoKey> {
  // Without the file's `key_ops`: WebCrypto refuses a private key that also claims "verify".
  const key = await importJWK({ kty, crv, x, y, d }, SIGNING_ALGORITHM);
  if (key instanceof Uint8Array) throw new Error("signing_keys.json holds no EC key");
  return key;
}

async function newApiKeys(sign: ProjectKeys["sign"]): Promise<ApiKeys> {
  const iat = Math.floor(Date.now() / 1000);
  const jwtKey = (role: string): Promise<string> =>
    sign({ iss: "supabase", ref: "local", role, iat, exp: iat + TEN_YEARS_S });
  return {
    anon_key: await jwtKey("anon"),
    service_role_key: await jwtKey("service_role"),
    publishable_key: `sb_publishable_${opaque()}`,
    secret_key: `sb_secret_${opaque()}`,
  };
}

/** The shape of the platform's keys: 22 characters, an underscore, 8 more. */
function opaque(): string {
  return `${randomBytes(24).toString("base64url").slice(0, 22)}_${randomBytes(6).toString("base64url")}`;
}

function keyIdOf(jwt: string): string | undefined {
  const header: unknown = JSON.parse(Buffer.from(jwt.split(".")[0] ?? "", "base64url").toString() || "{}");
  return z.looseObject({ kid: z.string() }).safeParse(header).data?.kid;
}

async function loadOrMake<T>(file: string, schema: z.ZodType<T>, make: () => Promise<T>): Promise<T> {
  if (!existsSync(file)) return store(file, await make());
  try {
    return schema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new Error(`Cannot use "${file}": ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

async function store<T>(file: string, value: T): Promise<T> {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  return value;
}
