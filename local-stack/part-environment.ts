// The environment variables of the worker and of the function. Pure: key files come in as text, ports as numbers.
import { z } from "zod";
import { parseEnvFile } from "./env-file.ts";
import type { ApiKeys } from "./keys.ts";

export const WORKER_ID = "local-1";

/** The address that the function's WORKERS names; its port is chosen at every start. */
export function workerLinkUrl(port: number): string {
  return `ws://127.0.0.1:${port}/v1/link`;
}

export function workerEnvironment(options: {
  keyFile: string;
  port: number;
  dataDir: string;
  apiUrl: string;
  terminals?: string | undefined;
  extra?: Record<string, string> | undefined;
}): Record<string, string> {
  return {
    ...parseEnvFile(options.keyFile),
    WORKER_ID,
    WORKER_HOST: "127.0.0.1",
    WORKER_PORT: String(options.port),
    WORKER_DATA_DIR: options.dataDir,
    SUPABASE_URL: options.apiUrl,
    ...(options.terminals ? { MT5_TERMINALS: options.terminals } : {}),
    ...options.extra,
  };
}

const Workers = z.record(z.string(), z.looseObject({ url: z.string() }));

/** As Supabase sets it for a hosted function, both generations of keys, plus the function's own secrets. */
export function functionEnvironment(options: {
  keyFile: string;
  workerPort: number;
  apiUrl: string;
  keys: ApiKeys;
  extra?: Record<string, string> | undefined;
}): Record<string, string> {
  const { WORKERS, ...secrets } = parseEnvFile(options.keyFile);
  return {
    ...secrets,
    ...(WORKERS === undefined ? {} : { WORKERS: withWorkerUrl(WORKERS, workerLinkUrl(options.workerPort)) }),
    SUPABASE_URL: options.apiUrl,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: options.keys.publishable_key }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: options.keys.secret_key }),
    SUPABASE_ANON_KEY: options.keys.anon_key,
    SUPABASE_SERVICE_ROLE_KEY: options.keys.service_role_key,
    ...options.extra,
  };
}

function withWorkerUrl(workers: string, url: string): string {
  const parsed = Workers.parse(JSON.parse(workers));
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(parsed).map(([id, worker]) => [id, id === WORKER_ID ? { ...worker, url } : worker]),
    ),
  );
}
