// A route's entry in the OpenAPI document. Pure.
import { type createRoute, z } from "@hono/zod-openapi";
import { Catalogue, type ErrorCode, ErrorCodes, PROBLEM_JSON } from "../../_shared/errors/mod.ts";
import type { RouteSpec } from "./route.ts";

type Documented = Parameters<typeof createRoute>[0];

export const BEARER_SCHEME = "user_access_token";

/** RFC 9457, with the members every problem of this API has. */
export const ProblemDocument = z
  .object({
    type: z.string().meta({ description: "urn:switchyard:error:<code>" }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(ErrorCodes),
    executed: z
      .boolean()
      .nullable()
      .meta({ description: "Did the command reach the market? null: nobody can say yet" }),
    retryable: z.boolean().meta({ description: "May the very same request succeed later?" }),
    request_id: z.string(),
    command_id: z.guid().optional(),
    fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    mt5: z
      .object({
        retcode: z.int().optional(),
        name: z.string().optional(),
        last_error: z.array(z.union([z.int(), z.string()])).optional(),
      })
      .optional(),
  })
  .openapi("Problem");

const EVERY_ROUTE: ErrorCode[] = ["internal_error"];
const USER_ROUTES: ErrorCode[] = ["unauthenticated", "database_unavailable"];
const WITH_INPUT: ErrorCode[] = ["invalid_request"];
const READ_BODY: ErrorCode[] = ["malformed_json", "payload_too_large"];
const WITH_BODY: ErrorCode[] = [...READ_BODY, "unsupported_media_type"];

const IdempotencyKeyHeader = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .meta({
      description:
        "1 to 255 printable characters, quoted or bare, unique per user. The same key with the same request returns the " +
        "stored answer or waits for it; with another request it is refused (422 idempotency_key_reused). " +
        "WITHOUT THIS HEADER EVERY REQUEST IS A NEW COMMAND: a repeated request may trade twice.",
    }),
});

export function documentRoute<P, Q, B>(spec: RouteSpec<P, Q, B>): Documented {
  const { params, query, body } = spec;
  const request = {
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { query }),
    ...(body === undefined
      ? {}
      : { body: { required: spec.bodyOptional !== true, content: { "application/json": { schema: body } } } }),
    ...(spec.idempotent === true ? { headers: IdempotencyKeyHeader } : {}),
  };
  return {
    method: spec.method,
    path: spec.path,
    tags: [spec.tag],
    summary: spec.summary,
    description: spec.description,
    security: spec.auth === false ? [] : [{ [BEARER_SCHEME]: [] }],
    request,
    responses: { ...documentAnswers(spec), ...documentProblems(problemsOf(spec)) },
  } as Documented;
}

function problemsOf<P, Q, B>(spec: RouteSpec<P, Q, B>): ErrorCode[] {
  const takesInput = spec.params !== undefined || spec.query !== undefined || spec.body !== undefined;
  return [
    ...(spec.problems ?? []),
    ...(spec.idempotent === true ? (["invalid_idempotency_key"] as const) : []),
    ...(takesInput ? WITH_INPUT : []),
    ...problemsOfBody(spec),
    ...(spec.auth === false ? [] : USER_ROUTES),
    ...EVERY_ROUTE,
  ];
}

/** A body where there is none to send is read as well, to be refused; of a GET the runtime hands on none. */
function problemsOfBody<P, Q, B>({ method, body }: RouteSpec<P, Q, B>): ErrorCode[] {
  if (body !== undefined) return WITH_BODY;
  return method === "get" ? [] : READ_BODY;
}

function documentAnswers<P, Q, B>(spec: RouteSpec<P, Q, B>): Record<string, unknown> {
  const entries = Object.entries(spec.answers).map(([status, { description, schema, headers = {} }]) => {
    const documented = Object.entries(headers).map(([name, text]) => [
      name,
      { description: text, schema: { type: "string" } },
    ]);
    const answer = { description, content: { "application/json": { schema } } };
    return [status, documented.length === 0 ? answer : { ...answer, headers: Object.fromEntries(documented) }];
  });
  return Object.fromEntries(entries);
}

/** One response per status, listing the codes that come with it. */
function documentProblems(codes: ErrorCode[]): Record<string, unknown> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = Catalogue[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const entries = [...byStatus].map(([status, list]) => [
    String(status),
    {
      description: list.map((code) => `\`${code}\`: ${Catalogue[code].title}`).join("; "),
      content: { [PROBLEM_JSON]: { schema: ProblemDocument } },
    },
  ]);
  return Object.fromEntries(entries);
}
