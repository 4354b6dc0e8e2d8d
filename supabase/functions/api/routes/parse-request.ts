// Turns the raw parts of a request into typed values, or into one problem that lists every fault. Pure.
import type { z } from "zod";
import { AppError, type FieldFault } from "../../_shared/errors/mod.ts";

/** Faults named in one answer. */
export const MAX_FIELD_FAULTS = 20;

/** Throws `unsupported_media_type` for a body that does not say it is JSON: forms and plain text need no preflight. */
export function requireJsonType(contentType: string | undefined): void {
  const essence = (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!/^application\/([a-z0-9.-]+\+)?json$/.test(essence)) throw new AppError("unsupported_media_type");
}

/** Throws `malformed_json`. The parser's own words stay in the log: they quote the body, which may hold a password. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError("malformed_json");
  }
}

/** For a route without a body: what a client put there would be ignored, the account meant perhaps. `{}` says nothing. */
export function refuseBody(text: string): undefined {
  // Trimmed first: blanks on both sides of nothing are tried in every split, and 16 KiB of them hold everybody up.
  if (/^(\{\s*\})?$/.test(text.trim())) return;
  refuse([{ path: "", message: "is not for this route: parameters go into the query" }]);
}

/** A field of the body that stands in the query would be ignored: for `account_id` that is an order on another account. */
export function refuseMisplaced(queryNames: readonly string[], bodyFields: object): void {
  const misplaced = queryNames.filter((name) => Object.hasOwn(bodyFields, name));
  if (misplaced.length > 0) refuse(misplaced.map((path) => ({ path, message: "belongs into the body" })));
}

function refuse(faults: FieldFault[]): never {
  throw new AppError("invalid_request", { detail: describe(faults), fields: faults });
}

type Schemas<P, Q, B> = { params?: z.ZodType<P>; query?: z.ZodType<Q>; body?: z.ZodType<B> };
type Parts = { params: unknown; query: unknown; body: unknown };

/** Throws `invalid_request` with the faults of all parts. A part without a schema is `undefined`. */
export function parseParts<P, Q, B>(
  schemas: Schemas<P, Q, B>,
  parts: Parts,
): { params: P; query: Q; body: B; knownQuery: ReadonlySet<string> } {
  const faults: FieldFault[] = [];
  const params = parsePart(schemas.params, parts.params, faults);
  const query = parsePart(schemas.query, parts.query, faults);
  const body = parsePart(schemas.body, parts.body, faults);
  if (faults.length > 0) refuse(faults);
  const knownQuery = new Set(typeof query === "object" && query !== null ? Object.keys(query) : []);
  return { params, query, body, knownQuery };
}

function parsePart<T>(schema: z.ZodType<T> | undefined, value: unknown, faults: FieldFault[]): T {
  // Without a schema T is inferred as undefined.
  if (schema === undefined) return undefined as T;
  const parsed = schema.safeParse(value);
  if (!parsed.success) faults.push(...parsed.error.issues.flatMap(toFaults).slice(0, MAX_FIELD_FAULTS));
  return parsed.data as T;
}

function toFaults(issue: z.core.$ZodIssue): FieldFault[] {
  const path = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
  // Reported at the parent; the caller looks for the field.
  return issue.keys.map((key) => ({
    path: (path === "" ? key : `${path}.${key}`).slice(0, 100),
    message: "is not a known field",
  }));
}

/** For clients that show `detail` only, as those of the replaced service do. */
function describe(faults: FieldFault[]): string {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  return `${first?.path || "body"}: ${first?.message}${more}`;
}
