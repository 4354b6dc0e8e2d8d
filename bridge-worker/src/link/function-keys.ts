// Verifies what the function signs: the ticket that opens a link, and the envelope of every call. Public keys are pinned
// in the configuration.
import { createHash, timingSafeEqual } from "node:crypto";
import { createLocalJWKSet, type JWK, jwtVerify } from "jose";
import {
  API_ISSUER,
  AppError,
  CLOCK_TOLERANCE_S,
  ENVELOPE_LIFE_S,
  ENVELOPE_TYP,
  EnvelopeClaims,
  SIGNATURE_ALG,
  TICKET_TYP,
  TicketClaims,
} from "../protocol.ts";

export interface FunctionKeys {
  /** The ticket's id and its expiry (Unix seconds). Throws `proof_refused`. */
  verifyTicket(ticket: string): Promise<{ jti: string; exp: number }>;
  /** The claims, if they are about exactly this body and this boot of the worker. Throws `proof_refused`. */
  verifyEnvelope(envelope: string, body: string): Promise<EnvelopeClaims>;
}

export type FunctionKeyOptions = { keys: JWK[]; workerId: string; bootId: string };

export function createFunctionKeys({ keys, workerId, bootId }: FunctionKeyOptions): FunctionKeys {
  const keySet = createLocalJWKSet({ keys });
  const verify = async (token: string, typ: string): Promise<Record<string, unknown>> => {
    try {
      const { payload } = await jwtVerify(token, keySet, {
        algorithms: [SIGNATURE_ALG],
        issuer: API_ISSUER,
        audience: workerId,
        typ,
        requiredClaims: ["exp", "iat", "jti"],
        clockTolerance: CLOCK_TOLERANCE_S,
        // `exp` is the signer's word; this bounds it by ours.
        maxTokenAge: ENVELOPE_LIFE_S,
      });
      return payload;
    } catch {
      throw refusal("The function's signature is not valid here");
    }
  };
  return {
    async verifyTicket(ticket) {
      const claims = TicketClaims.safeParse(await verify(ticket, TICKET_TYP));
      if (!claims.success) throw refusal("The ticket's claims are not valid");
      return claims.data;
    },
    async verifyEnvelope(envelope, body) {
      const claims = EnvelopeClaims.safeParse(await verify(envelope, ENVELOPE_TYP));
      if (!claims.success) throw refusal("The envelope's claims are not valid");
      if (claims.data.boot !== bootId) throw refusal("The envelope was made for an earlier start of this worker");
      if (!isHashOf(claims.data.bh, body)) throw refusal("The envelope belongs to another body");
      return claims.data;
    },
  };
}

function isHashOf(hash: string, body: string): boolean {
  const expected = createHash("sha256").update(body).digest();
  const given = Buffer.from(hash, "base64url");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function refusal(detail: string): AppError {
  return new AppError("proof_refused", { detail });
}
