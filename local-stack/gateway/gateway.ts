// The HTTP server that stands where Supabase's gateway, Auth and PostgREST stand: /auth/v1, /rest/v1/rpc, /functions/v1.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "pg";
import { type DatabaseAddress, databaseUrl } from "../database.ts";
import type { ProjectKeys } from "../keys.ts";
import { AuthError, authErrorAnswer } from "./auth-errors.ts";
import { type AuthDeps, answerAuth } from "./auth-routes.ts";
import { bearerToken, identifyCaller, isRefusal, refuseKey } from "./caller.ts";
import { type FunctionTarget, proxyToFunction } from "./function-proxy.ts";
import { BodyTooLarge, header, type JsonAnswer, json, RequestAborted, readBody, send, sendPreflight } from "./http.ts";
import { errorAnswer } from "./postgrest-errors.ts";
import { answerRpc } from "./rpc.ts";
import { createTokens, type Tokens } from "./tokens.ts";

/** Connections of the authenticator and of Auth; PostgREST's default is 10. */
const REST_POOL_SIZE = 20;
const AUTH_POOL_SIZE = 5;
const POOL_WAIT_MS = 10_000;
const JWKS_PATH = "/.well-known/jwks.json";

export type GatewayOptions = {
  port: number;
  database: DatabaseAddress;
  keys: ProjectKeys;
  /** Where /functions/v1/NAME goes. Asked for every request, because the function may be started again elsewhere. */
  functionTarget: () => FunctionTarget | undefined;
  log: (line: string) => void;
};

export interface Gateway {
  /** `http://127.0.0.1:port`: the project's URL. */
  readonly url: string;
  /** Ends open requests and connections. */
  close(): Promise<void>;
}

/** Listens on 127.0.0.1 (port 0: any). Rejects if the port is taken. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const server = createServer();
  await listen(server, options.port);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const rest = openPool(options, "authenticator", REST_POOL_SIZE);
  const auth = openPool(options, "supabase_auth_admin", AUTH_POOL_SIZE);
  const tokens = createTokens(options.keys, `${url}/auth/v1`);
  const context: Context = { ...options, rest, tokens, auth: { pool: auth, keys: options.keys, tokens } };
  server.on("request", (request, response) => void answer(context, request, response));
  return {
    url,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await Promise.all([rest.end(), auth.end()]);
    },
  };
}

type Context = GatewayOptions & { rest: Pool; tokens: Tokens; auth: AuthDeps };

async function answer(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://gateway");
  const under = (prefix: string): string | undefined =>
    url.pathname.startsWith(`${prefix}/`) ? url.pathname.slice(prefix.length) : undefined;
  try {
    const functionPath = under("/functions/v1");
    // Preflights too: which origins and headers are welcome is the function's own answer.
    if (functionPath !== undefined) {
      return await proxyToFunction(request, response, functionPath + url.search, context.functionTarget());
    }
    if (request.method === "OPTIONS") return sendPreflight(request, response);
    const authPath = under("/auth/v1");
    if (authPath !== undefined) return send(response, await authAnswer(context, request, authPath, url));
    const restPath = under("/rest/v1");
    if (restPath !== undefined) return send(response, await restAnswer(context, request, restPath, url));
    send(response, json(404, { message: "no Route matched with those values" }));
  } catch (error) {
    if (error instanceof RequestAborted) return;
    if (error instanceof BodyTooLarge) return send(response, json(413, { message: error.message }));
    context.log(`[gateway] ${request.method} ${url.pathname}: ${error instanceof Error ? error.stack : String(error)}`);
    send(response, json(500, { message: "An unexpected error occurred" }));
  }
}

async function authAnswer(context: Context, request: IncomingMessage, path: string, url: URL): Promise<JsonAnswer> {
  // Verifiers read the key set without an API key, as on the platform.
  const refusal = path === JWKS_PATH ? undefined : refuseKey(header(request, "apikey"), context.keys.api);
  if (refusal) return json(refusal.status, refusal.body);
  try {
    return await answerAuth(context.auth, {
      method: request.method ?? "GET",
      path,
      query: url.searchParams,
      body: await readBody(request),
      token: bearerToken(header(request, "authorization")),
    });
  } catch (error) {
    if (error instanceof RequestAborted) throw error;
    const known = error instanceof BodyTooLarge ? new AuthError("request_too_large") : error;
    if (!(known instanceof AuthError)) context.log(`[gateway] auth ${path}: ${String(error)}`);
    const refused =
      known instanceof AuthError ? known : new AuthError("unexpected_failure", undefined, { cause: error });
    return authErrorAnswer(refused, header(request, "x-supabase-api-version"));
  }
}

async function restAnswer(context: Context, request: IncomingMessage, path: string, url: URL): Promise<JsonAnswer> {
  const credentials = { apikey: header(request, "apikey"), authorization: header(request, "authorization") };
  const caller = await identifyCaller(credentials, context.keys.api, context.tokens.verify);
  if (isRefusal(caller)) return json(caller.status, caller.body, caller.headers);
  const name = decoded(/^\/rpc\/([^/]+)$/.exec(path)?.[1]);
  if (name === undefined || request.method !== "POST") {
    return notServed(
      `${request.method} ${url.pathname} is not served by the local stack: only POST /rest/v1/rpc/<function> is`,
    );
  }
  // Silently ignoring a filter would hand out more rows than asked for.
  if (url.search !== "") return notServed("Filters on function results are not served by the local stack");
  return answerRpc(context.rest, {
    name,
    body: await readBody(request),
    method: "POST",
    headers: flatHeaders(request),
    caller,
  });
}

/** undefined for a broken percent escape: no function can have that name. */
function decoded(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function notServed(message: string): JsonAnswer {
  return errorAnswer(404, "NOT_SERVED", message, null, "Run the Docker stack (supabase start) for the whole Data API");
}

function flatHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]),
  );
}

function openPool({ database, log }: GatewayOptions, role: string, max: number): Pool {
  const pool = new Pool({
    connectionString: databaseUrl(database, role),
    max,
    connectionTimeoutMillis: POOL_WAIT_MS,
    application_name: "switchyard-gateway",
  });
  // Idle connections end when Postgres is stopped or killed; the next request opens new ones.
  pool.on("error", (error) => log(`[gateway] ${role}: ${error.message}`));
  // One in use hears of it in its own query, or between two of them; unheard, it would end this process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}
