// The Auth API (GoTrue) that supabase-js needs for e-mail and password users: sign up, sign in, refresh, read, sign out.
import type { Pool } from "pg";
import { z } from "zod";
import type { ProjectKeys } from "../keys.ts";
import { AuthError } from "./auth-errors.ts";
import {
  endSessions,
  findUserByEmail,
  findUserById,
  insertUser,
  type LogoutScope,
  openSession,
  rotateRefreshToken,
  sessionExists,
  type UserRow,
} from "./auth-store.ts";
import { type JsonAnswer, json } from "./http.ts";
import { hashPassword, isPassword } from "./passwords.ts";
import { ACCESS_TOKEN_SECONDS, type Tokens } from "./tokens.ts";

/** config.toml's [auth] minimum_password_length, and the longest that GoTrue takes (bcrypt's limit). */
const PASSWORD_MIN_LENGTH = 6;
const PASSWORD_MAX_BYTES = 72;

export type AuthDeps = { pool: Pool; keys: ProjectKeys; tokens: Tokens };
export type AuthRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  body: string;
  token: string | undefined;
};

const Credentials = z.looseObject({
  email: z.string().optional(),
  password: z.string().optional(),
  data: z.record(z.string(), z.unknown()).nullish(),
});
const RefreshBody = z.looseObject({ refresh_token: z.string() });
const EMAIL = /^[^\s@]+@[^\s@]+\.?[^\s@]+$/;

/** Answers one request to /auth/v1 (the prefix is gone from `path`). Throws AuthError for every refusal. */
export async function answerAuth(deps: AuthDeps, request: AuthRequest): Promise<JsonAnswer> {
  switch (`${request.method} ${request.path}`) {
    case "GET /health":
      return json(200, {
        version: "local",
        name: "GoTrue",
        description: "Switchyard's local stand-in for Supabase Auth",
      });
    case "GET /.well-known/jwks.json":
      return json(200, deps.keys.jwks, { "cache-control": "public, max-age=600" });
    case "POST /signup":
      return signUp(deps, parse(Credentials, request.body));
    case "POST /token":
      return token(deps, request);
    case "GET /user":
      return json(200, userJson((await signedIn(deps, request.token)).user));
    case "POST /logout":
      return logout(deps, request);
    default:
      throw new AuthError("not_served");
  }
}

async function signUp(deps: AuthDeps, body: z.infer<typeof Credentials>): Promise<JsonAnswer> {
  if (!body.email && !body.password) throw new AuthError("anonymous_provider_disabled");
  if (!body.password) throw new AuthError("validation_failed", "Signup requires a valid password");
  const email = normaliseEmail(body.email ?? "");
  if (body.password.length < PASSWORD_MIN_LENGTH) throw new AuthError("weak_password");
  if (Buffer.byteLength(body.password) > PASSWORD_MAX_BYTES) {
    throw new AuthError("validation_failed", `Password cannot be longer than ${PASSWORD_MAX_BYTES} characters`);
  }
  const passwordHash = await hashPassword(body.password);
  const user = await insertUser(deps.pool, { email, passwordHash, metadata: body.data ?? {} });
  return startSession(deps, user);
}

async function token(deps: AuthDeps, request: AuthRequest): Promise<JsonAnswer> {
  const grant = request.query.get("grant_type");
  if (grant === "password") return signIn(deps, parse(Credentials, request.body));
  if (grant === "refresh_token") return refresh(deps, parse(RefreshBody, request.body).refresh_token);
  throw new AuthError("validation_failed", `unsupported_grant_type: "${grant ?? ""}"`);
}

async function signIn(deps: AuthDeps, { email, password }: z.infer<typeof Credentials>): Promise<JsonAnswer> {
  if (!email || !password) throw new AuthError("validation_failed", "missing email or phone");
  const user = await findUserByEmail(deps.pool, email.trim().toLowerCase());
  const right = user?.encrypted_password ? await isPassword(password, user.encrypted_password) : false;
  if (user === undefined || !right) throw new AuthError("invalid_credentials");
  return startSession(deps, user);
}

