import assert from "node:assert/strict";
import { test } from "node:test";
import { compactDecrypt, importJWK } from "jose";
import { CredentialHeader } from "../../_shared/domain/mod.ts";
import { makeKey } from "../testing/keys.ts";
import { createSealer } from "./seal.ts";

const account = { login: "5001234", server: "MetaQuotes-Demo" };
const userId = "11111111-1111-4111-8111-111111111111";

test("sealPassword() seals to the newest key, and the header names user, login and server", async () => {
  const newest = await makeKey("new", "enc");
  const older = await makeKey("old", "enc");
  const seal = createSealer([{ id: "w1", sealKeys: [newest.publicJwk, older.publicJwk] }]);
  const { credential, kid } = await seal({ workerId: "w1", userId, account, password: "pä$$wörd" });
  assert.equal(kid, "new");
  const opened = await compactDecrypt(credential, await importJWK(newest.privateJwk, "ECDH-ES"));
  assert.equal(new TextDecoder().decode(opened.plaintext), "pä$$wörd");
  const header = CredentialHeader.parse(opened.protectedHeader);
  assert.deepEqual([header.sub, header.lgn, header.srv, header.kid], [userId, account.login, account.server, "new"]);
  await assert.rejects(compactDecrypt(credential, await importJWK(older.privateJwk, "ECDH-ES")));
});

test("sealPassword() seals the same password differently each time", async () => {
  const key = await makeKey("k", "enc");
  const seal = createSealer([{ id: "w1", sealKeys: [key.publicJwk] }]);
  const request = { workerId: "w1", userId, account, password: "secret" };
  assert.notEqual((await seal(request)).credential, (await seal(request)).credential);
});

test("sealPassword() refuses a worker without keys", async () => {
  await assert.rejects(createSealer([])({ workerId: "w1", userId, account, password: "secret" }), /No key to seal/);
});
