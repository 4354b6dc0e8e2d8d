import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog, MAX_LOG_TEXT_CHARS } from "./log.ts";

function capture(level: "debug" | "info" = "debug") {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ write: (line) => lines.push(JSON.parse(line)), level, wallMs: () => 0 });
  return { log, lines };
}

test("a line carries time, level, event, scope and fields", () => {
  const { log, lines } = capture();
  log.scope({ requestId: "r" }).info("command.settled", { commandId: "c" });
  assert.deepEqual(lines, [
    { time: "1970-01-01T00:00:00.000Z", level: "info", event: "command.settled", requestId: "r", commandId: "c" },
  ]);
});

test("secrets are cut by name, at any depth and inside causes", () => {
  const { log, lines } = capture();
  const cause = Object.assign(new Error("inner"), { code: "X" });
  log.info("e", {
    user_token: "s1",
    nested: { password: "s2", list: [{ encrypted_password: "s3" }] },
    error: new Error("outer", { cause }),
  });
  const text = JSON.stringify(lines);
  assert.doesNotMatch(text, /s1|s2|s3/);
  assert.match(text, /inner/);
});

test("lines below the level are not written", () => {
  const { log, lines } = capture("info");
  log.debug("quiet");
  assert.equal(lines.length, 0);
});

test("a long text is cut at the limit", () => {
  const { log, lines } = capture();
  log.info("e", { at: "x".repeat(MAX_LOG_TEXT_CHARS), over: "x".repeat(MAX_LOG_TEXT_CHARS + 1) });
  assert.equal(String(lines[0]?.at).length, MAX_LOG_TEXT_CHARS);
  assert.equal(String(lines[0]?.over).length, MAX_LOG_TEXT_CHARS);
});
