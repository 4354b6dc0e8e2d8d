// One test that both runtimes run: suite.test.ts hands it to node:test, suite.deno.ts to Deno.test.
import assert from "node:assert/strict";
import type { z } from "zod";

export type Case = { name: string; run: () => void };

/** A short form of a value for a test's name: long texts are cut. */
export function shown(value: unknown): string {
  const text =
    JSON.stringify(value, (_key, part: unknown) => (part === undefined ? "undefined" : part)) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 40)}… (${text.length})` : text;
}

/**
 * A case per value: the schema takes what `make` makes of the first list and refuses what it makes of the second. The
 * names show the values before that.
 */
export function edgesOf(
  name: string,
  schema: z.ZodType,
  valid: readonly unknown[],
  invalid: readonly unknown[],
  make: (value: never) => unknown = (value) => value,
): Case[] {
  const test = (value: unknown, expected: boolean): Case => ({
    name: `${name} ${expected ? "takes" : "refuses"} ${shown(value)}`,
    run: () => assert.equal(schema.safeParse(make(value as never)).success, expected),
  });
  return [...valid.map((value) => test(value, true)), ...invalid.map((value) => test(value, false))];
}
