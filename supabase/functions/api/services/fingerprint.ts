// What makes two requests under one Idempotency-Key the same request.
import { sha256Base64url } from "../crypto/mod.ts";

export type RequestIdentity = {
  method: string;
  /** The route's template, and the values in it. */
  route: string;
  params: Record<string, string>;
  /** Query and body as the caller sent them, before any default: a query parameter counts as if it stood in the body. */
  fields: Record<string, unknown>;
};

/** How long the caller is willing to wait does not change what is asked for. */
const NOT_PART_OF_THE_REQUEST = "timeout_ms";

export async function fingerprintOf({ method, route, params, fields }: RequestIdentity): Promise<string> {
  const { [NOT_PART_OF_THE_REQUEST]: _timeout, ...body } = fields;
  return await sha256Base64url(canonicalJson({ method, route, params, body }));
}

/** JSON with the keys of every object in order: key order and blanks in a body mean nothing. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}
