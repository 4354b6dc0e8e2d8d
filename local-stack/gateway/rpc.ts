// `POST /rest/v1/rpc/NAME` as PostgREST serves it: one transaction as the caller's role, with the claims and the request
// in settings, so that policies, grants and functions decide exactly as on the hosted platform.
import type { Pool, PoolClient } from "pg";
import { DatabaseError } from "pg";
import type { Caller } from "./caller.ts";
import type { JsonAnswer } from "./http.ts";
import { answerPgFailure, errorAnswer } from "./postgrest-errors.ts";
import {
  type Choice,
  callStatement,
  chooseFunction,
  FUNCTIONS_QUERY,
  type FunctionRow,
  notFoundTexts,
} from "./rpc-functions.ts";

/** The one exposed schema: config.toml's [api] schemas. */
export const EXPOSED_SCHEMA = "public";
/** PostgREST puts the schema and the extra search path in front of every call. */
const SEARCH_PATH = '"public", "extensions"';
const SINGLE_OBJECT = /application\/vnd\.pgrst\.object(\+json)?/;

export type RpcRequest = {
  name: string;
  body: string;
  method: string;
  headers: Record<string, string>;
  caller: Caller;
};

/** Runs the call and answers as PostgREST would; database refusals are answers, not exceptions. */
export async function answerRpc(pool: Pool, request: RpcRequest): Promise<JsonAnswer> {
  const input = parseInput(request.body);
  if (input === undefined) return errorAnswer(400, "PGRST102", "Empty or invalid json");
  const profile = request.headers["content-profile"];
  if (profile !== undefined && profile !== EXPOSED_SCHEMA) {
    return errorAnswer(
      406,
      "PGRST106",
      `Invalid schema: ${profile}`,
      null,
      `Only the following schemas are exposed: ${EXPOSED_SCHEMA}`,
    );
  }
  let client: PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    return noConnection(error);
  }
  const transaction = { open: false };
  let broken = false;
  try {
    return await callInTransaction(client, transaction, request, input);
  } catch (error) {
    if (error instanceof DatabaseError) return failed(error, request.caller);
    broken = true;
    return noConnection(error);
  } finally {
    // A connection whose rollback failed may still be inside the transaction, as somebody's role: never reuse it.
    if (transaction.open && !broken) broken = !(await rolledBack(client));
    client.release(broken);
  }
}

async function callInTransaction(
  client: PoolClient,
  transaction: { open: boolean },
  request: RpcRequest,
  input: Input,
): Promise<JsonAnswer> {
  const { rows } = await client.query<{ functions: FunctionRow[] }>(FUNCTIONS_QUERY, [EXPOSED_SCHEMA, request.name]);
  const choice = chooseFunction(rows[0]?.functions ?? [], input.names);
  if (choice.kind !== "found") return notChosen(choice, request.name, input.names);
  transaction.open = true;
  await client.query("begin");
  await client.query(SETTINGS, settingsOf(request));
  const result = await client.query<ResultRow>(callStatement(EXPOSED_SCHEMA, choice, input.names), [input.text]);
  const row = result.rows[0];
  if (row === undefined) throw new Error("The call answered no row");
  const single = SINGLE_OBJECT.test(request.headers.accept ?? "");
  if (single && choice.call.set && row.rows !== 1) return notSingle(row.rows);
  const answer = shape(choice.call, row, single);
  await client.query("commit");
  transaction.open = false;
  return answer;
}

type Input = { text: string; names: string[] };
type ResultRow = { body: string | null; rows: number; status: string | null; headers: string | null };

const SETTINGS = `select
  set_config('search_path', $1, true), set_config('role', $2, true), set_config('request.jwt.claims', $3, true),
  set_config('request.method', $4, true), set_config('request.path', $5, true),
  set_config('request.headers', $6, true), set_config('request.cookies', '{}', true)`;

function settingsOf({ caller, method, name, headers }: RpcRequest): string[] {
  return [SEARCH_PATH, caller.role, JSON.stringify(caller.claims), method, `/rpc/${name}`, JSON.stringify(headers)];
}

/** An empty body is a call without arguments; an array or a bare value can only be a whole json argument. */
function parseInput(body: string): Input | undefined {
  const text = body.trim() === "" ? "{}" : body;
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return { text, names: isObject ? Object.keys(value) : [""] };
  } catch {
    return undefined;
  }
}

function notChosen(choice: Exclude<Choice, { kind: "found" }>, name: string, given: readonly string[]): JsonAnswer {
  if (choice.kind === "none") {
    const { message, details } = notFoundTexts(
      EXPOSED_SCHEMA,
      name,
      given.filter((key) => key !== ""),
    );
    return errorAnswer(404, "PGRST202", message, details);
  }
  const signatures = choice.candidates.map(
    ({ args }) => `${EXPOSED_SCHEMA}.${name}(${args.map((arg) => `${arg.name} => ${arg.type}`).join(", ")})`,
  );
  return errorAnswer(
    300,
    "PGRST203",
    `Could not choose the best candidate function between: ${signatures.join(", ")}`,
    null,
    "Try renaming the parameters or the function itself in the database so function overloading can be resolved",
  );
}

function notSingle(rows: number): JsonAnswer {
  return errorAnswer(
    406,
    "PGRST116",
    "Cannot coerce the result to a single JSON object",
    `The result contains ${rows} rows`,
  );
}

function shape(call: FunctionRow, row: ResultRow, single: boolean): JsonAnswer {
  const headers = responseHeaders(row.headers);
  const status = row.status === null ? undefined : Number(row.status);
  if (call.returns === "void") return { status: status ?? 204, headers };
  // Cut out as text, not parsed and written again: a 64-bit number must arrive digit for digit.
  const body = single && call.set ? (row.body ?? "").trim().slice(1, -1) : (row.body ?? "null");
  return { status: status ?? 200, body, headers };
}

/** response.headers is a JSON array of one-field objects. What is not is left out: it is the function's own mistake. */
function responseHeaders(text: string | null): Record<string, string> {
  if (text === null) return {};
  const list: unknown = JSON.parse(text);
  const entries = (Array.isArray(list) ? list : []).flatMap((item: unknown) => Object.entries(item ?? {}));
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function failed(error: DatabaseError, caller: Caller): JsonAnswer {
  const { code = "XX000", message, detail, hint } = error;
  return answerPgFailure({ code, message, detail, hint }, caller.role === "anon");
}

function noConnection(error: unknown): JsonAnswer {
  const message = error instanceof Error ? error.message : String(error);
  if (/timeout exceeded when trying to connect/.test(message)) {
    return errorAnswer(504, "PGRST003", "Timed out acquiring connection from connection pool.");
  }
  return errorAnswer(503, "PGRST001", "Database client error. Retrying the connection.", message);
}

/** True when the connection is outside any transaction afterwards. */
async function rolledBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query("rollback");
    return true;
  } catch {
    return false;
  }
}
