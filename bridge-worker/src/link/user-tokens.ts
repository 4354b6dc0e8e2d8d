// Verifies the caller's own Supabase access token, a second time and independently of the function: whoever stole the
// link key alone can do nothing with it.
import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from "jose";
import { AppError, CLOCK_TOLERANCE_S, Uuid } from "../protocol.ts";

/** Asymmetric only: whoever can verify HS256 can also mint, so a project on a shared secret is refused. */
const ALGORITHMS = ["ES256", "RS256"];
const JWKS_MAX_AGE_MS = 10 * 60 * 1000;
/** An unknown kid asks for the keys again, at most this often. */
const JWKS_COOLDOWN_MS = 30_000;
const JWKS_TIMEOUT_MS = 5_000;

export interface UserTokens {
  /** The user's id. Throws `proof_refused`; the token is used here and kept nowhere. */
  verify(token: string): Promise<string>;
}

export type UserTokenOptions = { jwksUrl: string; issuer: string };

export function createUserTokens({ jwksUrl, issuer }: UserTokenOptions): UserTokens {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    cacheMaxAge: JWKS_MAX_AGE_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    timeoutDuration: JWKS_TIMEOUT_MS,
  });
  return { verify: (token) => verifyUserToken(token, keys, issuer) };
}

export async function verifyUserToken(token: string, keys: JWTVerifyGetKey, issuer: string): Promise<string> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      audience: "authenticated",
      requiredClaims: ["exp", "sub"],
      clockTolerance: CLOCK_TOLERANCE_S,
    });
    if (payload.role !== "authenticated") throw new Error("role");
    return Uuid.parse(payload.sub);
  } catch {
    throw new AppError("proof_refused", { detail: "The user's access token is not valid here" });
  }
}

/**
 * Looks at the project's key set once, at start. Without an asymmetric key in it (`symmetric`) every token would be
 * refused, and the operator should hear why. An auth server that is not up yet is no fault.
 */
export async function checkKeySet(jwksUrl: string): Promise<"ok" | "symmetric" | "unreachable"> {
  let body: unknown;
  try {
    const response = await fetch(jwksUrl, { signal: AbortSignal.timeout(JWKS_TIMEOUT_MS) });
    if (!response.ok) return "unreachable";
    body = await response.json();
  } catch {
    return "unreachable";
  }
  const keys = (body as { keys?: { kty?: unknown }[] } | null)?.keys ?? [];
  return keys.some(({ kty }) => kty === "EC" || kty === "RSA") ? "ok" : "symmetric";
}
