import assert from "node:assert/strict";
import { test } from "node:test";
import { importJWK, jwtVerify } from "jose";
import { ENVELOPE_TYP, EnvelopeClaims, TICKET_TYP, TicketClaims } from "../../_shared/protocol/mod.ts";
import { makeKey } from "../testing/keys.ts";
import { sha256Base64url } from "./digest.ts";
import { createEnvelopeSigner } from "./envelope.ts";
import { createTicketSigner } from "./ticket.ts";

const link = await makeKey("link-1", "sig");
const publicKey = await importJWK(link.publicJwk, "ES256");

test("an envelope verifies with the link's public key and carries its claims, type and key id", async () => {
  const iat = Math.floor(Date.now() / 1000);
  const claims = EnvelopeClaims.parse({
    iss: "switchyard-api",
    aud: "w1",
    sub: "11111111-1111-4111-8111-111111111111",
    jti: "33333333-3333-4333-8333-333333333333",
    iat,
    exp: iat + 30,
    kind: "trade",
    account: { login: "5001234", server: "MetaQuotes-Demo" },
    bh: await sha256Base64url("{}"),
    boot: "44444444-4444-4444-8444-444444444444",
    not_after_ms: 1234.5,
    submitted_ago_ms: 0,
    made_at_ms: 1000.5,
  });
  const { payload, protectedHeader } = await jwtVerify(await createEnvelopeSigner(link.privateJwk)(claims), publicKey, {
    typ: ENVELOPE_TYP,
    audience: "w1",
  });
  assert.deepEqual(EnvelopeClaims.parse(payload), claims);
  assert.equal(protectedHeader.kid, "link-1");
});

test("a ticket names one worker and dies 30 s after it was made", async () => {
  const nowS = Math.floor(Date.now() / 1000);
  const jti = "33333333-3333-4333-8333-333333333333";
  const jwt = await createTicketSigner(link.privateJwk)({ workerId: "w1", jti, nowS });
  const { payload } = await jwtVerify(jwt, publicKey, { typ: TICKET_TYP, audience: "w1" });
  assert.deepEqual(TicketClaims.parse(payload), { iss: "switchyard-api", aud: "w1", jti, exp: nowS + 30 });
});

test("sha256Base64url() is the known digest of the empty text", async () => {
  assert.equal(await sha256Base64url(""), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
});
