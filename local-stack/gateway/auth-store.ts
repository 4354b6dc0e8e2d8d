// Users, sessions and refresh tokens in the tables of schema `auth`: one function per statement or transaction.
import { randomBytes, randomUUID } from "node:crypto";
import { DatabaseError, type Pool, type PoolClient } from "pg";
import { AuthError } from "./auth-errors.ts";
import { decideRefresh } from "./refresh-decision.ts";

export type UserRow = {
  id: string;
  aud: string;
  role: string;
  email: string;
  encrypted_password: string | null;
  email_confirmed_at: Date | null;
  last_sign_in_at: Date | null;
  raw_app_meta_data: Record<string, unknown> | null;
  raw_user_meta_data: Record<string, unknown> | null;
  created_at: Date;
  updated_at: Date;
};

export type OpenedSession = { sessionId: string; refreshToken: string };

const UNIQUE_VIOLATION = "23505";
const REFRESH_TOKEN_BYTES = 16;
const USER_COLUMNS =
  "id, aud, role, email, encrypted_password, email_confirmed_at, last_sign_in_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at";

/** Makes a confirmed user (config.toml: enable_confirmations = false). Throws `user_already_exists`. */
export async function insertUser(
  pool: Pool,
  user: { email: string; passwordHash: string; metadata: Record<string, unknown> },
): Promise<UserRow> {
  const id = randomUUID();
  const metadata = { ...user.metadata, email: user.email, email_verified: true, phone_verified: false, sub: id };
  try {
    const { rows } = await pool.query<UserRow>(
      `insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
         raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
       values ('00000000-0000-0000-0000-000000000000', $1, 'authenticated', 'authenticated', $2, $3, now(),
         '{"provider": "email", "providers": ["email"]}', $4, now(), now())
       returning ${USER_COLUMNS}`,
      [id, user.email, user.passwordHash, JSON.stringify(metadata)],
    );
    return only(rows);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === UNIQUE_VIOLATION) throw new AuthError("user_already_exists");
    throw error;
  }
}

export async function findUserByEmail(pool: Pool, email: string): Promise<UserRow | undefined> {
  const { rows } = await pool.query<UserRow>(
    `select ${USER_COLUMNS} from auth.users where email = $1 and deleted_at is null and not is_sso_user`,
    [email],
  );
  return rows[0];
}

export async function findUserById(pool: Pool, id: string): Promise<UserRow | undefined> {
  const { rows } = await pool.query<UserRow>(
    `select ${USER_COLUMNS} from auth.users where id = $1 and deleted_at is null`,
    [id],
  );
  return rows[0];
}

export async function sessionExists(pool: Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query("select from auth.sessions where id = $1", [id]);
  return rowCount === 1;
}

/** A new session with its first refresh token; also records the sign-in. */
export function openSession(pool: Pool, userId: string): Promise<OpenedSession> {
  return inTransaction(pool, async (client) => {
    const sessionId = randomUUID();
    await client.query("insert into auth.sessions (id, user_id) values ($1, $2)", [sessionId, userId]);
    await client.query("update auth.users set last_sign_in_at = now(), updated_at = now() where id = $1", [userId]);
    return { sessionId, refreshToken: await insertRefreshToken(client, userId, sessionId, null) };
  });
}

type TokenRow = {
  token: string;
  user_id: string;
  session_id: string;
  parent: string | null;
  revoked: boolean;
  age_s: number;
};
type Refreshed = OpenedSession & { userId: string };

/** Trades a refresh token for the next one. A stolen, already used one ends every token of its session. */
export async function rotateRefreshToken(pool: Pool, token: string): Promise<Refreshed> {
  const outcome = await inTransaction(pool, async (client): Promise<Refreshed | AuthError> => {
    const { rows } = await client.query<TokenRow>(
      `select t.token, t.user_id, t.session_id, t.parent, t.revoked,
         extract(epoch from now() - t.updated_at)::float8 as age_s
       from auth.refresh_tokens t join auth.sessions s on s.id = t.session_id
       where t.token = $1 for update of s`,
      [token],
    );
    const [presented] = rows;
    if (presented === undefined) return new AuthError("refresh_token_not_found");
    // Read again: while this waited for the session's lock, another request may have rotated the token.
    const fresh = only((await client.query<TokenRow>(REREAD, [token])).rows);
    const active = (await client.query<TokenRow>(ACTIVE, [presented.session_id])).rows[0];
    const base = { sessionId: presented.session_id, userId: presented.user_id };
    const decision = decideRefresh(fresh, active);
    if (decision === "give_active" && active) return { ...base, refreshToken: active.token };
    if (decision === "refuse") {
      await client.query("update auth.refresh_tokens set revoked = true, updated_at = now() where session_id = $1", [
        presented.session_id,
      ]);
      return new AuthError("refresh_token_already_used");
    }
    await client.query("update auth.refresh_tokens set revoked = true, updated_at = now() where token = $1", [token]);
    await client.query("update auth.sessions set refreshed_at = now(), updated_at = now() where id = $1", [
      base.sessionId,
    ]);
    return { ...base, refreshToken: await insertRefreshToken(client, base.userId, base.sessionId, token) };
  });
  // Thrown here, after the commit: the revocation above must last.
  if (outcome instanceof AuthError) throw outcome;
  return outcome;
}

const TOKEN_COLUMNS =
  "token, user_id, session_id, parent, revoked, extract(epoch from now() - updated_at)::float8 as age_s";
const REREAD = `select ${TOKEN_COLUMNS} from auth.refresh_tokens where token = $1`;
const ACTIVE = `select ${TOKEN_COLUMNS} from auth.refresh_tokens where session_id = $1 and not revoked order by id desc limit 1`;

export type LogoutScope = "global" | "local" | "others";

export async function endSessions(pool: Pool, userId: string, sessionId: string, scope: LogoutScope): Promise<void> {
  const which = { global: "", local: "and id = $2", others: "and id <> $2" }[scope];
  const values = scope === "global" ? [userId] : [userId, sessionId];
  await pool.query(`delete from auth.sessions where user_id = $1 ${which}`, values);
}

async function insertRefreshToken(
  client: PoolClient,
  user: string,
  session: string,
  parent: string | null,
): Promise<string> {
  const token = randomBytes(REFRESH_TOKEN_BYTES).toString("base64url");
  await client.query("insert into auth.refresh_tokens (token, user_id, session_id, parent) values ($1, $2, $3, $4)", [
    token,
    user,
    session,
    parent,
  ]);
  return token;
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

function only<T>(rows: T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error("Expected one row, got none");
  return row;
}
