// Who is calling: a Supabase access token, checked against the project's own public keys.
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { z } from "zod";
import { Uuid } from "../../_shared/domain/mod.ts";
import { AppError } from "../../_shared/errors/mod.ts";
import { CLOCK_TOLERANCE_S, MAX_TOKEN_CHARS } from "../../_shared/protocol/mod.ts";

/** `token` is passed on to the database and to the worker, which verify it again. Never logged, never stored. */
export type Caller = { userId: string; token: string };
/** Throws `unauthenticated`, or `database_unavailable` when the project's keys cannot be fetched. */
export type VerifyUserToken = (token: string) => Promise<Caller>;

/** What Supabase signs a signed-in user's tokens with. No HS256: its secret would let the function mint tokens. */
const ALGORITHMS = ["ES256", "RS256"];
const AUDIENCE = "authenticated";
const Claims = z.object({ sub: Uuid, role: z.literal("authenticated"), exp: z.int() });

/** A token with an unknown key makes us look again, but not more often than this: anyone can send one. */
const JWKS_COOLDOWN_MS = 30_000;
const JWKS_MAX_AGE_MS = 10 * 60 * 1000;
const JWKS_TIMEOUT_MS = 3_000;

export function createUserTokenVerifier(options: { jwksUrl: string; issuer: string }): VerifyUserToken {
  const keys = createRemoteJWKSet(new URL(options.jwksUrl), {
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_MAX_AGE_MS,
    timeoutDuration: JWKS_TIMEOUT_MS,
  });
  return async (token) => {
    if (token.length > MAX_TOKEN_CHARS) throw new AppError("unauthenticated", { detail: "The token is too long" });
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ALGORITHMS,
        issuer: options.issuer,
        audience: AUDIENCE,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ["sub", "exp"],
      });
      return { userId: Claims.parse(payload).sub, token };
    } catch (cause) {
      if (isTokenFault(cause)) throw new AppError("unauthenticated", { cause });
      throw new AppError("database_unavailable", { detail: "The project's signing keys cannot be fetched", cause });
    }
  };
}

/** Everything jose says about the token itself; what remains is the fetch of the keys. */
function isTokenFault(cause: unknown): boolean {
  if (cause instanceof errors.JWKSTimeout || cause instanceof errors.JWKSInvalid) return false;
  if (cause instanceof z.ZodError) return true;
  // jose's plain JOSEError is "Expected 200 OK from the JSON Web Key Set HTTP response" and its like.
  return cause instanceof errors.JOSEError && cause.code !== "ERR_JOSE_GENERIC";
}
