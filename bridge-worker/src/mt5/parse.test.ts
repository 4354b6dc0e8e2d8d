import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";
import { BadReply, HelloAnswer, LoginAnswer, parseReply, ReadAnswer, SendAnswer, TagAnswer } from "./parse.ts";

const reply = (value: unknown): string => JSON.stringify({ ok: true, value, now_ms: 12.5 });

function valueIn(text: string, schema: Parameters<typeof parseReply>[1]): unknown {
  const answer = parseReply(text, schema);
  assert.ok(answer.ok);
  return answer.value;
}

const SENT = {
  kind: "sent",
  result: { retcode: 10009, order: "18446744073709551615", deal: "1", volume: null, price: 1.1, comment: "" },
  last_error: [1, "Success"],
  after: { login: "1", server: "S [x]" },
};

test("parseReply() gives the value and the guard's clock", () => {
  const hello = { epoch: "0123456789abcdef", pid: 7, version: 1 };
  assert.deepEqual(parseReply(reply(hello), HelloAnswer), { ok: true, value: hello, nowMs: 12.5 });
});

test("parseReply() gives the guard's problem with its last error", () => {
  const text = JSON.stringify({
    ok: false,
    error: { class: "initialize_failed", last_error: [-10005, "x"] },
    now_ms: 1,
  });
  assert.deepEqual(parseReply(text, HelloAnswer), {
    ok: false,
    problem: "initialize_failed",
    lastError: [-10005, "x"],
    nowMs: 1,
  });
});

test("parseReply() keeps 64-bit ids and shows a number that is none as 0", () => {
  assert.deepEqual(valueIn(reply(SENT), SendAnswer), {
    kind: "sent",
    result: { ...SENT.result, volume: 0 },
    lastError: [1, "Success"],
    after: SENT.after,
  });
  assert.deepEqual(valueIn(reply({ kind: "finished", reply: { kind: "refused", reason: "expired" } }), TagAnswer), {
    kind: "finished",
    reply: { kind: "refused", reason: "expired" },
  });
});

test("parseReply() says why a login failed by its error code", () => {
  for (const [code, reason] of [
    [-6, "auth_failed"],
    [-7, "auth_failed"],
    [-10005, "no_connection"],
    [-1, "no_connection"],
  ]) {
    const login = valueIn(reply({ kind: "failed", last_error: [code, "text"] }), LoginAnswer);
    assert.deepEqual(login, { kind: "failed", reason, lastError: [code, "text"] });
  }
});

test("parseReply() refuses what rests on a missing number, an id as a number, or a strange kind", () => {
  const wrong: [unknown, z.ZodType][] = [
    [{ ...SENT, result: { ...SENT.result, retcode: null } }, SendAnswer],
    [{ ...SENT, result: { ...SENT.result, order: 12 } }, SendAnswer],
    [{ kind: "refused", reason: "mood" }, SendAnswer],
    [{ kind: "unsure" }, TagAnswer],
    [{ kind: "ok" }, ReadAnswer],
  ];
  for (const [value, schema] of wrong) {
    assert.throws(() => parseReply(reply(value), schema), BadReply);
  }
});

test("parseReply() refuses what is not the envelope, and quotes nothing of it", () => {
  for (const text of [
    "",
    "{S3cret",
    '"S3cret"',
    "[]",
    '{"ok":true}',
    '{"ok":false,"error":{"class":"S3cret"},"now_ms":1}',
    7,
    undefined,
  ]) {
    assert.throws(
      () => parseReply(text, HelloAnswer),
      (error) => error instanceof BadReply && !error.message.includes("S3cret"),
    );
  }
});
