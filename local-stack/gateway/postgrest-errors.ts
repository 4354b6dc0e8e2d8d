// What PostgREST answers when the database refuses: HTTP status and body for a SQLSTATE. Pure. The table follows
// PostgREST's reference "Errors"; a raise with sqlstate 'PTxyz' or 'PGRST' chooses the status itself.
import type { JsonAnswer } from "./http.ts";
import { json } from "./http.ts";

/** The fields of a Postgres error that reach a client. */
export type PgFailure = {
  code: string;
  message: string;
  detail?: string | undefined;
  hint?: string | undefined;
};

/** Statuses of whole SQLSTATEs; looked up before the classes. */
const STATUS_OF_CODE: Record<string, number> = {
  "23503": 409,
  "23505": 409,
  "25006": 405,
  "42501": 403,
  "42883": 404,
  "42P01": 404,
  "42P17": 500,
  "53400": 500,
  "57P01": 503,
  P0001: 400,
};

/** Statuses of SQLSTATE classes (their first two characters). */
const STATUS_OF_CLASS: Record<string, number> = {
  "08": 503,
  "09": 500,
  "0L": 403,
  "0P": 403,
  "21": 500,
  "25": 500,
  "28": 403,
  "2D": 500,
  "38": 500,
  "39": 500,
  "3B": 500,
  "40": 500,
  "53": 503,
  "54": 500,
  "55": 500,
  "57": 500,
  "58": 500,
  F0: 500,
  HV: 500,
  P0: 500,
  XX: 500,
};

const OTHERWISE = 400;

/** HTTP status of a SQLSTATE. `anonymous`: no user and no service key, so "not allowed" means "sign in first". */
export function statusOfSqlState(code: string, anonymous: boolean): number {
  if (code === "42501" && anonymous) return 401;
  const chosen = /^PT([1-5]\d\d)$/.exec(code)?.[1];
  if (chosen !== undefined) return Number(chosen);
  if (code.startsWith("PT")) return 500;
  return STATUS_OF_CODE[code] ?? STATUS_OF_CLASS[code.slice(0, 2)] ?? OTHERWISE;
}

/** The whole answer for a database error. */
export function answerPgFailure(failure: PgFailure, anonymous: boolean): JsonAnswer {
  if (failure.code === "PGRST") return answerRaisedPgrst(failure);
  const status = statusOfSqlState(failure.code, anonymous);
  const headers = status === 401 ? { "www-authenticate": "Bearer" } : undefined;
  return errorAnswer(status, failure.code, failure.message, failure.detail, failure.hint, headers);
}

/** PostgREST's error body: always these four fields, in this order. */
export function errorAnswer(
  status: number,
  code: string,
  message: string,
  details: string | null = null,
  hint: string | null = null,
  headers?: Record<string, string>,
): JsonAnswer {
  return json(status, { code, details, hint, message }, headers);
}

/** `raise sqlstate 'PGRST' using message = '{"code",…}', detail = '{"status","headers"}'` writes the whole answer. */
function answerRaisedPgrst({ message, detail }: PgFailure): JsonAnswer {
  const body = parseObject(message);
  const meta = parseObject(detail ?? "");
  const status = meta?.status;
  if (typeof body?.code !== "string" || typeof body.message !== "string" || typeof status !== "number") {
    return errorAnswer(
      500,
      "PGRST121",
      "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error",
      "MESSAGE must be an object with code and message, DETAIL one with status and headers",
    );
  }
  const headers = Object.entries(asObject(meta?.headers) ?? {}).map(([name, value]) => [name, String(value)]);
  return errorAnswer(
    status,
    body.code,
    body.message,
    textOrNull(body.details),
    textOrNull(body.hint),
    Object.fromEntries(headers) as Record<string, string>,
  );
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
