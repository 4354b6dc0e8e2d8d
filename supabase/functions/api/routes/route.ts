// One way to define a route: who may call it, what it takes, what it answers. The same schemas check the request and
// write the OpenAPI document.
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { z } from "zod";
import type { ErrorCode } from "../../_shared/errors/mod.ts";
import { MAX_BODY_BYTES } from "../../_shared/protocol/mod.ts";
import { type AppEnv, type Authenticate, readLimitedText } from "../middleware/mod.ts";
import type { Caller } from "../services/mod.ts";
import { documentRoute } from "./document-route.ts";
import { parseJson, parseParts, refuseBody, refuseMisplaced, requireJsonType } from "./parse-request.ts";

export type Router = {
  app: OpenAPIHono<AppEnv>;
  authenticate: Authenticate;
  /** Holds the isolate until the promise settles, also when the client has gone. */
  keepAlive: (promise: Promise<unknown>) => void;
};

export type AnswerSpec = { description: string; schema: z.ZodType; headers?: Record<string, string> };

export type RouteSpec<P, Q, B> = {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** With `{name}` for parameters. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** `false`: callable without a token. */
  auth?: false;
  params?: z.ZodType<P>;
  query?: z.ZodType<Q>;
  body?: z.ZodType<B>;
  /** A request without a body counts as `{}`. */
  bodyOptional?: true;
  maxBodyBytes?: number;
  /** A command: documents Idempotency-Key. */
  idempotent?: true;
  answers: Record<number, AnswerSpec>;
  /** What the route itself can fail with; what every route can fail with is added. */
  problems?: ErrorCode[];
  /** Not in the OpenAPI document. */
  hidden?: true;
};

export type RouteInput<P, Q, B> = {
  c: Context<AppEnv>;
  params: P;
  query: Q;
  body: B;
  /** Query and body as sent, without what the route does not know. */
  fields: Record<string, unknown>;
};

type Handler<P, Q, B> = (input: RouteInput<P, Q, B>) => Promise<Response>;
type UserHandler<P, Q, B> = (input: RouteInput<P, Q, B> & { caller: Caller }) => Promise<Response>;

/** A route for signed-in users. The token is checked before anything else of the request is looked at. */
export function addUserRoute<P = undefined, Q = undefined, B = undefined>(
  router: Router,
  spec: RouteSpec<P, Q, B>,
  handler: UserHandler<P, Q, B>,
): void {
  addRoute(router, spec, async (c) => {
    const caller = await router.authenticate(c);
    return await handler({ ...(await readRequest(c, spec)), caller });
  });
}

/** A route that anyone may call. */
export function addOpenRoute<P = undefined, Q = undefined, B = undefined>(
  router: Router,
  spec: RouteSpec<P, Q, B> & { auth: false },
  handler: Handler<P, Q, B>,
): void {
  addRoute(router, spec, async (c) => await handler(await readRequest(c, spec)));
}

function addRoute<P, Q, B>(
  { app }: Router,
  spec: RouteSpec<P, Q, B>,
  handler: (c: Context<AppEnv>) => Promise<Response>,
): void {
  if (spec.hidden !== true) app.openAPIRegistry.registerPath(documentRoute(spec));
  app.on(spec.method.toUpperCase(), spec.path.replaceAll(/\{(\w+)\}/g, ":$1"), handler);
}

async function readRequest<P, Q, B>(c: Context<AppEnv>, spec: RouteSpec<P, Q, B>): Promise<RouteInput<P, Q, B>> {
  const query = Object.fromEntries(
    // A parameter given twice stays a list, which no schema here accepts: nobody guesses which one was meant.
    Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
  const body = await readBody(c, spec);
  if (spec.body instanceof z.ZodObject) refuseMisplaced(Object.keys(query), spec.body.shape);
  const parsed = parseParts(spec, { params: c.req.param(), query, body });
  const known = Object.entries(query).filter(([name]) => parsed.knownQuery.has(name));
  const sent = typeof body === "object" && body !== null ? body : {};
  return {
    c,
    params: parsed.params,
    query: parsed.query,
    body: parsed.body,
    fields: { ...Object.fromEntries(known), ...sent },
  };
}

async function readBody<P, Q, B>(c: Context<AppEnv>, spec: RouteSpec<P, Q, B>): Promise<unknown> {
  const text = await readLimitedText(c.req.raw, spec.maxBodyBytes ?? MAX_BODY_BYTES);
  if (spec.body === undefined) return refuseBody(text);
  if (text === "" && spec.bodyOptional === true) return {};
  requireJsonType(c.req.header("content-type"));
  return parseJson(text);
}
