// The one error class that crosses rooms: a catalogue code, a sentence for the caller, and typed extras. Pure.
import { Catalogue, type ErrorCode } from "./catalogue.ts";

export type FieldFault = { path: string; message: string };

/** What MetaTrader said: the trade return code with its name, and `last_error()` as (code, text). */
export type Mt5Fault = { retcode?: number; name?: string; last_error?: [number, string] };

export type ErrorExtras = {
  /** Shown to the caller: no stack, no raw text of another system, no secret. */
  detail?: string;
  fields?: FieldFault[];
  mt5?: Mt5Fault;
  command_id?: string;
  retryAfterMs?: number;
  /** For the log only. */
  cause?: unknown;
};

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly extras: Omit<ErrorExtras, "cause">;

  constructor(code: ErrorCode, extras: ErrorExtras = {}) {
    const { cause, ...rest } = extras;
    super(rest.detail ?? Catalogue[code].title, cause === undefined ? undefined : { cause });
    this.name = "AppError";
    this.code = code;
    this.extras = rest;
  }

  get status(): number {
    return Catalogue[this.code].status;
  }
}

/** Anything thrown, as an AppError: what is not ours becomes `internal_error` with the original as cause, for the log. */
export function toAppError(thrown: unknown): AppError {
  return thrown instanceof AppError ? thrown : new AppError("internal_error", { cause: thrown });
}
