// Door of the bridge: calls to the workers over one multiplexed link each. Imports the contract only; signing and
// verifying are handed in. Services see the interface `Bridge`. Tests: beside the files; the client's run against a real
// WebSocket server.
export * from "./after.ts";
export * from "./bridge.ts";
export * from "./client.ts";
export * from "./limits.ts";
export * from "./transport.ts";
export * from "./websocket-transport.ts";
