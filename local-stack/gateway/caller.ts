// Who calls, from `apikey` and `Authorization`, with the hosted gateway's rules: the API key opens the door, a user's
// token decides the role. Pure but for the verification of the token, which is passed in.
import type { ApiKeys } from "../keys.ts";
import type { Verified } from "./tokens.ts";

export type Caller = { role: string; claims: Record<string, unknown> };
export type CallerRefusal = { status: 401; body: Record<string, unknown>; headers?: Record<string, string> };

const NO_KEY = { message: "No API key found in request", hint: "No `apikey` request header or url param was found." };
const WRONG_KEY = {
  message: "Invalid API key",
  hint: "Double check your Supabase `anon` or `service_role` API key.",
};

/** The role that an API key alone gives, or undefined when it is not one of this project's. */
export function roleOfKey(apikey: string, keys: ApiKeys): "anon" | "service_role" | undefined {
  if (apikey === keys.anon_key || apikey === keys.publishable_key) return "anon";
  if (apikey === keys.service_role_key || apikey === keys.secret_key) return "service_role";
  return undefined;
}

/** Why the `apikey` header does not open the door, or undefined when it does. */
export function refuseKey(apikey: string | undefined, keys: ApiKeys): CallerRefusal | undefined {
  if (apikey === undefined) return { status: 401, body: NO_KEY };
  return roleOfKey(apikey, keys) === undefined ? { status: 401, body: WRONG_KEY } : undefined;
}

/**
 * The role and claims of a request to /rest/v1. supabase-js sends its key as `Authorization: Bearer <key>` while nobody
 * is signed in: a new-style key there is ignored if it equals `apikey` and refused otherwise (it is no JWT).
 */
export async function identifyCaller(
  headers: { apikey: string | undefined; authorization: string | undefined },
  keys: ApiKeys,
  verify: (token: string) => Promise<Verified>,
): Promise<Caller | CallerRefusal> {
  const refusal = refuseKey(headers.apikey, keys);
  if (refusal) return refusal;
  const apikey = headers.apikey ?? "";
  const keyRole = roleOfKey(apikey, keys) ?? "anon";
  const token = bearerToken(headers.authorization);
  if (token === undefined || token === apikey) return { role: keyRole, claims: { role: keyRole } };
  const verified = await verify(token);
  if (!verified.ok) return refuseToken(token, verified.reason);
  const role = typeof verified.claims.role === "string" ? verified.claims.role : "anon";
  return { role, claims: { ...verified.claims, role } };
}

export function isRefusal(caller: Caller | CallerRefusal): caller is CallerRefusal {
  return "status" in caller;
}

export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer\s+(\S+)\s*$/i.exec(authorization ?? "")?.[1];
}

/** PostgREST's codes and texts: PGRST301 a token that cannot be verified, PGRST303 one whose claims do not hold. */
function refuseToken(token: string, reason: "malformed" | "signature" | "expired"): CallerRefusal {
  const parts = token.split(".").length;
  const [code, message] =
    reason === "expired"
      ? (["PGRST303", "JWT expired"] as const)
      : reason === "signature"
        ? (["PGRST301", "No suitable key or wrong key type"] as const)
        : ([
            "PGRST301",
            parts === 3 ? "JWT cryptographic operation failed" : `Expected 3 parts in JWT; got ${parts}`,
          ] as const);
  return {
    status: 401,
    body: { code, details: null, hint: null, message },
    headers: { "www-authenticate": `Bearer error="invalid_token", error_description="${message}"` },
  };
}
