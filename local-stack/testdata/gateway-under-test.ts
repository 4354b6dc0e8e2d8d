// A gateway on a test database with the functions of rpc-functions.sql, and plain requests to it, for the tests beside it.
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { createTestDatabase, type TestDatabase } from "../../tests/support/database.ts";
import type { FunctionTarget } from "../gateway/function-proxy.ts";
import { startGateway } from "../gateway/mod.ts";
import { loadProjectKeys, type ProjectKeys } from "../keys.ts";

export interface GatewayUnderTest {
  url: string;
  keys: ProjectKeys;
  database: TestDatabase;
  log: string[];
  /** Unmodified supabase-js with that API key. */
  client(apikey: string): SupabaseClient;
  /** A plain request; `apikey` is the publishable key unless given. The body, parsed, and the status. */
  call(
    path: string,
    init?: RequestInit & { apikey?: string | null },
  ): Promise<{ status: number; body: unknown; headers: Headers }>;
  rpc(
    name: string,
    args: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: unknown; headers: Headers }>;
  setFunction(target: FunctionTarget | undefined): void;
  close(): Promise<void>;
}

export async function startGatewayUnderTest(): Promise<GatewayUnderTest> {
  const database = await createTestDatabase();
  await database.query("postgres", null, "select 1");
  await database.pool().query(readFileSync(new URL("./rpc-functions.sql", import.meta.url), "utf8"));
  const folder = await mkdtemp(join(tmpdir(), "switchyard-keys-"));
  const keys = await loadProjectKeys(folder);
  const log: string[] = [];
  let target: FunctionTarget | undefined;
  const gateway = await startGateway({
    port: 0,
    database: database.address,
    keys,
    functionTarget: () => target,
    log: (line) => log.push(line),
  });
  const call: GatewayUnderTest["call"] = async (path, { apikey = keys.api.publishable_key, headers, ...init } = {}) => {
    const response = await fetch(`${gateway.url}${path}`, {
      ...init,
      headers: { connection: "close", ...(apikey === null ? {} : { apikey }), ...(headers as Record<string, string>) },
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text), headers: response.headers };
  };
  return {
    url: gateway.url,
    keys,
    database,
    log,
    call,
    client: (apikey) =>
      createClient(gateway.url, apikey, {
        auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
        // One connection per request: a kept-alive one would outlive the test.
        global: { fetch: (input, init) => fetch(input, { ...init, headers: closing(new Headers(init?.headers)) }) },
      }),
    rpc: (name, args, headers) =>
      call(`/rest/v1/rpc/${name}`, {
        method: "POST",
        body: JSON.stringify(args),
        headers: { "content-type": "application/json", ...headers },
      }),
    setFunction: (next) => {
      target = next;
    },
    close: async () => {
      await gateway.close();
      rmSync(folder, { recursive: true });
      await database.drop();
    },
  };
}

function closing(headers: Headers): Headers {
  headers.set("connection", "close");
  return headers;
}
