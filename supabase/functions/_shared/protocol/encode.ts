// Frames to text and back. Text is measured before it is parsed, and a fault never repeats the text: it may hold tokens.
import type { z } from "zod";
import { AppError } from "../errors/mod.ts";

/** Parses one frame. Throws `bad_frame` for what is too long, is no JSON, or does not fit the schema. */
export function decodeFrame<Schema extends z.ZodType>(schema: Schema, text: string, maxBytes: number): z.infer<Schema> {
  if (isLonger(text, maxBytes)) throw new AppError("bad_frame", { detail: `Frame is longer than ${maxBytes} bytes` });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AppError("bad_frame", { detail: "Frame is not JSON" });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => issue.path.join(".") || "frame").slice(0, 5);
  throw new AppError("bad_frame", { detail: `Frame does not fit the protocol: ${where.join(", ")}` });
}

/** Of bytes in UTF-8. A UTF-16 unit is 1 to 3 of them, so most texts need no encoding to be measured. */
export function isLonger(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes;
}

export function encodeFrame(frame: object): string {
  return JSON.stringify(frame);
}