async function startSession(deps: AuthDeps, user: UserRow): Promise<JsonAnswer> {
  const { sessionId, refreshToken } = await openSession(deps.pool, user.id);
  return sessionAnswer(deps, { ...user, last_sign_in_at: new Date() }, sessionId, refreshToken);
}

async function refresh(deps: AuthDeps, refreshToken: string): Promise<JsonAnswer> {
  const next = await rotateRefreshToken(deps.pool, refreshToken);
  const user = await findUserById(deps.pool, next.userId);
  if (user === undefined) throw new AuthError("refresh_token_not_found");
  return sessionAnswer(deps, user, next.sessionId, next.refreshToken);
}

async function sessionAnswer(
  deps: AuthDeps,
  user: UserRow,
  sessionId: string,
  refreshToken: string,
): Promise<JsonAnswer> {
  const { access_token, expires_at } = await deps.tokens.issue(
    {
      id: user.id,
      email: user.email,
      app_metadata: user.raw_app_meta_data ?? {},
      user_metadata: user.raw_user_meta_data ?? {},
    },
    sessionId,
  );
  return json(200, {
    access_token,
    token_type: "bearer",
    expires_in: ACCESS_TOKEN_SECONDS,
    expires_at,
    refresh_token: refreshToken,
    user: userJson(user),
  });
}

async function logout(deps: AuthDeps, request: AuthRequest): Promise<JsonAnswer> {
  const { user, sessionId } = await signedIn(deps, request.token);
  const scope = request.query.get("scope") ?? "global";
  if (!isScope(scope)) throw new AuthError("validation_failed", `Unsupported logout scope "${scope}"`);
  await endSessions(deps.pool, user.id, sessionId, scope);
  return { status: 204 };
}

function isScope(scope: string): scope is LogoutScope {
  return ["global", "local", "others"].includes(scope);
}

/** The user of a live session. Unlike a check of the token alone, this notices sign-out and deletion. */
async function signedIn(deps: AuthDeps, bearer: string | undefined): Promise<{ user: UserRow; sessionId: string }> {
  if (bearer === undefined) throw new AuthError("no_authorization");
  const verified = await deps.tokens.verify(bearer);
  if (!verified.ok) {
    const why = { malformed: "token is malformed", signature: "signature is invalid", expired: "token is expired" };
    throw new AuthError("bad_jwt", `invalid JWT: unable to parse or verify signature, ${why[verified.reason]}`);
  }
  const { sub, session_id: sessionId } = verified.claims;
  if (!sub) throw new AuthError("bad_jwt", "invalid claim: missing sub claim");
  const user = await findUserById(deps.pool, sub);
  if (user === undefined) throw new AuthError("user_not_found");
  if (typeof sessionId !== "string" || !(await sessionExists(deps.pool, sessionId))) {
    throw new AuthError("session_not_found");
  }
  return { user, sessionId };
}

function userJson(user: UserRow): Record<string, unknown> {
  const { id, email } = user;
  const created = user.created_at.toISOString();
  return {
    id,
    aud: user.aud,
    role: user.role,
    email,
    email_confirmed_at: user.email_confirmed_at?.toISOString(),
    phone: "",
    confirmed_at: user.email_confirmed_at?.toISOString(),
    last_sign_in_at: user.last_sign_in_at?.toISOString(),
    app_metadata: user.raw_app_meta_data ?? {},
    user_metadata: user.raw_user_meta_data ?? {},
    identities: [
      {
        identity_id: id,
        id,
        user_id: id,
        identity_data: user.raw_user_meta_data ?? {},
        provider: "email",
        last_sign_in_at: created,
        created_at: created,
        updated_at: created,
        email,
      },
    ],
    created_at: created,
    updated_at: user.updated_at.toISOString(),
    is_anonymous: false,
  };
}

function normaliseEmail(email: string): string {
  const normal = email.trim().toLowerCase();
  if (!EMAIL.test(normal)) throw new AuthError("validation_failed", "Unable to validate email address: invalid format");
  return normal;
}

function parse<T>(schema: z.ZodType<T>, body: string): T {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new AuthError("bad_json", undefined, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new AuthError("validation_failed", z.prettifyError(parsed.error));
  return parsed.data;
}
