// A result is one signed text: the worker's key, its type, and claims that the function can check.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compactVerify, decodeJwt, importJWK } from "jose";
import { makeKeyPair } from "../../../scripts/keys.ts";
import { MAX_DETAIL_CHARS, RESULT_TYP, ResultClaims } from "../protocol.ts";
import { createResultSigner } from "./result-signer.ts";

describe("createResultSigner", () => {
  it("signs ES256 with kid and type, and the claims fit the protocol", async () => {
    const { privateJwk, publicJwk } = await makeKeyPair({ alg: "ES256", use: "sig" });
    const sign = await createResultSigner({
      key: privateJwk,
      workerId: "worker-test",
      wallClock: () => 1_700_000_000_999,
    });
    const ending = {
      id: "7c9e6679-7425-40de-944b-e07fc1f90ae7",
      userId: "0f8fad5b-d9cb-469f-a165-70867728950e",
      kind: "trade",
      command: { state: "expired", code: "deadline_exceeded", detail: "späť ✓" },
    } as const;
    const { payload, protectedHeader } = await compactVerify(await sign(ending), await importJWK(publicJwk, "ES256"));
    assert.deepEqual(protectedHeader, { alg: "ES256", typ: RESULT_TYP, kid: publicJwk.kid });
    assert.deepEqual(ResultClaims.parse(JSON.parse(new TextDecoder().decode(payload))), {
      ...{ iss: "worker-test", jti: ending.id, sub: ending.userId, iat: 1_700_000_000, kind: "trade" },
      command: ending.command,
    });
  });

  it("shortens a sentence that the function would refuse, and with it the outcome", async () => {
    const { privateJwk } = await makeKeyPair({ alg: "ES256", use: "sig" });
    const sign = await createResultSigner({ key: privateJwk, workerId: "worker-test", wallClock: Date.now });
    const named = { id: "7c9e6679-7425-40de-944b-e07fc1f90ae7", userId: "0f8fad5b-d9cb-469f-a165-70867728950e" };
    for (const length of [MAX_DETAIL_CHARS, MAX_DETAIL_CHARS + 1]) {
      const failure = { code: "order_refused", detail: "x".repeat(length) } as const;
      const expected = length > MAX_DETAIL_CHARS ? `${"x".repeat(MAX_DETAIL_CHARS - 1)}…` : failure.detail;
      for (const answer of [
        { command: { state: "refused", ...failure } },
        { read: { ok: false, ...failure } },
      ] as const) {
        const claims = ResultClaims.parse(decodeJwt(await sign({ ...named, kind: "trade", ...answer })));
        const { detail } = { detail: undefined, ...claims.command, ...claims.read };
        assert.equal(detail, expected);
      }
    }
  });
});
