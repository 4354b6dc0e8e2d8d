// The function's signed statement about one call to a worker.
import { importJWK, type JWK, SignJWT } from "jose";
import { ENVELOPE_TYP, type EnvelopeClaims, SIGNATURE_ALG } from "../../_shared/protocol/mod.ts";

export type SignEnvelope = (claims: EnvelopeClaims) => Promise<string>;

/** `linkKey`: the function's private ES256 key; its `kid` goes into the header. */
export function createEnvelopeSigner(linkKey: JWK): SignEnvelope {
  // Imported once and shared: the import costs as much as a signature.
  const key = importJWK(linkKey, SIGNATURE_ALG);
  return async (claims) =>
    await new SignJWT(claims)
      .setProtectedHeader({ alg: SIGNATURE_ALG, typ: ENVELOPE_TYP, kid: linkKey.kid })
      .sign(await key);
}
