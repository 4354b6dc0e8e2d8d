// A call is admitted only when the function's statement, the user's own token and the body agree. Every forgery is
// refused, and nothing of a token shows in the refusal.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, describe, it } from "node:test";
import { inspect } from "node:util";
import { createLocalJWKSet, decodeJwt, exportJWK, generateKeyPair, SignJWT } from "jose";
import { type KeyPair, makeKeyPair } from "../../../scripts/keys.ts";
import {
  type Change,
  createSigners,
  ISSUER,
  keySet,
  MADE_AT_MS,
  nowS,
  type Signers,
  withoutSignature,
  withPayload,
} from "../../../tests/support/link-fixture.ts";
import { SERVER, WORKER_ID } from "../../../tests/support/worker-fixture.ts";
import { AppError, type CallFrame, CLOCK_TOLERANCE_S, ENVELOPE_LIFE_S, ENVELOPE_TYP, TICKET_TYP } from "../protocol.ts";
import type { CommandCall } from "../scheduler/mod.ts";
import { type AdmittedCall, admitCall, type Proofs } from "./admit-call.ts";
import { createFunctionKeys } from "./function-keys.ts";
import { verifyUserToken } from "./user-tokens.ts";

const USER = "0f8fad5b-d9cb-469f-a165-70867728950e";
const OTHER_USER = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
/** A second lies between signing and verifying on a slow machine: an edge is tried this far from it. */
const SLACK_S = 5;

