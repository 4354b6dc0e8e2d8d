import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import type { AppError } from "../../_shared/errors/mod.ts";
import { MAX_TOKEN_CHARS } from "../../_shared/protocol/mod.ts";
import { makeKey, signUserToken } from "../testing/keys.ts";
import { createUserTokenVerifier, type VerifyUserToken } from "./user-token.ts";

const issuer = "https://project.example/auth/v1";
const sub = "11111111-1111-4111-8111-111111111111";
const key = await makeKey("auth-1", "sig");
const stranger = await makeKey("stranger", "sig");
// In the project's key set, but not of a kind that Supabase Auth signs access tokens with.
const p384 = await generateKeyPair("ES384", { extractable: true });
const p384Jwk = { ...(await exportJWK(p384.publicKey)), kid: "auth-384", alg: "ES384" };
let fetches = 0;
const server = createServer((_request, response) => {
  fetches++;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ keys: [key.publicJwk, p384Jwk] }));
});
let verify: VerifyUserToken;
const sign = (claims: Record<string, unknown> = {}, expiresInS?: number) =>
  signUserToken(key, { issuer, sub, claims, expiresInS });

describe("verifyUserToken()", () => {
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    verify = createUserTokenVerifier({ jwksUrl, issuer });
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  test("answers the subject of a valid token", async () => {
    const token = await sign();
    assert.deepEqual(await verify(token), { userId: sub, token });
  });

  const forgeries: [string, () => Promise<string>][] = [
    [
      "no signature",
      async () =>
        new UnsecuredJWT({ sub, role: "authenticated", iss: issuer, aud: "authenticated", exp: 4e9 }).encode(),
    ],
    [
      "an HMAC keyed with the public key",
      () =>
        new SignJWT({ sub, role: "authenticated", iss: issuer, aud: "authenticated", exp: 4e9 })
          .setProtectedHeader({ alg: "HS256", kid: "auth-1" })
          .sign(new TextEncoder().encode(JSON.stringify(key.publicJwk))),
    ],
    [
      "an algorithm that is not on the list",
      () =>
        new SignJWT({ sub, role: "authenticated", iss: issuer, aud: "authenticated", exp: 4e9 })
          .setProtectedHeader({ alg: "ES384", kid: "auth-384" })
          .sign(p384.privateKey),
    ],
    ["another audience", () => sign({ aud: "anon" })],
    ["another issuer", () => sign({ iss: "https://evil.example/auth/v1" })],
    ["the role anon", () => sign({ role: "anon" })],
    ["the role service_role", () => sign({ role: "service_role" })],
    ["no role", () => sign({ role: undefined })],
    ["a subject that is no id", () => sign({ sub: "admin" })],
    ["no subject", () => sign({ sub: undefined })],
    ["no expiry", () => sign({ exp: undefined })],
    ["an expiry 31 s ago", () => sign({}, -31)],
    ["a foreign key", () => signUserToken(stranger, { issuer, sub })],
    [
      "a foreign key under a known kid",
      () => signUserToken({ ...stranger, publicJwk: key.publicJwk }, { issuer, sub }),
    ],
    ["a good token that is too long for a frame", () => sign({ user_metadata: "m".repeat(MAX_TOKEN_CHARS) })],
    ["no token at all", async () => "garbage"],
  ];
  for (const [what, forge] of forgeries) {
    test(`refuses ${what}`, async () => {
      await assert.rejects(verify(await forge()), (error: AppError) => error.code === "unauthenticated");
    });
  }

  test("accepts an expiry within the tolerated difference of clocks", async () => {
    assert.equal((await verify(await sign({}, -25))).userId, sub);
  });

  test("tokens with unknown keys do not make it fetch the keys again and again", async () => {
    await verify(await sign());
    const before = fetches;
    for (let i = 0; i < 5; i++) await verify(await signUserToken(stranger, { issuer, sub })).catch(() => {});
    assert.equal(fetches, before);
  });

  test("says database_unavailable, not unauthenticated, when the keys cannot be fetched", async () => {
    const away = createUserTokenVerifier({ jwksUrl: "http://127.0.0.1:1/jwks.json", issuer });
    await assert.rejects(away(await sign()), (error: AppError) => error.code === "database_unavailable");
  });
});
