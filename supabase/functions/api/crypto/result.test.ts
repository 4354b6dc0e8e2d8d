import assert from "node:assert/strict";
import { test } from "node:test";
import { SignJWT, UnsecuredJWT } from "jose";
import type { AppError } from "../../_shared/errors/mod.ts";
import { makeKey, signResult } from "../testing/keys.ts";
import { createResultVerifier } from "./result.ts";

const w1 = await makeKey("w1-key", "sig");
const w2 = await makeKey("w2-key", "sig");
const verify = createResultVerifier([
  { id: "w1", signKeys: [w1.publicJwk] },
  { id: "w2", signKeys: [w2.publicJwk] },
]);
const claims = {
  iss: "w1",
  jti: "33333333-3333-4333-8333-333333333333",
  sub: "11111111-1111-4111-8111-111111111111",
  iat: 1_790_000_000,
  kind: "trade",
  account: { id: "22222222-2222-4222-8222-222222222222", login: "5001234", server: "MetaQuotes-Demo" },
  command: { state: "unknown" as const, evidence: { why: "link lost" } },
};

test("verifyResult() accepts what the named worker signed, account included", async () => {
  assert.deepEqual(await verify(await signResult(w1, claims)), claims);
});

const forgeries: [string, () => Promise<string>][] = [
  ["another worker's key", () => signResult(w2, claims)],
  ["another worker's key under the right kid", () => signResult(w2, claims, { kid: "w1-key" })],
  ["an issuer that is not configured", () => signResult(w1, { ...claims, iss: "w3" })],
  ["another type of token", () => signResult(w1, claims, { typ: "switchyard-envelope+jwt" })],
  ["claims that do not fit the protocol", () => signResult(w1, { ...claims, jti: "not-an-id" })],
  ["no signature", async () => new UnsecuredJWT({ ...claims }).encode()],
  [
    "an HMAC keyed with the public key",
    () =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: "HS256", kid: "w1-key", typ: "switchyard-result+jwt" })
        .sign(new TextEncoder().encode(JSON.stringify(w1.publicJwk))),
  ],
  ["text", async () => "garbage"],
];
for (const [what, forge] of forgeries) {
  test(`verifyResult() refuses ${what}`, async () => {
    await assert.rejects(verify(await forge()), (error: AppError) => error.code === "invalid_result");
  });
}
