// An error as an RFC 9457 problem document, the body of every answer that is not a success. Pure.
import type { AppError, FieldFault, Mt5Fault } from "./app-error.ts";
import { Catalogue, type ErrorCode } from "./catalogue.ts";

export const PROBLEM_JSON = "application/problem+json";

export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  executed: boolean | null;
  retryable: boolean;
  request_id: string;
  command_id?: string;
  fields?: FieldFault[];
  mt5?: Mt5Fault;
};

/** `type` is a stable URN rather than a web address, so that it means the same in every self-hosted installation. */
export function toProblem(error: AppError, requestId: string): Problem {
  const { status, title, executed, retryable } = Catalogue[error.code];
  const { detail = title, command_id, fields, mt5 } = error.extras;
  return {
    type: `urn:switchyard:error:${error.code}`,
    title,
    status,
    detail,
    code: error.code,
    executed,
    retryable,
    request_id: requestId,
    ...(command_id === undefined ? {} : { command_id }),
    ...(fields === undefined ? {} : { fields }),
    ...(mt5 === undefined ? {} : { mt5 }),
  };
}
