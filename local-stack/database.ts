// Prepares a database of a local cluster: what Supabase provides (bootstrap.sql), then the project's migrations.
import { readFileSync } from "node:fs";
import { Client } from "pg";
import { applyMigrations, readMigrations } from "./migrate.ts";
import { LOCAL_PASSWORD, SUPERUSER } from "./postgres/mod.ts";

export type DatabaseAddress = { port: number; database: string };

/** `postgres://role:postgres@127.0.0.1:port/database`: every login role of a local cluster has the same password. */
export function databaseUrl({ port, database }: DatabaseAddress, role = "postgres"): string {
  return `postgres://${role}:${LOCAL_PASSWORD}@127.0.0.1:${port}/${database}`;
}

/** Runs `work` on one connection as `role` and closes it. */
export async function withClient<T>(
  address: DatabaseAddress,
  role: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString: databaseUrl(address, role), application_name: "switchyard-local" });
  // Without a listener a server that goes away between two statements would end this process.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Bootstraps the database and applies the migrations of `migrationsDir`. Returns the names of the newly applied ones. */
export async function prepareDatabase(address: DatabaseAddress, migrationsDir: string): Promise<string[]> {
  const bootstrap = readFileSync(new URL("./bootstrap.sql", import.meta.url), "utf8");
  // One query of many statements is one transaction: an interrupted bootstrap leaves nothing half made.
  await withClient(address, SUPERUSER, (client) => client.query(bootstrap));
  const migrations = readMigrations(migrationsDir);
  return withClient(address, "postgres", (client) => applyMigrations(client, migrations));
}
