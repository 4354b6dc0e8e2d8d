import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson, fingerprintOf, type RequestIdentity } from "./fingerprint.ts";

const request: RequestIdentity = {
  method: "post",
  route: "/positions/{ticket}/close",
  params: { ticket: "1" },
  fields: { volume: 0.1, account_id: "a", timeout_ms: 5000 },
};

test("fingerprintOf() is 43 characters of base64url and the same for the same request", async () => {
  assert.match(await fingerprintOf(request), /^[A-Za-z0-9_-]{43}$/);
  assert.equal(await fingerprintOf(request), await fingerprintOf(structuredClone(request)));
});

const same: [string, RequestIdentity][] = [
  ["the order of fields", { ...request, fields: { account_id: "a", timeout_ms: 5000, volume: 0.1 } }],
  ["the timeout", { ...request, fields: { volume: 0.1, account_id: "a", timeout_ms: 9000 } }],
  ["a missing timeout", { ...request, fields: { volume: 0.1, account_id: "a" } }],
];
for (const [what, other] of same) {
  test(`fingerprintOf() does not depend on ${what}`, async () => {
    assert.equal(await fingerprintOf(request), await fingerprintOf(other));
  });
}

const different: [string, RequestIdentity][] = [
  ["method", { ...request, method: "delete" }],
  ["route", { ...request, route: "/orders/{ticket}" }],
  ["parameter", { ...request, params: { ticket: "2" } }],
  ["value", { ...request, fields: { ...request.fields, volume: 0.2 } }],
  ["account", { ...request, fields: { ...request.fields, account_id: "b" } }],
  ["type of a value", { ...request, fields: { ...request.fields, volume: "0.1" } }],
  ["additional field", { ...request, fields: { ...request.fields, comment: "" } }],
];
for (const [what, other] of different) {
  test(`fingerprintOf() changes with another ${what}`, async () => {
    assert.notEqual(await fingerprintOf(request), await fingerprintOf(other));
  });
}

test("canonicalJson() sorts keys at every depth and keeps the order of lists", () => {
  assert.equal(canonicalJson({ b: [{ d: 1, c: null }, 2], a: "x" }), '{"a":"x","b":[{"c":null,"d":1},2]}');
});
