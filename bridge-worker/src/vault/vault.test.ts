// The vault opens a credential for the user, login and server it was sealed for, and for nobody else; nothing it throws
// carries a part of the password.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { inspect } from "node:util";
import { CompactEncrypt, importJWK, type JWK } from "jose";
import { type KeyPair, makeKeyPair } from "../../../scripts/keys.ts";
import { AppError } from "../protocol.ts";
import { type CredentialOwner, createVault, credentialHash, type Vault } from "./vault.ts";

const PLAIN = "canary-Pa55word";
const OWNER: CredentialOwner = {
  userId: "0f8fad5b-d9cb-469f-a165-70867728950e",
  account: { login: "5012345", server: "MetaQuotes-Demo" },
};

type Change = { header?: Record<string, unknown>; plaintext?: Uint8Array };

async function seal(publicJwk: JWK, { header = {}, plaintext }: Change = {}): Promise<string> {
  const protectedHeader = {
    ...{ alg: "ECDH-ES", enc: "A256GCM", typ: "mt5-credential+jwe", kid: publicJwk.kid, v: 1 },
    ...{ sub: OWNER.userId, lgn: OWNER.account.login, srv: OWNER.account.server },
    ...header,
  };
  return new CompactEncrypt(plaintext ?? new TextEncoder().encode(PLAIN))
    .setProtectedHeader(protectedHeader)
    .encrypt(await importJWK(publicJwk, protectedHeader.alg));
}

/** The same credential under another header, as a thief with write access to the table would make it. */
function withHeader(credential: string, change: Record<string, unknown>): string {
  const [header = "", ...rest] = credential.split(".");
  const fields = JSON.parse(Buffer.from(header, "base64url").toString()) as object;
  return [Buffer.from(JSON.stringify({ ...fields, ...change })).toString("base64url"), ...rest].join(".");
}

function flipped(credential: string, part: number): string {
  const parts = credential.split(".");
  const bytes = Buffer.from(parts[part] ?? "", "base64url");
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  parts[part] = bytes.toString("base64url");
  return parts.join(".");
}

/** Everything about an error that a log or an answer could show, causes included. */
function everythingIn(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? everythingIn(error.cause) : "";
  const own = error instanceof Error ? `${error.message}${error.stack}` : "";
  return `${own}${String(error)}${JSON.stringify(error)}${inspect(error, { depth: 9, showHidden: true })}${cause}`;
}

async function refusalOf(opening: Promise<unknown>): Promise<string> {
  let thrown: unknown;
  await assert.rejects(opening, (error) => {
    thrown = error;
    return true;
  });
  assert.ok(thrown instanceof AppError);
  assert.equal(thrown.code, "proof_refused");
  assert.doesNotMatch(everythingIn(thrown), /canary/);
  return thrown.message;
}

