// A real Postgres for tests: one throw-away cluster per test process, one template (what Supabase provides plus the
// migrations) and a clone of it per test file, so that files cannot see each other. Stopped after the last test; if the
// process is killed, the cluster's watchdog stops it.
import { randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after } from "node:test";
import { Pool, type PoolClient, type QueryResultRow } from "pg";
import {
  type DatabaseAddress,
  databaseUrl,
  freePort,
  prepareDatabase,
  SUPERUSER,
  startCluster,
  startWatchdog,
  withClient,
} from "../../local-stack/mod.ts";

export type TestRole = "anon" | "authenticated" | "service_role" | "postgres";
/** The JWT claims a request would carry; `role` is added. */
export type Claims = Record<string, unknown>;
export type TestUser = { id: string; email: string; claims: Claims };

export interface TestTransaction {
  query<Row extends QueryResultRow>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

export interface TestDatabase {
  readonly address: DatabaseAddress;
  /** Connection string as one of the login roles: postgres (default), authenticator, supabase_admin, supabase_auth_admin. */
  url(role?: string): string;
  /** A pool for that login role; `drop()` ends it. */
  pool(role?: string): Pool;
  /** One statement in one committed transaction, under the role and claims that the API would set. */
  query<Row extends QueryResultRow>(
    role: TestRole,
    claims: Claims | null,
    sql: string,
    params?: readonly unknown[],
  ): Promise<Row[]>;
  /** An open transaction on a connection of its own: two of them are two concurrent requests. */
  begin(role: TestRole, claims?: Claims | null): Promise<TestTransaction>;
  /** A row in auth.users, as a sign-up would leave it. */
  createUser(email?: string): Promise<TestUser>;
  /** Ends all connections and removes the database. */
  drop(): Promise<void>;
}

const TEMPLATE = "template_switchyard";
const CLOSE_LIMIT_MS = 5000;

type Shared = { port: number; stop: () => Promise<void> };
const clusters = new Map<string, Promise<Shared>>();

// The cluster does not count as something a test left open (it is unreferenced), and ends with the process.
after(async () => {
  for (const cluster of clusters.values()) await (await cluster).stop();
});

/** A fresh clone of the migrated template. `migrationsDir` other than the project's own gets a cluster of its own. */
export async function createTestDatabase(
  migrationsDir = resolve(import.meta.dirname, "../../supabase/migrations"),
): Promise<TestDatabase> {
  let starting = clusters.get(migrationsDir);
  if (starting === undefined) {
    starting = startSharedCluster(migrationsDir);
    clusters.set(migrationsDir, starting);
    starting.catch(() => clusters.delete(migrationsDir));
  }
  const { port } = await starting;
  const database = `test_${randomUUID().replaceAll("-", "")}`;
  await asSuperuser(port, `create database ${database} template ${TEMPLATE} owner postgres`);
  return openTestDatabase({ port, database });
}

/** Runs `work` with a database of its own and drops it, whatever happens. */
export async function withDatabase<T>(work: (database: TestDatabase) => Promise<T>): Promise<T> {
  const database = await createTestDatabase();
  try {
    return await work(database);
  } finally {
    await database.drop();
  }
}

function openTestDatabase(address: DatabaseAddress): TestDatabase {
  const pools = new Map<string, Pool>();
  const pool = (role = "postgres"): Pool => {
    const known = pools.get(role);
    if (known) return known;
    const made = new Pool({ connectionString: databaseUrl(address, role), max: 20 });
    made.on("error", () => undefined);
    pools.set(role, made);
    return made;
  };
  const begin = async (role: TestRole, claims: Claims | null = null): Promise<TestTransaction> => {
    // As the API does it: the authenticator may do nothing itself and takes on the caller's role.
    const client = await pool(role === "postgres" ? "postgres" : "authenticator").connect();
    try {
      await client.query("begin");
      await client.query("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", [
        role,
        JSON.stringify({ ...claims, role }),
      ]);
    } catch (error) {
      client.release(true);
      throw error;
    }
    return transactionOn(client);
  };
  return {
    address,
    url: (role) => databaseUrl(address, role),
    pool,
    begin,
    query: async <Row extends QueryResultRow>(
      role: TestRole,
      claims: Claims | null,
      sql: string,
      params: readonly unknown[] = [],
    ) => {
      const transaction = await begin(role, claims);
      try {
        const rows = await transaction.query<Row>(sql, params);
        await transaction.commit();
        return rows;
      } catch (error) {
        await transaction.rollback();
        throw error;
      }
    },
    createUser: async (email = `${randomUUID()}@example.com`) => {
      const id = randomUUID();
      await pool("supabase_auth_admin").query(
        `insert into auth.users (id, aud, role, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
         values ($1, 'authenticated', 'authenticated', $2, now(), '{}', '{}', now(), now())`,
        [id, email],
      );
      return { id, email, claims: { sub: id, email, aud: "authenticated", role: "authenticated" } };
    },
    drop: async () => {
      await Promise.all([...pools.values()].map(endPool));
      await asSuperuser(address.port, `drop database ${address.database} with (force)`);
    },
  };
}

function transactionOn(client: PoolClient): TestTransaction {
  let open = true;
  const end = async (how: "commit" | "rollback"): Promise<void> => {
    if (!open) return;
    open = false;
    try {
      await client.query(how);
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  };
  return {
    query: async <Row extends QueryResultRow>(sql: string, params: readonly unknown[] = []) =>
      (await client.query<Row>(sql, [...params])).rows,
    commit: () => end("commit"),
    rollback: () => end("rollback"),
  };
}

/** A transaction that a test left open would make `pool.end()` wait for ever: say so instead. */
async function endPool(pool: Pool): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("A test left a transaction open")), CLOSE_LIMIT_MS);
  });
  try {
    await Promise.race([pool.end(), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function startSharedCluster(migrationsDir: string): Promise<Shared> {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-test-"));
  // Under root Postgres runs as another user, who must be able to pass through this folder.
  chmodSync(folder, 0o711);
  const watchdog = startWatchdog();
  watchdog.removeAtDeath(folder);
  const port = await freePort();
  const hooks = { log: () => undefined, watchdog, unref: true };
  const part = await startCluster({ dataDir: join(folder, "postgres"), port, ephemeral: true }, hooks);
  await asSuperuser(port, `create database ${TEMPLATE}`);
  await prepareDatabase({ port, database: TEMPLATE }, migrationsDir);
  return {
    port,
    stop: async () => {
      await part.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      watchdog.keep(folder);
      await watchdog.close();
    },
  };
}

function asSuperuser(port: number, sql: string): Promise<unknown> {
  return withClient({ port, database: "postgres" }, SUPERUSER, (client) => client.query(sql));
}
