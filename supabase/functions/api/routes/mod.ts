// Door of the routes: HTTP in, use case, HTTP out. Each file adds the routes of one resource, with the schemas that both
// validate and document them. Imports services, the contract and hono. Tests: app.test.ts, through whole requests;
// parse-request.test.ts beside its file.
export * from "./account.ts";
export * from "./accounts.ts";
export * from "./commands.ts";
export * from "./health.ts";
export * from "./history.ts";
export * from "./internal.ts";
export * from "./logins.ts";
export * from "./openapi.ts";
export * from "./orders.ts";
export * from "./positions.ts";
export * from "./route.ts";
export * from "./trades.ts";
