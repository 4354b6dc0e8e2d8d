// GoTrue's refusals: code, HTTP status and text, and the two shapes of their body. Pure.
import { type JsonAnswer, json } from "./http.ts";

const AUTH_ERRORS = {
  bad_json: [400, "Could not parse request body as JSON"],
  validation_failed: [400, "The request is not valid"],
  invalid_credentials: [400, "Invalid login credentials"],
  refresh_token_not_found: [400, "Invalid Refresh Token: Refresh Token Not Found"],
  refresh_token_already_used: [400, "Invalid Refresh Token: Already Used"],
  session_expired: [400, "Invalid Refresh Token: Session Expired"],
  no_authorization: [401, "This endpoint requires a valid Bearer token"],
  bad_jwt: [403, "invalid JWT: unable to parse or verify signature"],
  user_not_found: [403, "User from sub claim in JWT does not exist"],
  session_not_found: [403, "Session from session_id claim in JWT does not exist"],
  user_already_exists: [422, "User already registered"],
  anonymous_provider_disabled: [422, "Anonymous sign-ins are disabled"],
  weak_password: [422, "Password should be at least 6 characters."],
  request_too_large: [413, "The request body is too large"],
  not_served: [404, "This path of the Auth API is not served by the local stack"],
  unexpected_failure: [500, "Unexpected failure, please check the log of the local stack"],
} as const satisfies Record<string, readonly [number, string]>;

export type AuthErrorCode = keyof typeof AUTH_ERRORS;

export class AuthError extends Error {
  readonly code: AuthErrorCode;
  constructor(code: AuthErrorCode, message: string = AUTH_ERRORS[code][1], options?: ErrorOptions) {
    super(message, options);
    this.name = "AuthError";
    this.code = code;
  }
}

const API_VERSION = "2024-01-01";

/** Since API version 2024-01-01 (asked for by header, as supabase-js does) `code` is the text and `msg` is `message`. */
export function authErrorAnswer(error: AuthError, requestedVersion: string | undefined): JsonAnswer {
  const [status] = AUTH_ERRORS[error.code];
  const extra = error.code === "weak_password" ? { weak_password: { reasons: ["length"] } } : {};
  if (requestedVersion !== undefined && requestedVersion >= API_VERSION) {
    return json(
      status,
      { code: error.code, message: error.message, ...extra },
      { "x-supabase-api-version": API_VERSION },
    );
  }
  return json(status, { code: status, error_code: error.code, msg: error.message, ...extra });
}
