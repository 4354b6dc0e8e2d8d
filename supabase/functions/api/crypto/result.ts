// Verifies a worker's signed result, over whichever way it came: the link or POST /internal/results.
import { compactVerify, createLocalJWKSet, decodeJwt, type JWK } from "jose";
import { AppError } from "../../_shared/errors/mod.ts";
import { RESULT_TYP, ResultClaims, SIGNATURE_ALG } from "../../_shared/protocol/mod.ts";

/** Throws `invalid_result`: unknown worker, wrong key, wrong type, or claims that do not fit the protocol. */
export type VerifyResult = (jws: string) => Promise<ResultClaims>;

/** `workers[].signKeys`: a result counts only if signed by a key of the worker that it names as issuer. */
export function createResultVerifier(workers: readonly { id: string; signKeys: JWK[] }[]): VerifyResult {
  const keySets = new Map(workers.map((worker) => [worker.id, createLocalJWKSet({ keys: worker.signKeys })]));
  return async (jws) => {
    try {
      const keySet = keySets.get(decodeJwt(jws).iss ?? "");
      if (keySet === undefined) throw new Error("The issuer is no configured worker");
      const { payload, protectedHeader } = await compactVerify(jws, keySet, { algorithms: [SIGNATURE_ALG] });
      if (protectedHeader.typ !== RESULT_TYP) throw new Error(`The type is not ${RESULT_TYP}`);
      return ResultClaims.parse(JSON.parse(new TextDecoder().decode(payload)));
    } catch (cause) {
      throw new AppError("invalid_result", { cause });
    }
  };
}