describe("Vault", () => {
  let newer: KeyPair;
  let older: KeyPair;
  let foreign: KeyPair;
  let vault: Vault;
  let credential: string;

  before(async () => {
    const make = (): Promise<KeyPair> => makeKeyPair({ alg: "ECDH-ES", use: "enc" });
    [newer, older, foreign] = await Promise.all([make(), make(), make()]);
    vault = await createVault([newer.privateJwk, older.privateJwk]);
    credential = await seal(newer.publicJwk);
  });

  it("opens a credential for the user, login and server it was sealed for", async () => {
    assert.equal((await vault.open(credential, OWNER)).reveal(), PLAIN);
  });

  it("opens with an older key of the ring, and names its keys newest first", async () => {
    assert.equal((await vault.open(await seal(older.publicJwk), OWNER)).reveal(), PLAIN);
    assert.deepStrictEqual(vault.kids, [newer.publicJwk.kid, older.publicJwk.kid]);
  });

  it("takes every character of a password, up to 128 of them", async () => {
    for (const password of ["x", "ü€😀 \t\"'\\", "p".repeat(128)]) {
      const sealed = await seal(newer.publicJwk, { plaintext: new TextEncoder().encode(password) });
      assert.equal((await vault.open(sealed, OWNER)).reveal(), password);
    }
  });

  const others: Record<string, [CredentialOwner, RegExp]> = {
    "another user": [{ ...OWNER, userId: "7c9e6679-7425-40de-944b-e07fc1f90ae7" }, /another user/],
    "another login": [{ ...OWNER, account: { ...OWNER.account, login: "5012346" } }, /another account/],
    "another server": [{ ...OWNER, account: { ...OWNER.account, server: "MetaQuotes-Live" } }, /another account/],
    "the server in another spelling": [
      { ...OWNER, account: { ...OWNER.account, server: "metaquotes-demo" } },
      /another account/,
    ],
  };
  for (const [name, [owner, message]] of Object.entries(others)) {
    it(`does not open for ${name}`, async () => {
      assert.match(await refusalOf(vault.open(credential, owner)), message);
    });
  }

  it("does not open for a thief who rewrites the header to his own user or account", async () => {
    const thief: CredentialOwner = { userId: "7c9e6679-7425-40de-944b-e07fc1f90ae7", account: OWNER.account };
    await refusalOf(vault.open(withHeader(credential, { sub: thief.userId }), thief));
    const other = { login: "777", server: "Other-Live" };
    await refusalOf(
      vault.open(withHeader(credential, { lgn: "777", srv: "Other-Live" }), { ...OWNER, account: other }),
    );
    await refusalOf(vault.open(withHeader(credential, { extra: 1 }), OWNER));
  });

  it("does not open when one byte of the nonce, the ciphertext or the check sum differs", async () => {
    for (const part of [2, 3, 4]) await refusalOf(vault.open(flipped(credential, part), OWNER));
  });

  it("does not open with the header's kid pointed at another key of the ring", async () => {
    await refusalOf(vault.open(withHeader(credential, { kid: older.publicJwk.kid }), OWNER));
  });

  it("refuses a key it does not have, and says which", async () => {
    const message = await refusalOf(vault.open(await seal(foreign.publicJwk), OWNER));
    assert.ok(message.includes(foreign.publicJwk.kid ?? "?"));
  });

  const headers: Record<string, Record<string, unknown>> = {
    "another key agreement": { alg: "ECDH-ES+A256KW" },
    "another cipher": { enc: "A128GCM" },
    "another type": { typ: "JWT" },
    "another version": { v: 2 },
    "no version": { v: undefined },
    "no user": { sub: undefined },
    "a user that is no id": { sub: "*" },
  };
  for (const [name, header] of Object.entries(headers)) {
    it(`refuses ${name}`, async () => {
      const sealed = await seal(newer.publicJwk, { header });
      assert.match(await refusalOf(vault.open(sealed, OWNER)), /not a mt5-credential\+jwe/);
    });
  }

  it("refuses what is no JWE at all", async () => {
    for (const text of ["", ".", "....", PLAIN, `${PLAIN}.${PLAIN}`, "bnVsbA....", "gAAAAAcanary"]) {
      await refusalOf(vault.open(text, OWNER));
    }
  });

  it("tells nothing of a plaintext that is no password", async () => {
    const tooLong = new TextEncoder().encode(PLAIN.repeat(20));
    const noText = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(PLAIN)]);
    for (const plaintext of [new Uint8Array(0), tooLong, noText]) {
      await refusalOf(vault.open(await seal(newer.publicJwk, { plaintext }), OWNER));
    }
  });

  it("does not start with a key that has no name", async () => {
    const { kid: _kid, ...nameless } = newer.privateJwk;
    await assert.rejects(createVault([nameless]), TypeError);
  });

  it("does not start with a key whose halves do not belong together", async () => {
    await assert.rejects(createVault([{ ...newer.privateJwk, d: older.privateJwk.d ?? "" }]));
  });

  it("hashes exactly the sealed text: the same password sealed again is another credential", async () => {
    assert.equal(credentialHash(credential), credentialHash(credential));
    assert.match(credentialHash(credential), /^[A-Za-z0-9_-]{43}$/);
    assert.notEqual(credentialHash(await seal(newer.publicJwk)), credentialHash(credential));
  });
});
