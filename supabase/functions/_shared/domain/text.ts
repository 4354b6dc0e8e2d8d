// What may stand in a free text. Pure.
import type { z } from "zod";

/**
 * Neither NUL nor half a surrogate pair: Postgres holds them in no text and no JSON, and sealing would quietly make another
 * character of the latter.
 */
export function plainText(schema: z.ZodString): z.ZodString {
  return schema.refine((text) => text.isWellFormed() && !text.includes("\0"), "holds a character that is not text");
}
