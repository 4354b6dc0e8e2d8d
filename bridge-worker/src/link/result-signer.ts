// Signs what became of a call with the worker's result key. The text is the result, wherever it travels.
import { CompactSign, importJWK, type JWK } from "jose";
import { RESULT_TYP, type ResultClaims, SIGNATURE_ALG } from "../protocol.ts";
import type { SignResult } from "../scheduler/mod.ts";

export type ResultSignerOptions = { key: JWK; workerId: string; wallClock: () => number };

export async function createResultSigner({ key, workerId, wallClock }: ResultSignerOptions): Promise<SignResult> {
  const privateKey = await importJWK(key, SIGNATURE_ALG);
  const header = { alg: SIGNATURE_ALG, typ: RESULT_TYP, ...(key.kid === undefined ? {} : { kid: key.kid }) };
  return async ({ id, userId, kind, account, command, read }) => {
    const claims: ResultClaims = {
      iss: workerId,
      jti: id,
      sub: userId,
      iat: Math.floor(wallClock() / 1000),
      kind,
      account,
      command,
      read,
    };
    const bytes = new TextEncoder().encode(JSON.stringify(claims));
    return new CompactSign(bytes).setProtectedHeader(header).sign(privateKey);
  };
}
