// What the database tests share: a migrated database, and calls in the name of a role and user as the API makes them
// (`set local role` plus `request.jwt.claims` in one transaction).
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type ClientBase, Pool } from "pg";
import { createTestDatabase } from "../support/database.ts";

/** Who asks: a signed-in user, one of the two keys, or the functions' own role with somebody's claims. */
export type Caller = { user: string } | "anon" | "service_role" | { owner: string | null };
export type Row = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: what a function answers is the very thing the tests assert, field by field
export type Answer = Record<string, any>;

export type OpenTransaction = {
  query: (sql: string, values?: unknown[]) => Promise<Row[]>;
  call: (name: string, args?: Row) => Promise<Answer>;
  commit: () => Promise<void>;
  /** True once this transaction's running statement waits for a lock. */
  isWaiting: () => Promise<boolean>;
};

export type Session = {
  /** As `postgres`: the migrations' role, past every policy. */
  admin: (sql: string, values?: unknown[]) => Promise<Row[]>;
  as: (caller: Caller, sql: string, values?: unknown[]) => Promise<Row[]>;
  /** Calls `public.name` with named arguments, as the API does, and returns its JSON. */
  call: (caller: Caller, name: string, args?: Row) => Promise<Answer>;
  begin: (caller: Caller) => Promise<OpenTransaction>;
  newUser: () => Promise<string>;
  deleteUser: (id: string) => Promise<void>;
  close: () => Promise<void>;
};

/** A JWE in shape; the database never opens one. */
export const SEALED = "eyJhbGciOiJFQ0RILUVTIn0..aXY.Y2lwaGVydGV4dA.dGFn";

/** Connections at once: a test that calls 32 times concurrently really has 32 sessions. */
const CONNECTIONS = 40;
/** A failed test may leave locks behind until the end; the tests after it then fail instead of waiting for ever. */
const STATEMENT_LIMIT_MS = 15_000;

export async function openSession(): Promise<Session> {
  const database = await createTestDatabase();
  const pool = new Pool({ connectionString: database.url(), max: CONNECTIONS, statement_timeout: STATEMENT_LIMIT_MS });
  // Ended connections close a moment after `pool.end()`; dropping the database may cut them off first.
  pool.on("error", () => undefined);
  const open = new Set<OpenTransaction>();

  async function as(caller: Caller, sql: string, values: unknown[] = []): Promise<Row[]> {
    const client = await pool.connect();
    try {
      await client.query("begin");
      await become(client, caller);
      const { rows } = await client.query<Row>(sql, values);
      await client.query("commit");
      return rows;
    } catch (error) {
      await client.query("rollback");
      throw error;
    } finally {
      client.release();
    }
  }

  async function begin(caller: Caller): Promise<OpenTransaction> {
    const client = await pool.connect();
    await client.query("begin");
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    await become(client, caller);
    const query = async (sql: string, values: unknown[] = []): Promise<Row[]> =>
      (await client.query<Row>(sql, values)).rows;
    const transaction: OpenTransaction = {
      query,
      call: async (name, args = {}) => (await query(...callOf(name, args)))[0]?.answer as Answer,
      commit: async () => {
        open.delete(transaction);
        await client.query("commit");
        client.release();
      },
      isWaiting: async () => {
        const waiting = await pool.query("select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'", [
          rows[0]?.pid,
        ]);
        return waiting.rowCount === 1;
      },
    };
    open.add(transaction);
    return transaction;
  }

  return {
    admin: async (sql, values = []) => (await pool.query<Row>(sql, values)).rows,
    as,
    call: async (caller, name, args = {}) => (await as(caller, ...callOf(name, args)))[0]?.answer as Answer,
    begin,
    newUser: async () => (await database.createUser()).id,
    deleteUser: async (id) => {
      await database.pool("supabase_auth_admin").query("delete from auth.users where id = $1", [id]);
    },
    close: async () => {
      for (const transaction of open) await transaction.commit();
      await pool.end();
      await database.drop();
    },
  };
}

async function become(client: ClientBase, caller: Caller): Promise<void> {
  const role = typeof caller === "string" ? caller : "user" in caller ? "authenticated" : "switchyard_owner";
  const subject = typeof caller === "string" ? null : "user" in caller ? caller.user : caller.owner;
  const claims = subject === null ? { role } : { role, sub: subject };
  await client.query("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", [
    role,
    JSON.stringify(claims),
  ]);
}

function callOf(name: string, args: Row): [string, unknown[]] {
  const names = Object.keys(args);
  const values = Object.values(args).map((value) =>
    typeof value === "object" && value !== null ? JSON.stringify(value) : value,
  );
  return [`select public.${name}(${names.map((arg, i) => `${arg} => $${i + 1}`).join(", ")}) as answer`, values];
}

/** Asserts that the call fails with this SQLSTATE, and with this message where one is named. */
export async function refuses(work: Promise<unknown>, code: string, message?: string): Promise<void> {
  await assert.rejects(work, (error: { code?: string; message?: string }) => {
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.equal(error.message, message);
    return true;
  });
}

/** Polls until `condition` holds; fails after ten seconds. */
export async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await condition())) {
    assert.ok(performance.now() < end, "the condition did not come true within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

let nextLogin = 1000;

/** Connects an account with a login of its own and returns it. `account` overrides single fields. */
export async function connect(session: Session, user: string, account: Row = {}): Promise<Answer> {
  nextLogin += 1;
  const { account: connected } = await session.call("service_role", "connect_account", {
    p_user_id: user,
    p_account: {
      account_name: `account ${nextLogin}`,
      login: String(nextLogin),
      server: "Demo-Server",
      encrypted_password: SEALED,
      credential_kid: "k1",
      account_type: "demo",
      trade_mode: "demo",
      currency: "USD",
      worker_id: "worker-1",
      ...account,
    },
  });
  return connected as Answer;
}

/** Submits a trade command. `args` overrides single arguments of submit_command. */
export function submit(session: Session, user: string, args: Row = {}): Promise<Answer> {
  return session.call("service_role", "submit_command", submission(user, args));
}

export function submission(user: string, args: Row = {}): Row {
  return {
    p_user_id: user,
    p_account_id: null,
    p_kind: "trade",
    p_key: randomUUID(),
    p_fingerprint: "fingerprint-1",
    p_request: { symbol: "EURUSD", order_type: "buy", volume: 0.1, magic: 7, comment: "mine" },
    p_timeout_ms: 10_000,
    p_request_id: "request-1",
    ...args,
  };
}

/** The final answer that goes with a state: what complete_command asks for beside the ids. */
export function completion(state: string, more: Row = {}): Row {
  const executed = state === "done" ? true : state === "unknown" || state === "accepted" ? null : false;
  const status = state === "done" ? 200 : state === "unknown" ? 202 : 422;
  return {
    p_state: state,
    p_executed: executed,
    p_status: status,
    p_body: `{"state": "${state}"}`,
    p_evidence: { source: state },
    p_worker_id: "worker-1",
    ...more,
  };
}
