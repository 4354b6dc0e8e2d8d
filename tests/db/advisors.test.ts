// scripts/check-advisors.ts: the comparison goes both ways, and output of another form is an error, not a clean result.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareFindings, parseFindings } from "../../scripts/check-advisors.ts";

const one = { lint: "unused_index", object: "public_a_b" };
const two = { lint: "rls_disabled_in_public", object: "public_c" };

test("compareFindings() reports what is not listed and what is listed in vain", () => {
  assert.deepEqual(compareFindings([one], [one]), []);
  assert.deepEqual(compareFindings([one, two], [one]), ["found, not listed: rls_disabled_in_public public_c"]);
  assert.deepEqual(compareFindings([], [one]), ["listed, no longer found: unused_index public_a_b"]);
  assert.equal(compareFindings([{ ...one, object: "public_a_c" }], [one]).length, 2);
});

test("parseFindings() names lint and object, and refuses output of another form", () => {
  const output = { results: [{ name: "unused_index", cacheKey: "unused_index_public_a_b", level: "INFO" }] };
  assert.deepEqual(parseFindings(JSON.stringify(output)), [one]);
  assert.deepEqual(parseFindings('{"results":[]}'), []);
  for (const text of ["", "{}", "[]", '{"results":[{}]}']) assert.throws(() => parseFindings(text));
});
