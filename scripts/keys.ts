// `npm run keys -- --worker-url wss://mt5.example.com/v1/link`: writes one fresh, complete set of keys for a function
// and its worker. Private halves go to one side only: the function can sign calls but open no password; the worker can
// open passwords but call nothing.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";

type KeyUse = { alg: "ES256" | "ECDH-ES"; use: "sig" | "enc" };
export type KeyPair = { privateJwk: JWK; publicJwk: JWK };

/** A P-256 key pair as JWKs. `kid` is the RFC 7638 thumbprint, so the two halves name themselves alike. */
export async function makeKeyPair({ alg, use }: KeyUse): Promise<KeyPair> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, crv: "P-256" });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  const { d: _private, ...publicPart } = jwk;
  const described = { kid, alg, use };
  return { privateJwk: { ...jwk, ...described }, publicJwk: { ...publicPart, ...described } };
}

export type KeySetOptions = { dir: string; workerId: string; workerUrl: string; force?: boolean };
export type KeySetFiles = { functionEnv: string; workerEnv: string; signingKeys: string };

/**
 * Writes `function.env`, `worker.env` (lines NAME=JSON) and `signing_keys.json` (the auth server's own ES256 key, in the
 * form that config.toml's `signing_keys_path` reads), all readable by the owner only.
 * Throws when one of them exists, unless `force`: keys that are lost make every stored password unreadable.
 */
export async function writeKeySet(options: KeySetOptions): Promise<KeySetFiles> {
  const { dir, workerId, workerUrl, force = false } = options;
  const files = {
    functionEnv: join(dir, "function.env"),
    workerEnv: join(dir, "worker.env"),
    signingKeys: join(dir, "signing_keys.json"),
  };
  const existing = Object.values(files).filter((file) => existsSync(file));
  if (existing.length > 0 && !force) {
    const names = existing.join(", ");
    throw new Error(`Refusing to overwrite ${names}: without these keys no stored password can be opened (--force)`);
  }

  const link = await makeKeyPair({ alg: "ES256", use: "sig" });
  const result = await makeKeyPair({ alg: "ES256", use: "sig" });
  const seal = await makeKeyPair({ alg: "ECDH-ES", use: "enc" });
  const auth = await makeKeyPair({ alg: "ES256", use: "sig" });
  const workers = {
    [workerId]: { url: workerUrl, seal_jwks: { keys: [seal.publicJwk] }, sign_jwks: { keys: [result.publicJwk] } },
  };
  const lines = (values: Record<string, unknown>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}\n`)
      .join("");

  mkdirSync(dir, { recursive: true });
  writePrivate(files.functionEnv, lines({ LINK_PRIVATE_JWK: link.privateJwk, WORKERS: workers }));
  writePrivate(
    files.workerEnv,
    lines({
      WORKER_ID: workerId,
      SEAL_PRIVATE_JWKS: { keys: [seal.privateJwk] },
      RESULT_PRIVATE_JWK: result.privateJwk,
      LINK_JWKS: { keys: [link.publicJwk] },
    }),
  );
  writePrivate(files.signingKeys, `${JSON.stringify([{ ...auth.privateJwk, key_ops: ["sign"] }], null, 2)}\n`);
  return files;
}

function writePrivate(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
  // The mode above counts for new files only; a file that `force` overwrites keeps its own.
  chmodSync(file, 0o600);
}

const USAGE = `usage: npm run keys -- --worker-url URL [--worker-id ID] [--out DIR] [--force]
  URL  where the function reaches the worker, for example wss://mt5.example.com/v1/link
  ID   the worker's name (default worker-1)
  DIR  where the three files go (default ./keys)`;

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      "worker-url": { type: "string" },
      "worker-id": { type: "string", default: "worker-1" },
      out: { type: "string", default: "keys" },
      force: { type: "boolean", default: false },
    },
  });
  const workerUrl = values["worker-url"];
  if (workerUrl === undefined || !/^wss?:\/\//.test(workerUrl)) {
    console.error(USAGE);
    process.exit(2);
  }
  const files = await writeKeySet({
    dir: values.out,
    workerId: values["worker-id"],
    workerUrl,
    force: values.force,
  }).catch((error: Error) => {
    console.error(error.message);
    process.exit(1);
  });
  console.log(
    `${files.functionEnv}   secrets of the edge function: supabase secrets set --env-file ${files.functionEnv}`,
  );
  console.log(`${files.workerEnv}     environment of the bridge worker, on its host only`);
  console.log(`${files.signingKeys}  auth signing key for local Supabase (config.toml: auth.signing_keys_path)`);
}
