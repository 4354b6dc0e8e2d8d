// Door of the domain: identifiers, the trading vocabulary, accounts, limits, credentials. Pure; imports the schema
// library only. Both runtimes use it. Tests: beside the files, run by Node, and by Deno through ../suite.deno.ts.
export * from "./account.ts";
export * from "./credential.ts";
export * from "./ids.ts";
export * from "./order.ts";
export * from "./risk-limits.ts";
export * from "./text.ts";
