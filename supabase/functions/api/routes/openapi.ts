// GET /openapi.json: the document that the routes have written by being added.
import { BEARER_SCHEME } from "./document-route.ts";
import type { Router } from "./route.ts";

const DESCRIPTION = [
  "Connect MetaTrader 5 accounts and trade on them.",
  "Send an `Idempotency-Key` with every command (trades, closes, cancels): **a request without one is a new command every",
  "time**, and repeating it may trade twice. With a key, repeating is always safe.",
  "Errors are RFC 9457 problem documents; `executed` says whether the command reached the market (null: nobody can say yet).",
  "Unknown body fields are refused.",
].join(" ");

export function addOpenApiRoute({ app }: Router, version: string): void {
  app.openAPIRegistry.registerComponent("securitySchemes", BEARER_SCHEME, {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "The access token of a signed-in user of the Supabase project",
  });
  // Written once per isolate, when somebody asks: a tenth of a second of a budget counted in seconds.
  let text: string | undefined;
  app.get("/openapi.json", (c) => {
    text ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: "3.1.0",
        info: { title: "Switchyard", version, description: DESCRIPTION },
        // Where the functions are, relative to the project's own address.
        servers: [{ url: "/functions/v1" }],
      }),
    );
    return c.body(text, 200, { "Content-Type": "application/json" });
  });
}
