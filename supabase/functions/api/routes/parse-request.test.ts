import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppError } from "../../_shared/errors/mod.ts";
import { MAX_BODY_BYTES } from "../../_shared/protocol/mod.ts";
import { refuseBody } from "./parse-request.ts";

test("refuseBody() lets pass what says nothing, and refuses the rest", () => {
  for (const nothing of ["", " \r\n", "{}", " { \n} "]) refuseBody(nothing);
  for (const something of ["null", "[]", "{", "{}{}", "x", '{"account_id":"x"}']) {
    assert.throws(
      () => refuseBody(something),
      (error: AppError) => error.code === "invalid_request",
    );
  }
});

test("refuseBody() takes time by the length of a body, not by its square", () => {
  const start = performance.now();
  assert.throws(() => refuseBody(`${" ".repeat(MAX_BODY_BYTES * 8)}x`));
  assert.ok(performance.now() - start < 1_000);
});
