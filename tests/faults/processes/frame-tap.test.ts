// The tap on the link: whatever the pieces, it sees whole frames, and what it adds never stands inside one.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFrameTap } from "./frame-tap.ts";

const HEAD = Buffer.from("GET /v1/link HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
const MASK = Buffer.from([1, 2, 3, 4]);

/** A masked text frame of RFC 6455, with a length of two bytes where it needs one. */
function frameOf(value: object): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  const size =
    text.length < 126
      ? Buffer.from([0x80 | text.length])
      : Buffer.from([0x80 | 126, text.length >> 8, text.length & 255]);
  return Buffer.concat([Buffer.from([0x81]), size, MASK, text.map((byte, at) => byte ^ (MASK[at % 4] ?? 0))]);
}

const PING = frameOf({ type: "ping", t: 1 });
const COMMAND = frameOf({ type: "command", id: "c1", body: "x".repeat(300) });
const STREAM = Buffer.concat([HEAD, PING, COMMAND]);

describe("the tap on the link", () => {
  it("passes a stream on unchanged, in pieces of whole frames, wherever it was cut", () => {
    for (let at = 0; at <= STREAM.length; at++) {
      const { tap, frames } = createFrameTap();
      const see = tap(() => {});
      const first = see(STREAM.subarray(0, at));
      const out = Buffer.concat([first, see(STREAM.subarray(at))]);
      assert.ok(out.equals(STREAM), `cut at ${at}`);
      const ends = [0, HEAD.length, HEAD.length + PING.length, STREAM.length];
      assert.ok(ends.includes(first.length), `cut at ${at}: the first piece ends inside a frame`);
      assert.deepEqual(
        frames.map(({ type, id }) => [type, id]),
        [["command", "c1"]],
      );
    }
  });

  it("doubles commands and nothing else", () => {
    const tap = createFrameTap();
    tap.doubleCommands(true);
    const out = tap.tap(() => {})(STREAM);
    assert.ok(out.equals(Buffer.concat([STREAM, COMMAND])));
    assert.equal(tap.doubled, 1);
  });

  it("puts a recorded frame on the newest link, and says when there is none", () => {
    const { tap, frames, replay } = createFrameTap();
    const put: string[] = [];
    tap((bytes) => put.push(`old ${bytes.equals(COMMAND)}`))(STREAM);
    const frame = frames[0];
    assert.ok(frame);
    assert.equal(createFrameTap().replay(frame), false);
    tap((bytes) => put.push(`new ${bytes.equals(COMMAND)}`))(HEAD);
    assert.equal(replay(frame), true);
    assert.deepEqual(put, ["new true"]);
  });
});
