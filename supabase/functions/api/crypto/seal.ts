// Seals an MT5 password to the worker that will use it. Only that worker can open it, and only for the user and account
// named in the header, which is authenticated with the ciphertext.
import { CompactEncrypt, importJWK, type JWK } from "jose";
import {
  type AccountRef,
  CREDENTIAL_ALG,
  CREDENTIAL_ENC,
  CREDENTIAL_TYP,
  CREDENTIAL_VERSION,
  type CredentialHeader,
} from "../../_shared/domain/mod.ts";

export type SealRequest = { workerId: string; userId: string; account: AccountRef; password: string };
export type SealedCredential = { credential: string; kid: string };
export type SealPassword = (request: SealRequest) => Promise<SealedCredential>;

/** `workers[].sealKeys`: newest first; the newest seals, the older ones only open. */
export function createSealer(
  workers: readonly { id: string; sealKeys: readonly (JWK & { kid: string })[] }[],
): SealPassword {
  return async ({ workerId, userId, account, password }) => {
    const key = workers.find((worker) => worker.id === workerId)?.sealKeys[0];
    if (key === undefined) throw new Error(`No key to seal for worker "${workerId}"`);
    const header: CredentialHeader = {
      alg: CREDENTIAL_ALG,
      enc: CREDENTIAL_ENC,
      typ: CREDENTIAL_TYP,
      kid: key.kid,
      v: CREDENTIAL_VERSION,
      sub: userId,
      lgn: account.login,
      srv: account.server,
    };
    const credential = await new CompactEncrypt(new TextEncoder().encode(password))
      .setProtectedHeader(header)
      .encrypt(await importJWK(key, CREDENTIAL_ALG));
    return { credential, kid: key.kid };
  };
}
