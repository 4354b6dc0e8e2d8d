// The door of `postgres/`: runs the real Postgres that `npm ci` brought, as a supervised part, without Docker and
// without touching the host (no user is made, nothing is installed). May import `../child-process.ts`,
// `../process-identity.ts` and Node. Tests: `postgres/*.test.ts`.
export { type ClusterOptions, LOCAL_PASSWORD, SUPERUSER, startCluster } from "./cluster.ts";
