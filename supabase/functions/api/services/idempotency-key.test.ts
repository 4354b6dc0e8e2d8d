import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppError } from "../../_shared/errors/mod.ts";
import { MAX_IDEMPOTENCY_KEY_CHARS, parseIdempotencyKey } from "./idempotency-key.ts";

const good: [string, string][] = [
  ["a bare key", "order-1"],
  ["the longest bare key", "k".repeat(MAX_IDEMPOTENCY_KEY_CHARS)],
  ["a key with blanks inside", "order 1"],
];
for (const [what, key] of good) {
  test(`parseIdempotencyKey() accepts ${what}, quoted or bare`, () => {
    assert.equal(parseIdempotencyKey(key), key);
    assert.equal(parseIdempotencyKey(`"${key}"`), key);
  });
}

test("parseIdempotencyKey() undoes the escapes of a quoted key", () => {
  assert.equal(parseIdempotencyKey('"a\\"b\\\\c"'), 'a"b\\c');
});

test("parseIdempotencyKey() answers null without a header", () => {
  assert.equal(parseIdempotencyKey(undefined), null);
});

const bad = ["", '""', '"open', '"a"b"', '"a\\b"', "tab\there", "ümlaut", "k".repeat(MAX_IDEMPOTENCY_KEY_CHARS + 1)];
for (const header of bad) {
  test(`parseIdempotencyKey() refuses ${JSON.stringify(header.slice(0, 12))} (${header.length} characters)`, () => {
    assert.throws(
      () => parseIdempotencyKey(header),
      (error: AppError) => error.code === "invalid_idempotency_key",
    );
  });
}
