// The Idempotency-Key header: quoted (a structured-field string, RFC 9651 §3.3.3, as the IETF draft has it) or bare, as
// most clients send it. Pure.
import { AppError } from "../../_shared/errors/mod.ts";

export const MAX_IDEMPOTENCY_KEY_CHARS = 255;

/** The key itself, without quotes; null when the header is absent. Throws `invalid_idempotency_key`. */
export function parseIdempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  const key = header.startsWith('"') ? unquote(header) : header;
  if (key !== null && key.length >= 1 && key.length <= MAX_IDEMPOTENCY_KEY_CHARS && /^[\x20-\x7e]+$/.test(key))
    return key;
  throw new AppError("invalid_idempotency_key");
}

function unquote(text: string): string | null {
  if (!/^"(?:[^"\\]|\\["\\])*"$/.test(text)) return null;
  return text.slice(1, -1).replace(/\\(["\\])/g, "$1");
}
