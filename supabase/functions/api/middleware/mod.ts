// Door of the middleware: what happens to every request before and after its route. Imports hono and the contract.
// Tests: app.test.ts, through whole requests; body-limit.test.ts beside its file.
export * from "./app-env.ts";
export * from "./auth.ts";
export * from "./body-limit.ts";
export * from "./cors.ts";
export * from "./error-handler.ts";
export * from "./request-id.ts";
export * from "./security-headers.ts";
