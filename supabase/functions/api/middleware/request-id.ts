// Gives every request an id, the caller's own if it is a sane one, and logs how the request ended.
import type { MiddlewareHandler } from "hono";
import type { Log } from "../log.ts";
import type { AppEnv } from "./app-env.ts";

/** Goes into logs and the ledger as it is: nothing that could break a line, nothing long. */
const SANE_ID = /^[A-Za-z0-9._:-]{8,64}$/;

export function requestId(options: {
  log: Log;
  newId: () => string;
  monotonicMs: () => number;
}): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const start = options.monotonicMs();
    const given = c.req.header("x-request-id") ?? "";
    const id = SANE_ID.test(given) ? given : options.newId();
    const log = options.log.scope({ requestId: id });
    c.set("requestId", id);
    c.set("log", log);
    c.header("X-Request-Id", id);
    await next();
    // The path holds ids and tickets at most; the query is left out, it is the caller's to fill.
    const ms = Math.round(options.monotonicMs() - start);
    log.info("request.finished", { method: c.req.method, path: c.req.path, status: c.res.status, ms });
  };
}