describe("admitCall", () => {
  let signers: Signers;
  let foreign: KeyPair;
  let proofs: Proofs;
  let call: CommandCall;
  let honest: CallFrame;

  before(async () => {
    signers = await createSigners();
    foreign = await makeKeyPair({ alg: "ES256", use: "sig" });
    const keys = createLocalJWKSet(keySet(signers.userKey));
    proofs = {
      functionKeys: createFunctionKeys({
        keys: [signers.linkKey.publicJwk],
        workerId: WORKER_ID,
        bootId: signers.bootId,
      }),
      userTokens: { verify: (token) => verifyUserToken(token, keys, ISSUER) },
      now: () => MADE_AT_MS,
    };
    call = {
      id: randomUUID(),
      userId: USER,
      account: { id: randomUUID(), login: "5000001", server: SERVER },
      notAfterMs: 12_345.5,
      submittedAgoMs: 17,
      body: {
        request: { kind: "trade", params: { symbol: "EURUSD", order_type: "buy", volume: 0.01 } },
        tag: 2 ** 40,
        credential: "sealed",
        risk_limits: { nonsense: true },
      },
    };
    honest = await signers.commandFrame(call);
  });

  const about = (): Parameters<Signers["envelope"]>[1] => ({ ...call, kind: "trade" });
  const enveloped = async (change: Change): Promise<CallFrame> => ({
    ...honest,
    envelope: await signers.envelope(honest.body, about(), change),
  });
  const tokened = async (change: Change): Promise<CallFrame> => ({
    ...honest,
    user_token: await signers.userToken(USER, change),
  });

  it("an honest command becomes a call with the envelope's account, deadline and age, and unparsed limits", async () => {
    assert.deepEqual(await admitCall(honest, proofs), { type: "command", call } satisfies AdmittedCall);
  });

  it("a read needs no account id; status, cancel and acknowledge ask about another id than their own", async () => {
    const body = JSON.stringify({ request: { kind: "connect" }, credential: "sealed" });
    const account = { login: "5000001", server: SERVER };
    const envelope = await signers.envelope(body, { ...call, kind: "connect", account });
    const read = await admitCall({ ...honest, type: "read", envelope, body }, proofs);
    assert.deepEqual(read, {
      type: "read",
      call: { id: call.id, userId: USER, notAfterMs: 12_345.5, account, body: JSON.parse(body) as unknown },
    });
    for (const type of ["status", "cancel", "acknowledge"] as const) {
      const question = { commandId: call.id, userId: USER, notAfterMs: 12_345.5, submittedAgoMs: 17 };
      assert.deepEqual(await admitCall(await signers.questionFrame(type, call), proofs), { type, question });
    }
  });

  it("a frame that was held on the way has made its command older, and a fast clock no younger", async () => {
    const ageAt = async (nowMs: number): Promise<unknown> => {
      const admitted = await admitCall(honest, { ...proofs, now: () => nowMs });
      return admitted.type === "command" && admitted.call.submittedAgoMs;
    };
    assert.equal(await ageAt(MADE_AT_MS + 20_000), 20_017);
    assert.equal(await ageAt(MADE_AT_MS - 5), 17);
    const asked = await admitCall(await signers.questionFrame("status", call), { ...proofs, now: () => 9_000 });
    assert.equal(asked.type === "status" && asked.question.submittedAgoMs, 8_017);
  });

  it("an acknowledgement without a reason is a bad frame", async () => {
    const frame = await signers.questionFrame("acknowledge", call);
    for (const reason of [undefined, "", " "]) {
      const body = JSON.stringify({ command_id: call.id, reason });
      const envelope = await signers.envelope(body, { ...call, id: frame.id, kind: "acknowledge" });
      const bare = { ...frame, body, envelope };
      await assert.rejects(admitCall(bare, proofs), (error: AppError) => error.code === "bad_frame");
    }
  });

  const FORGERIES: [string, () => CallFrame | Promise<CallFrame>][] = [
    ["an envelope without a signature", () => ({ ...honest, envelope: withoutSignature(honest.envelope) })],
    [
      "an envelope signed by HS256 with the public key",
      () => enveloped({ secret: JSON.stringify(signers.linkKey.publicJwk) }),
    ],
    [
      "an envelope signed with another key under our kid",
      () => enveloped({ key: foreign, header: { kid: signers.linkKey.publicJwk.kid } }),
    ],
    ["an envelope of an unknown kid", () => enveloped({ header: { kid: "unknown" } })],
    [
      "an envelope whose payload was changed",
      () => ({ ...honest, envelope: withPayload(honest.envelope, { not_after_ms: 9e9 }) }),
    ],
    ["an envelope for another worker", () => enveloped({ claims: { aud: "worker-2" } })],
    ["an envelope of another issuer", () => enveloped({ claims: { iss: "someone" } })],
    ["an envelope with the type of a ticket", () => enveloped({ header: { typ: TICKET_TYP } })],
    ["a ticket in place of the envelope", async () => ({ ...honest, envelope: await signers.ticket() })],
    ["an envelope of an earlier start of the worker", () => enveloped({ claims: { boot: randomUUID() } })],
    ["an expired envelope", () => enveloped({ claims: { exp: nowS() - CLOCK_TOLERANCE_S - 1 } })],
    [
      "an envelope that is older than envelopes live, whatever its own expiry says",
      () => enveloped({ claims: { iat: nowS() - ENVELOPE_LIFE_S - CLOCK_TOLERANCE_S - 1, exp: nowS() + 3600 } }),
    ],
    [
      "an envelope from the future",
      () => enveloped({ claims: { iat: nowS() + CLOCK_TOLERANCE_S + SLACK_S, exp: nowS() + 90 } }),
    ],
    ["an envelope without expiry", () => enveloped({ claims: { exp: undefined } })],
    ["an envelope without time of issue", () => enveloped({ claims: { iat: undefined } })],
    ["an envelope of another call", () => enveloped({ claims: { jti: randomUUID() } })],
    ["an envelope of another kind", () => enveloped({ claims: { kind: "close_position" } })],
    ["an envelope of another user than the token", () => enveloped({ claims: { sub: OTHER_USER } })],
    ["another user's token", async () => ({ ...honest, user_token: await signers.userToken(OTHER_USER) })],
    ["a token without a signature", () => ({ ...honest, user_token: withoutSignature(honest.user_token) })],
    [
      "a token signed by HS256 with the public key",
      () => tokened({ secret: JSON.stringify(signers.userKey.publicJwk) }),
    ],
    [
      "a token signed with another key",
      () => tokened({ key: foreign, header: { kid: signers.userKey.publicJwk.kid } }),
    ],
    ["a token signed with the link key", () => tokened({ key: signers.linkKey })],
    ["an expired token", () => tokened({ claims: { exp: nowS() - CLOCK_TOLERANCE_S - 1 } })],
    ["a token without expiry", () => tokened({ claims: { exp: undefined } })],
    ["a token of another project", () => tokened({ claims: { iss: "https://other.supabase.co/auth/v1" } })],
    ["a token for another audience", () => tokened({ claims: { aud: "anon" } })],
    ["a service_role token", () => tokened({ claims: { role: "service_role" } })],
    ["a token without a user", () => tokened({ claims: { sub: undefined } })],
    ["a body changed by one byte", () => ({ ...honest, body: honest.body.replace("0.01", "0.02") })],
    ["a status frame with a command's envelope", () => ({ ...honest, type: "status" })],
    ["a read frame with a command's envelope", () => ({ ...honest, type: "read" })],
  ];
  for (const [name, forge] of FORGERIES) {
    it(`refused: ${name}`, async () => {
      const frame = await forge();
      await assert.rejects(admitCall(frame, proofs), (error) => {
        assert.ok(error instanceof AppError);
        // A frame of another type already fails on its body; both are refusals, and neither runs anything.
        assert.ok(["proof_refused", frame.type === "command" ? "" : "bad_frame"].includes(error.code), error.code);
        const shown = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`;
        for (const secret of [frame.user_token, frame.envelope, frame.user_token.split(".")[1] ?? frame.user_token]) {
          assert.equal(shown.includes(secret), false);
        }
        return true;
      });
    });
  }

  it("refused: an envelope under another algorithm than ES256, even of a pinned key", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES384", { extractable: true });
    const pinned = { ...(await exportJWK(publicKey)), kid: "p384" };
    const { bootId } = signers;
    const functionKeys = createFunctionKeys({ keys: [pinned], workerId: WORKER_ID, bootId });
    const header = { alg: "ES384", typ: ENVELOPE_TYP, kid: "p384" };
    const envelope = await new SignJWT(decodeJwt(honest.envelope)).setProtectedHeader(header).sign(privateKey);
    await assert.rejects(
      admitCall({ ...honest, envelope }, { ...proofs, functionKeys }),
      (error) => error instanceof AppError && error.code === "proof_refused",
    );
  });

  it("clocks may differ by the tolerance: an envelope just inside it passes", async () => {
    const iat = nowS() - ENVELOPE_LIFE_S - CLOCK_TOLERANCE_S + SLACK_S;
    const frame = await enveloped({ claims: { iat, exp: iat + ENVELOPE_LIFE_S } });
    assert.equal((await admitCall(frame, proofs)).type, "command");
    const early = await enveloped({ claims: { iat: nowS() + CLOCK_TOLERANCE_S - SLACK_S, exp: nowS() + 60 } });
    assert.equal((await admitCall(early, proofs)).type, "command");
  });

  const MISFITS: [string, (body: string) => string][] = [
    ["no JSON", () => "{"],
    ["an unknown field", (body) => JSON.stringify({ ...(JSON.parse(body) as object), extra: 1 })],
    ["a tag that a person could have chosen", (body) => body.replace(String(2 ** 40), "12345")],
  ];
  for (const [name, spoil] of MISFITS) {
    it(`a signed body that does not fit is a bad frame: ${name}`, async () => {
      const body = spoil(honest.body);
      const frame = { ...honest, body, envelope: await signers.envelope(body, about()) };
      await assert.rejects(
        admitCall(frame, proofs),
        (error) => error instanceof AppError && error.code === "bad_frame",
      );
    });
  }

  it("a command whose envelope names the account without its id is a bad frame", async () => {
    const frame = await enveloped({ claims: { account: { login: "5000001", server: SERVER } } });
    await assert.rejects(admitCall(frame, proofs), (error) => error instanceof AppError && error.code === "bad_frame");
  });
});
