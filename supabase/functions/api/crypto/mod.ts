// Door of the crypto room: everything the function signs, seals or verifies. Imports the contract and jose; knows no
// HTTP, database or socket. Keys come in as parsed JWKs (config.ts). Tests: beside the files.
export * from "./digest.ts";
export * from "./envelope.ts";
export * from "./key-check.ts";
export * from "./result.ts";
export * from "./seal.ts";
export * from "./ticket.ts";
export * from "./user-token.ts";
