// The errors' promises: a code is a fixed row, the problem document shows it and nothing that was meant for the log.
import assert from "node:assert/strict";
import { AppError, Catalogue, type ErrorCode, ErrorCodes, isErrorCode, toAppError, toProblem } from "../errors/mod.ts";
import type { Case } from "./case.ts";

/** Codes with their status: a promise to clients, so a change here is a break of the API. */
const STATUSES: Record<ErrorCode, number> = {
  malformed_json: 400,
  invalid_idempotency_key: 400,
  unauthenticated: 401,
  not_found: 404,
  method_not_allowed: 405,
  payload_too_large: 413,
  unsupported_media_type: 415,
  invalid_request: 422,
  idempotency_key_reused: 422,
  login_failed: 400,
  switch_failed: 400,
  no_account_connected: 404,
  account_not_found: 404,
  account_inactive: 409,
  account_busy: 409,
  credential_invalid: 409,
  server_mismatch: 422,
  account_type_mismatch: 422,
  command_not_found: 404,
  position_not_found: 404,
  order_not_found: 404,
  command_cancelled: 409,
  command_started: 409,
  command_under_way: 409,
  outcome_pending: 409,
  broker_rejected: 422,
  order_refused: 422,
  quote_too_old: 422,
  risk_limit_exceeded: 422,
  trading_not_allowed: 422,
  not_executed: 422,
  deadline_exceeded: 504,
  outcome_unknown: 202,
  symbol_not_found: 404,
  login_paused: 429,
  too_many_requests: 429,
  invalid_result: 401,
  internal_error: 500,
  database_unavailable: 503,
  worker_unreachable: 503,
  worker_silent: 503,
  worker_busy: 503,
  terminal_unavailable: 503,
  read_timeout: 504,
  bad_frame: 502,
  proof_refused: 502,
};
const REQUEST_ID = "0f8fad5b-d9cb-469f-a165-70867728950e";

export const ErrorsCases: readonly Case[] = [
  {
    name: "every code keeps its status",
    run: () => {
      const actual = Object.fromEntries(ErrorCodes.map((code) => [code, Catalogue[code].status]));
      assert.deepStrictEqual(actual, STATUSES);
    },
  },
  {
    name: "codes are lower_snake_case, titles are sentences without a full stop",
    run: () => {
      for (const code of ErrorCodes) {
        assert.match(code, /^[a-z][a-z0-9_]*$/);
        assert.match(Catalogue[code].title, /^[A-Z].*[^.]$/);
      }
    },
  },
  {
    name: "nobody is told that nothing happened where nobody can know",
    run: () => {
      const open = ErrorCodes.filter((code) => Catalogue[code].executed === null);
      assert.deepStrictEqual(open, [
        ...["command_started", "command_under_way", "outcome_unknown"],
        ...["internal_error", "database_unavailable", "worker_silent"],
      ]);
      // Only where the same request with the same key asks the same thing again.
      const retryable = open.filter((code) => Catalogue[code].retryable);
      assert.deepStrictEqual(retryable, ["database_unavailable", "worker_silent"]);
    },
  },
  {
    name: "isErrorCode knows the catalogue's own keys only",
    run: () => {
      assert.equal(isErrorCode("login_failed"), true);
      for (const text of ["", "LOGIN_FAILED", "toString", "__proto__", "constructor"]) {
        assert.equal(isErrorCode(text), false, text);
      }
    },
  },
  {
    name: "an AppError says its title, or the detail that it was given",
    run: () => {
      assert.equal(new AppError("login_failed").message, Catalogue.login_failed.title);
      const detailed = new AppError("login_failed", { detail: "Account 5 was refused" });
      assert.deepStrictEqual(
        [detailed.message, detailed.status, detailed.name],
        ["Account 5 was refused", 400, "AppError"],
      );
    },
  },
  {
    name: "toAppError leaves ours alone and keeps everything else as a cause",
    run: () => {
      const ours = new AppError("login_failed");
      assert.equal(toAppError(ours), ours);
      for (const thrown of [new TypeError("x"), "x", undefined, null, { code: "login_failed" }]) {
        assert.equal(toAppError(thrown).code, "internal_error");
      }
      const theirs = new TypeError("x");
      assert.equal(toAppError(theirs).cause, theirs);
    },
  },
  {
    name: "a problem document has its fixed members, and extras only when there are some",
    run: () => {
      assert.deepStrictEqual(toProblem(new AppError("account_not_found"), REQUEST_ID), {
        ...{ type: "urn:switchyard:error:account_not_found", title: "There is no such account", status: 404 },
        ...{ detail: "There is no such account", code: "account_not_found", executed: false, retryable: false },
        request_id: REQUEST_ID,
      });
      const fields = [{ path: "volume", message: "must be a multiple of 0.01" }];
      const mt5 = { retcode: 10019, name: "TRADE_RETCODE_NO_MONEY" };
      const full = toProblem(
        new AppError("broker_rejected", { detail: "No money", command_id: "c", fields, mt5 }),
        REQUEST_ID,
      );
      assert.deepStrictEqual([full.detail, full.command_id, full.fields, full.mt5], ["No money", "c", fields, mt5]);
    },
  },
  {
    name: "a problem document shows neither a cause nor a stack",
    run: () => {
      const cause = new Error("canary");
      const text = JSON.stringify(toProblem(new AppError("internal_error", { cause, retryAfterMs: 5 }), REQUEST_ID));
      assert.doesNotMatch(text, /canary|stack|retryAfterMs/);
      assert.match(text, /"executed":null/);
    },
  },
];
