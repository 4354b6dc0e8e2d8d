// The ticket that opens one link to one worker.
import { importJWK, type JWK, SignJWT } from "jose";
import { API_ISSUER, ENVELOPE_LIFE_S, SIGNATURE_ALG, TICKET_TYP } from "../../_shared/protocol/mod.ts";

/** `jti` makes the ticket usable once; it dies ENVELOPE_LIFE_S seconds after `nowS` (wall clock, seconds). */
export type SignTicket = (ticket: { workerId: string; jti: string; nowS: number }) => Promise<string>;

export function createTicketSigner(linkKey: JWK): SignTicket {
  const key = importJWK(linkKey, SIGNATURE_ALG);
  return async ({ workerId, jti, nowS }) =>
    await new SignJWT({ iss: API_ISSUER, aud: workerId, jti, iat: nowS, exp: nowS + ENVELOPE_LIFE_S })
      .setProtectedHeader({ alg: SIGNATURE_ALG, typ: TICKET_TYP, kid: linkKey.kid })
      .sign(await key);
}
