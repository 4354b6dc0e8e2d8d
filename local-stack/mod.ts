// The door of `local-stack/`: what Supabase provides, without Docker, so that `npm run dev`, the demo and the tests run
// the real function and the real worker on a real Postgres. Never deployed. May import `scripts/` (Deno, keys); nothing
// in `supabase/` or `bridge-worker/` may import it. Tests: beside the files; helpers: `tests/support/database.ts`.
export type { Exit, Part } from "./child-process.ts";
export { type DatabaseAddress, databaseUrl, prepareDatabase, withClient } from "./database.ts";
export { type Gateway, startGateway } from "./gateway/mod.ts";
export { type ApiKeys, loadProjectKeys, type ProjectKeys } from "./keys.ts";
export type { StackOptions } from "./options.ts";
export { freePort } from "./ports.ts";
export { SUPERUSER, startCluster } from "./postgres/mod.ts";
export { startStack } from "./start-stack.ts";
export type { Stack, StackInfo } from "./supervisor.ts";
export { startWatchdog, type Watchdog } from "./watchdog.ts";
