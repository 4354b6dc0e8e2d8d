// Do two halves of a key belong together? Asked once, at start. Pure.
import { CompactSign, compactVerify, importJWK, type JWK } from "jose";

const PROBE = new TextEncoder().encode("do these halves match?");

/** Signs with the private and verifies with the public half: importing alone does not compare them everywhere. */
export async function halvesMatch(jwk: JWK & { d?: string }): Promise<boolean> {
  const { d: _private, ...publicHalf } = jwk;
  try {
    const signed = await new CompactSign(PROBE)
      .setProtectedHeader({ alg: "ES256" })
      .sign(await importJWK(jwk, "ES256"));
    await compactVerify(signed, await importJWK(publicHalf, "ES256"));
    return true;
  } catch {
    return false;
  }
}

/** Is this a point on the curve? The runtime refuses to import one that is not. */
export async function isUsablePublicKey(jwk: JWK): Promise<boolean> {
  const { kty, crv, x, y } = jwk;
  try {
    await importJWK({ kty, crv, x, y } as JWK, "ES256");
    return true;
  } catch {
    return false;
  }
}
