// Makes and verifies the local project's access tokens (ES256 with kid, as GoTrue signs them).
import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { type ProjectKeys, SIGNING_ALGORITHM } from "../keys.ts";

/** Lifetime of an access token: GoTrue's default. */
export const ACCESS_TOKEN_SECONDS = 3600;
/** PostgREST allows this much difference between clocks. */
const LEEWAY_SECONDS = 30;

export type TokenUser = {
  id: string;
  email: string;
  app_metadata: Record<string, unknown>;
  user_metadata: Record<string, unknown>;
};

export type Verified = { ok: true; claims: JWTPayload } | { ok: false; reason: "malformed" | "signature" | "expired" };

export interface Tokens {
  /** An access token for this user and session; `expires_at` in seconds since 1970. */
  issue(user: TokenUser, sessionId: string): Promise<{ access_token: string; expires_at: number }>;
  verify(token: string): Promise<Verified>;
}

export function createTokens(keys: ProjectKeys, issuer: string, now: () => number = Date.now): Tokens {
  const keySet = createLocalJWKSet(keys.jwks);
  return {
    issue: async (user, sessionId) => {
      const iat = Math.floor(now() / 1000);
      const exp = iat + ACCESS_TOKEN_SECONDS;
      const access_token = await keys.sign({
        iss: issuer,
        sub: user.id,
        aud: "authenticated",
        exp,
        iat,
        email: user.email,
        phone: "",
        app_metadata: user.app_metadata,
        user_metadata: user.user_metadata,
        role: "authenticated",
        aal: "aal1",
        amr: [{ method: "password", timestamp: iat }],
        session_id: sessionId,
        is_anonymous: false,
      });
      return { access_token, expires_at: exp };
    },
    verify: async (token) => {
      try {
        const { payload } = await jwtVerify(token, keySet, {
          algorithms: [SIGNING_ALGORITHM],
          clockTolerance: LEEWAY_SECONDS,
          currentDate: new Date(now()),
        });
        return { ok: true, claims: payload };
      } catch (error) {
        if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) {
          return { ok: false, reason: "expired" };
        }
        const malformed = error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid;
        return { ok: false, reason: malformed ? "malformed" : "signature" };
      }
    },
  };
}
