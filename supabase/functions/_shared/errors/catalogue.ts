// The one table of failures: what each code means to HTTP, and to a trader. Codes are a promise and never change;
// titles may. docs/errors.md has one heading per row (checked). Pure.

type Row = {
  /** HTTP status. */
  status: number;
  /** One sentence, the same for every occurrence. */
  title: string;
  /** Did the command reach the market? `null`: nobody can say yet. Reads and refusals never do: `false`. */
  executed: false | null;
  /** May the very same request succeed later without anyone changing anything? */
  retryable: boolean;
};

export const Catalogue = {
  // The request
  malformed_json: { status: 400, title: "The body is not valid JSON", executed: false, retryable: false },
  invalid_idempotency_key: {
    status: 400,
    title: "Idempotency-Key is not 1 to 255 printable characters",
    executed: false,
    retryable: false,
  },
  unauthenticated: { status: 401, title: "A valid access token is required", executed: false, retryable: false },
  not_found: { status: 404, title: "There is no such route", executed: false, retryable: false },
  method_not_allowed: { status: 405, title: "The route has no such method", executed: false, retryable: false },
  payload_too_large: { status: 413, title: "The body is too large", executed: false, retryable: false },
  unsupported_media_type: { status: 415, title: "The body must be JSON", executed: false, retryable: false },
  invalid_request: { status: 422, title: "The request is not valid", executed: false, retryable: false },
  idempotency_key_reused: {
    status: 422,
    title: "This Idempotency-Key belongs to another request",
    executed: false,
    retryable: false,
  },

  // Accounts
  login_failed: { status: 400, title: "The broker refused login and password", executed: false, retryable: false },
  switch_failed: { status: 400, title: "The account could not be opened", executed: false, retryable: false },
  no_account_connected: { status: 404, title: "No account is selected", executed: false, retryable: false },
  account_not_found: { status: 404, title: "There is no such account", executed: false, retryable: false },
  account_inactive: { status: 409, title: "The account is deactivated", executed: false, retryable: false },
  account_busy: { status: 409, title: "A command on this account is still open", executed: false, retryable: true },
  credential_invalid: {
    status: 409,
    title: "The stored login cannot be used",
    executed: false,
    retryable: false,
  },
  server_mismatch: {
    status: 422,
    title: "The broker spells this server differently",
    executed: false,
    retryable: false,
  },
  account_type_mismatch: {
    status: 422,
    title: "The account is not of the stated type",
    executed: false,
    retryable: false,
  },

  // Commands
  command_not_found: { status: 404, title: "There is no such command", executed: false, retryable: false },
  position_not_found: { status: 404, title: "There is no such open position", executed: false, retryable: false },
  order_not_found: { status: 404, title: "There is no such pending order", executed: false, retryable: false },
  command_cancelled: { status: 409, title: "The command was cancelled", executed: false, retryable: false },
  command_started: {
    status: 409,
    title: "The command has started and can no longer be cancelled",
    executed: null,
    retryable: false,
  },
  command_under_way: {
    status: 409,
    title: "The command is still under way",
    executed: null,
    retryable: false,
  },
  outcome_pending: {
    status: 409,
    title: "An earlier command with an unknown outcome is in the way",
    executed: false,
    retryable: true,
  },
  broker_rejected: { status: 422, title: "The broker rejected the request", executed: false, retryable: false },
  order_refused: { status: 422, title: "The order does not fit the symbol's rules", executed: false, retryable: false },
  quote_too_old: { status: 422, title: "The last quote is older than allowed", executed: false, retryable: true },
  risk_limit_exceeded: {
    status: 422,
    title: "A risk limit of this account forbids it",
    executed: false,
    retryable: false,
  },
  trading_not_allowed: { status: 422, title: "This account may not trade now", executed: false, retryable: false },
  not_executed: {
    status: 422,
    title: "The command was proven not to have been executed",
    executed: false,
    retryable: false,
  },
  deadline_exceeded: { status: 504, title: "The command did not start in time", executed: false, retryable: false },
  outcome_unknown: { status: 202, title: "The outcome is not known yet", executed: null, retryable: false },

  // The parts behind the API
  symbol_not_found: { status: 404, title: "The broker has no such symbol", executed: false, retryable: false },
  login_paused: { status: 429, title: "Logins to this account are paused", executed: false, retryable: true },
  too_many_requests: { status: 429, title: "Too many requests at once", executed: false, retryable: true },
  invalid_result: { status: 401, title: "The signed result is not valid", executed: false, retryable: false },
  internal_error: { status: 500, title: "Something unexpected failed", executed: null, retryable: false },
  database_unavailable: { status: 503, title: "The database cannot be reached", executed: null, retryable: true },
  worker_unreachable: { status: 503, title: "The bridge worker cannot be reached", executed: false, retryable: true },
  worker_silent: {
    status: 503,
    title: "The command's worker cannot be asked, and the command is open",
    executed: null,
    retryable: true,
  },
  worker_busy: { status: 503, title: "The worker cannot take this in time", executed: false, retryable: true },
  terminal_unavailable: { status: 503, title: "No terminal could serve the account", executed: false, retryable: true },
  read_timeout: { status: 504, title: "The terminal did not answer in time", executed: false, retryable: true },

  // The link between function and worker: seen in logs, and by callers as worker_unreachable
  bad_frame: { status: 502, title: "A frame on the link is not valid", executed: false, retryable: false },
  proof_refused: { status: 502, title: "The worker refused a proof of the request", executed: false, retryable: false },
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof Catalogue;
export const ErrorCodes = Object.keys(Catalogue) as [ErrorCode, ...ErrorCode[]];

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(Catalogue, text);
}
