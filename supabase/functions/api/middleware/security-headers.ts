// Answers are about one user's money: nobody on the way may keep them, and no browser may take them for a page.
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";

export const SecurityHeaders = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
} as const;

export function securityHeaders(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    for (const [name, value] of Object.entries(SecurityHeaders)) c.header(name, value);
    await next();
  };
}
