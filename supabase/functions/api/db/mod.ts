// Door of the database room: the ledger and the accounts, reached only through SQL functions. Imports the contract and
// supabase-js. Services see the interface `Database`. Tests: beside the files (errors, rows) and, against real Postgres,
// in tests/.
export * from "./accounts.ts";
export * from "./client.ts";
export * from "./commands.ts";
export * from "./database.ts";
