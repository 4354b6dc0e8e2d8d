// Access tokens are checked against the project's own key set, fetched from its auth server; a project that signs with a
// shared secret is refused at start.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import {
  createSigners,
  ISSUER,
  type KeyServer,
  keySet,
  nowS,
  type Signers,
  serveKeys,
} from "../../../tests/support/link-fixture.ts";
import { AppError, CLOCK_TOLERANCE_S } from "../protocol.ts";
import { checkKeySet, createUserTokens, type UserTokens } from "./user-tokens.ts";

const USER = "0f8fad5b-d9cb-469f-a165-70867728950e";

describe("createUserTokens", () => {
  let signers: Signers;
  let server: KeyServer;
  let tokens: UserTokens;
  let keys: unknown;
  beforeEach(async () => {
    signers = await createSigners();
    keys = keySet(signers.userKey);
    server = await serveKeys(() => keys);
    tokens = createUserTokens({ jwksUrl: server.url, issuer: ISSUER });
  });
  afterEach(() => server.stop());

  function isRefused(error: unknown): boolean {
    return error instanceof AppError && error.code === "proof_refused";
  }

  it("an ES256 token of the project names its user; the keys are fetched once", async () => {
    assert.equal(await tokens.verify(await signers.userToken(USER)), USER);
    assert.equal(await tokens.verify(await signers.userToken(USER)), USER);
    assert.equal(server.asked(), 1);
  });

  it("an RS256 token is accepted as well", async () => {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
    keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "rsa", alg: "RS256", use: "sig" }] };
    const claims = { iss: ISSUER, aud: "authenticated", role: "authenticated", sub: USER, exp: nowS() + 60 };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "rsa" }).sign(privateKey);
    assert.equal(await tokens.verify(token), USER);
  });

  it("an expiry within the tolerance of clocks passes", async () => {
    const token = await signers.userToken(USER, { claims: { exp: nowS() - CLOCK_TOLERANCE_S + 5 } });
    assert.equal(await tokens.verify(token), USER);
  });

  for (const [name, claims] of [
    ["role", { role: "anon" }],
    ["audience", { aud: "anon" }],
    ["issuer", { iss: "http://127.0.0.1/auth/v2" }],
    ["expiry", { exp: nowS() - CLOCK_TOLERANCE_S - 1 }],
    ["user", { sub: "root" }],
  ] as const) {
    it(`refuses another ${name}`, async () => {
      await assert.rejects(signers.userToken(USER, { claims }).then(tokens.verify), isRefused);
    });
  }

  it("refuses every other algorithm, also of a key that the project publishes", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES384", { extractable: true });
    const secret = "a-shared-secret-of-thirty-two-bytes!";
    const shared = { kty: "oct", kid: "shared", alg: "HS256", k: Buffer.from(secret).toString("base64url") };
    keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "p384" }, shared] };
    const claims = { iss: ISSUER, aud: "authenticated", role: "authenticated", sub: USER, exp: nowS() + 60 };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: "ES384", kid: "p384" }).sign(privateKey);
    await assert.rejects(tokens.verify(token), isRefused);
    await assert.rejects(signers.userToken(USER, { secret, header: { kid: "shared" } }).then(tokens.verify), isRefused);
  });

  it("refuses, and does not hang or crash, while the auth server is away", async () => {
    const away = await serveKeys(() => keys);
    await away.stop();
    const lost = createUserTokens({ jwksUrl: away.url, issuer: ISSUER });
    await assert.rejects(signers.userToken(USER).then(lost.verify), isRefused);
  });
});

describe("checkKeySet", () => {
  async function check(body: unknown, status = 200): Promise<string> {
    const server = await serveKeys(() => body, status);
    try {
      return await checkKeySet(server.url);
    } finally {
      await server.stop();
    }
  }

  it("is content with one asymmetric key", async () => {
    assert.equal(await check({ keys: [{ kty: "oct" }, { kty: "EC", crv: "P-256" }] }), "ok");
    assert.equal(await check({ keys: [{ kty: "RSA" }] }), "ok");
  });

  for (const body of [{ keys: [] }, { keys: [{ kty: "oct" }] }, {}, null]) {
    it(`notices that the project only has ${JSON.stringify(body)}`, async () => {
      assert.equal(await check(body), "symmetric");
    });
  }

  it("an auth server that is away or not ready yet is no fault", async () => {
    assert.equal(await check({ keys: [] }, 503), "unreachable");
    const away = await serveKeys(() => ({}));
    await away.stop();
    assert.equal(await checkKeySet(away.url), "unreachable");
  });
});
