// Signs what became of a call with the worker's result key. The text is the result, wherever it travels.
import { CompactSign, importJWK, type JWK } from "jose";
import {
  MAX_DETAIL_CHARS,
  type Outcome,
  RESULT_TYP,
  type ReadOutcome,
  type ResultClaims,
  SIGNATURE_ALG,
} from "../protocol.ts";
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
      command: command && shortened(command),
      read: read && shortened(read),
    };
    const bytes = new TextEncoder().encode(JSON.stringify(claims));
    return new CompactSign(bytes).setProtectedHeader(header).sign(privateKey);
  };
}

/** One sentence too long, and the function would refuse the whole outcome, now and at every later delivery. */
function shortened<Answer extends Outcome | ReadOutcome>(answer: Answer): Answer {
  if (!("detail" in answer) || answer.detail === undefined || answer.detail.length <= MAX_DETAIL_CHARS) return answer;
  return { ...answer, detail: `${answer.detail.slice(0, MAX_DETAIL_CHARS - 1)}…` };
}
