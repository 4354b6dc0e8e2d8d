import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppError } from "../../_shared/errors/mod.ts";
import { readLimitedText } from "./body-limit.ts";

const LIMIT = 10;
const url = "http://127.0.0.1/";
const tooLarge = (error: AppError): boolean => error.code === "payload_too_large";

/** A body in chunks, without a Content-Length. */
function streamed(chunks: Uint8Array[], onCancel = (): void => {}): Request {
  const queue = [...chunks];
  const body = new ReadableStream({
    pull: (controller) => {
      const chunk = queue.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: onCancel,
  });
  return new Request(url, { method: "POST", body, duplex: "half" });
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("readLimitedText() accepts a body at the limit and refuses one byte more", async () => {
  assert.equal(
    await readLimitedText(new Request(url, { method: "POST", body: "x".repeat(LIMIT) }), LIMIT),
    "x".repeat(LIMIT),
  );
  await assert.rejects(
    readLimitedText(new Request(url, { method: "POST", body: "x".repeat(LIMIT + 1) }), LIMIT),
    tooLarge,
  );
});

test("readLimitedText() counts bytes, not characters", async () => {
  await assert.rejects(readLimitedText(streamed([bytes("ééééé"), bytes("é")]), LIMIT), tooLarge);
});

test("readLimitedText() stops a stream that never ends", async () => {
  let cancelled = false;
  const endless = Array.from({ length: 1000 }, () => bytes("xxxx"));
  const request = streamed(endless, () => {
    cancelled = true;
  });
  await assert.rejects(readLimitedText(request, LIMIT), tooLarge);
  assert.equal(cancelled, true);
});

test("readLimitedText() does not believe a Content-Length that is too small", async () => {
  const request = streamed([bytes("x".repeat(LIMIT + 1))]);
  Object.defineProperty(request, "headers", { value: new Headers({ "content-length": "1" }) });
  await assert.rejects(readLimitedText(request, LIMIT), tooLarge);
});

test("readLimitedText() joins a character that was cut between chunks", async () => {
  const [first, second] = [bytes("é").slice(0, 1), bytes("é").slice(1)];
  assert.equal(await readLimitedText(streamed([first, second]), LIMIT), "é");
});

test("readLimitedText() refuses bytes that are no UTF-8", async () => {
  for (const bad of [[0xff], [0xc3]]) {
    const read = readLimitedText(streamed([new Uint8Array(bad)]), LIMIT);
    await assert.rejects(read, (error: AppError) => error.code === "malformed_json");
  }
});

test("readLimitedText() answers an empty text for no body", async () => {
  assert.equal(await readLimitedText(new Request(url), LIMIT), "");
});
