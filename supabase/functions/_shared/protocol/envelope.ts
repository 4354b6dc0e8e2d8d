// The function's signed statement about one call, and the ticket that opens a link. Pure.
import { z } from "zod";
import { AccountRef, Uuid } from "../domain/mod.ts";

export const ENVELOPE_TYP = "switchyard-envelope+jwt";
export const TICKET_TYP = "switchyard-ticket+jwt";
export const API_ISSUER = "switchyard-api";
export const SIGNATURE_ALG = "ES256";

/** Claims of the ticket in the sub-protocol `ticket.<JWT>`; `aud` is the worker's id; used once. */
export const TicketClaims = z.object({ iss: z.literal(API_ISSUER), aud: z.string(), jti: Uuid, exp: z.int() });

/**
 * Claims of a call's envelope. `bh` is the base64url SHA-256 of the frame's `body` text. `not_after_ms` is on the
 * worker's own monotonic clock (see `welcome`), valid for the boot named by `boot` alone: an envelope made for an
 * earlier life of the worker is refused. `submitted_ago_ms`: age of the ledger row when the frame was made; `made_at_ms`:
 * that moment on the worker's clock, never later than the truth, so that a frame that was held on the way has aged.
 */
export const EnvelopeClaims = z.object({
  iss: z.literal(API_ISSUER),
  aud: z.string(),
  sub: Uuid,
  jti: Uuid,
  iat: z.int(),
  exp: z.int(),
  kind: z.string().max(32),
  account: AccountRef.extend({ id: Uuid.optional() }),
  bh: z.string().length(43),
  boot: Uuid,
  not_after_ms: z.number(),
  submitted_ago_ms: z.number().min(0),
  made_at_ms: z.number(),
});
export type EnvelopeClaims = z.infer<typeof EnvelopeClaims>;
