// Opens sealed credentials: the only place where a password exists in the clear, and only for the user and the account
// that the credential was sealed for.
import { createHash } from "node:crypto";
import { type CryptoKey, compactDecrypt, importJWK, type JWK } from "jose";
import {
  type AccountRef,
  AppError,
  CREDENTIAL_ALG,
  CREDENTIAL_ENC,
  CREDENTIAL_TYP,
  CredentialHeader,
  Password,
} from "../protocol.ts";
import { Secret } from "./secret.ts";

export type CredentialOwner = { userId: string; account: AccountRef };

export interface Vault {
  /**
   * The password inside, if it was sealed for exactly this user, login and server by one of the ring's keys.
   * Throws `proof_refused` otherwise; the message names the mismatch, never a part of the credential.
   */
  open(credential: string, owner: CredentialOwner): Promise<Secret>;
  /** Key ids that can open, newest first. */
  readonly kids: readonly string[];
}

/** `ring`: private P-256 JWKs with `kid`, newest first. Older keys open what they once sealed; nothing seals here. */
export async function createVault(ring: readonly JWK[]): Promise<Vault> {
  const keys = new Map<string, CryptoKey>();
  for (const jwk of ring) {
    const key = await importJWK(jwk, CREDENTIAL_ALG);
    if (key instanceof Uint8Array || jwk.kid === undefined) throw new TypeError("a seal key must be a JWK with a kid");
    keys.set(jwk.kid, key);
  }
  return { kids: [...keys.keys()], open: (credential, owner) => openCredential(keys, credential, owner) };
}

async function openCredential(
  keys: ReadonlyMap<string, CryptoKey>,
  credential: string,
  owner: CredentialOwner,
): Promise<Secret> {
  const header = readHeader(credential);
  if (header.sub !== owner.userId) throw refusal("The credential belongs to another user");
  if (header.lgn !== owner.account.login || header.srv !== owner.account.server) {
    throw refusal("The credential belongs to another account");
  }
  const key = keys.get(header.kid);
  if (key === undefined) throw refusal(`The credential is sealed to the unknown key "${header.kid}"`);
  try {
    const { plaintext } = await compactDecrypt(credential, key, {
      keyManagementAlgorithms: [CREDENTIAL_ALG],
      contentEncryptionAlgorithms: [CREDENTIAL_ENC],
    });
    return new Secret(Password.parse(new TextDecoder("utf-8", { fatal: true }).decode(plaintext)));
  } catch {
    // The cause is left out on purpose: a parse error would carry the plain text.
    throw refusal("The credential does not open");
  }
}

/** The protected header, still unauthenticated: decryption fails later if one byte of it was changed. */
function readHeader(credential: string): CredentialHeader {
  try {
    const [protectedHeader = ""] = credential.split(".", 1);
    return CredentialHeader.parse(JSON.parse(Buffer.from(protectedHeader, "base64url").toString("utf8")));
  } catch {
    throw refusal(`The credential is not a ${CREDENTIAL_TYP}`);
  }
}

function refusal(detail: string): AppError {
  return new AppError("proof_refused", { detail });
}

/** What proofs of possession are kept under: exactly this sealed text, not the password in it. */
export function credentialHash(credential: string): string {
  return createHash("sha256").update(credential).digest("base64url");
}
