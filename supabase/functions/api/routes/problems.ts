// Which problems go together, for the OpenAPI document. Pure.
import type { ErrorCode } from "../../_shared/errors/mod.ts";

/** Whatever needs a worker and a terminal. */
export const WORKER_PROBLEMS: ErrorCode[] = [
  "too_many_requests",
  "worker_unreachable",
  "worker_busy",
  "terminal_unavailable",
  "login_paused",
];

/** Whatever goes to the account last switched to, or to one named by id. */
export const TARGET_PROBLEMS: ErrorCode[] = [
  "no_account_connected",
  "account_not_found",
  "account_inactive",
  "credential_invalid",
];

export const READ_PROBLEMS: ErrorCode[] = [...TARGET_PROBLEMS, ...WORKER_PROBLEMS, "read_timeout", "symbol_not_found"];

export const COMMAND_PROBLEMS: ErrorCode[] = [
  ...TARGET_PROBLEMS,
  ...WORKER_PROBLEMS,
  "idempotency_key_reused",
  "outcome_pending",
  "broker_rejected",
  "order_refused",
  "risk_limit_exceeded",
  "trading_not_allowed",
  "not_executed",
  "command_cancelled",
  "deadline_exceeded",
];

/** A login that is made now, with a password given now or stored before. */
export const LOGIN_PROBLEMS: ErrorCode[] = [...WORKER_PROBLEMS, "read_timeout", "deadline_exceeded"];
