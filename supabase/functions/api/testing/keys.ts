// Keys and signatures for tests: what a worker, a project's auth server or an attacker would make.
import { CompactSign, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { RESULT_TYP, type ResultClaims } from "../../_shared/protocol/mod.ts";

export type TestJwk = JWK & { kty: "EC"; crv: "P-256"; x: string; y: string; kid: string };
export type TestKey = { privateJwk: TestJwk & { d: string }; publicJwk: TestJwk };

export async function makeKey(kid: string, use: "sig" | "enc"): Promise<TestKey> {
  const alg = use === "sig" ? "ES256" : "ECDH-ES";
  const { privateKey } = await generateKeyPair(alg, { crv: "P-256", extractable: true });
  const { x = "", y = "", d = "" } = await exportJWK(privateKey);
  const publicJwk = { kty: "EC", crv: "P-256", x, y, kid, use, alg } as const;
  return { publicJwk, privateJwk: { ...publicJwk, d } };
}

/** A result as a worker signs it. `header` overrides parts of the protected header. */
export async function signResult(key: TestKey, claims: Partial<ResultClaims>, header: object = {}): Promise<string> {
  const privateKey = await importJWK(key.privateJwk, "ES256");
  return await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "ES256", typ: RESULT_TYP, kid: key.publicJwk.kid, ...header })
    .sign(privateKey);
}

export type TokenOptions = { issuer: string; sub: string; claims?: Record<string, unknown>; expiresInS?: number };

/** An access token as Supabase Auth signs it. */
export async function signUserToken(
  key: TestKey,
  { issuer, sub, claims, expiresInS = 3600 }: TokenOptions,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return await new SignJWT({
    role: "authenticated",
    iss: issuer,
    aud: "authenticated",
    sub,
    iat: now,
    exp: now + expiresInS,
    ...claims,
  })
    .setProtectedHeader({ alg: "ES256", kid: key.publicJwk.kid, typ: "JWT" })
    .sign(await importJWK(key.privateJwk, "ES256"));
}
