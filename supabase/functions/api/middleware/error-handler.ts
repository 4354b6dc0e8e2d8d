// The only place where an error becomes an HTTP answer. Logs once, with the cause; the caller gets the problem document.
import type { Context, ErrorHandler, NotFoundHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError, PROBLEM_JSON, toAppError, toProblem } from "../../_shared/errors/mod.ts";
import type { AppEnv } from "./app-env.ts";

/** For answers that invite a retry but do not know when. */
const DEFAULT_RETRY_AFTER_MS = 1_000;

export const handleError: ErrorHandler<AppEnv> = (thrown, c) => answerError(c, toAppError(thrown));

export const handleNotFound: NotFoundHandler<AppEnv> = (c) => answerError(c, new AppError("not_found"));

/** 405 with the methods that the route does have (RFC 9110 §15.5.6 requires `Allow`). */
export function handleMethodNotAllowed(c: Context<AppEnv>, methods: string[]): Response {
  return answerError(c, new AppError("method_not_allowed"), { Allow: methods.join(", ") });
}

function answerError(c: Context<AppEnv>, error: AppError, headers: Record<string, string> = {}): Response {
  const log = c.get("log");
  if (error.status >= 500) log.error("request.failed", { code: error.code, error });
  else log.debug("request.refused", { code: error.code, error });
  const problem = toProblem(error, c.get("requestId"));
  return c.body(JSON.stringify(problem), problem.status as ContentfulStatusCode, {
    "Content-Type": PROBLEM_JSON,
    ...retryAfter(error),
    ...challenge(error),
    ...headers,
  });
}

/** `Retry-After` counts in whole seconds: rounded up, so that nobody comes back too early. */
function retryAfter({ status, extras }: AppError): Record<string, string> {
  const ms = extras.retryAfterMs ?? (status === 429 || status === 503 ? DEFAULT_RETRY_AFTER_MS : undefined);
  return ms === undefined ? {} : { "Retry-After": String(Math.max(1, Math.ceil(ms / 1000))) };
}

/** RFC 6750 §3: a 401 names the scheme that would help. */
function challenge({ code }: AppError): Record<string, string> {
  return code === "unauthenticated" ? { "WWW-Authenticate": 'Bearer realm="switchyard", error="invalid_token"' } : {};
}
