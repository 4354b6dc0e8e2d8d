// Door of the protocol: what function and worker may say to each other, and every limit of it. Pure; imports the domain,
// the errors and the schema library. Tests: beside the files; docs/protocol.md explains.
export * from "./account-health.ts";
export * from "./commands.ts";
export * from "./encode.ts";
export * from "./envelope.ts";
export * from "./frames.ts";
export * from "./history.ts";
export * from "./limits.ts";
export * from "./reads.ts";
export * from "./results.ts";
export * from "./views.ts";
