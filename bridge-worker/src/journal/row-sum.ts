// The sum over one row's values, kept beside them: SQLite has none, and a flipped bit in a tag or a volume would let a
// search for the order prove the wrong thing. Pure.
import { crc32 } from "node:zlib";

/** CRC-32 over the values with their types and lengths, so that no two rows read alike. */
export function rowSum(...values: unknown[]): number {
  return crc32(
    values
      .map((value) => {
        const text = String(value);
        return `${typeof value} ${text.length} ${text}`;
      })
      .join("\n"),
  );
}
