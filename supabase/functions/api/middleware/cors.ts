// Lets browsers call the API directly. Tokens travel in a header, never in a cookie: any origin may be allowed.
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { AppEnv } from "./app-env.ts";

/** supabase-js's own headers (its `corsHeaders` lacks the region), ours, and those of tracing libraries. */
const ALLOWED_HEADERS = [
  "authorization",
  "x-client-info",
  "apikey",
  "content-type",
  "idempotency-key",
  "x-request-id",
  "x-region",
  "x-retry-count",
  "traceparent",
  "tracestate",
  "baggage",
];
const EXPOSED_HEADERS = ["Idempotency-Key", "Location", "Retry-After", "X-Request-Id"];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const PREFLIGHT_LIFE_S = 600;

export function allowBrowsers(origins: "*" | string[]): MiddlewareHandler<AppEnv> {
  return cors({
    origin: origins,
    allowMethods: METHODS,
    allowHeaders: ALLOWED_HEADERS,
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_LIFE_S,
  });
}
