// Framing and inflating: any cut of the stream gives the same frames; wrong, oversized and damaged frames are refused.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { ProtocolViolation, type ViolationKind } from "./errors.ts";
import { encodeFrame, FrameReader } from "./framing.ts";
import { inflatePayload } from "./inflate.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";
import { frameVectors } from "./testdata/frame-vectors.ts";

const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const violation = (kind: ViolationKind) => (error: unknown) =>
  error instanceof ProtocolViolation && error.kind === kind;

/** The payloads that come out, in hex, compressed ones marked. */
function framesOf(chunks: Iterable<Uint8Array>, reader = new FrameReader()): string[] {
  const frames: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk, ({ payload, compressed }) => frames.push(`${compressed ? "z:" : ""}${toHex(payload)}`));
  }
  return frames;
}

const stream = Buffer.concat(frameVectors.map(({ hex }) => fromHex(hex)));
const expected = frameVectors.map(({ hex }) => `${hex.slice(8, 10) === "01" ? "z:" : ""}${hex.slice(10, -2)}`);

describe("FrameReader", () => {
  it("reads all recorded frames out of one chunk", () => assert.deepStrictEqual(framesOf([stream]), expected));

  it("reads them byte by byte", () => {
    assert.deepStrictEqual(framesOf(Array.from(stream, (byte) => Uint8Array.of(byte))), expected);
  });

  it("reads them from any cut of the stream", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 40 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const chunks = edges.slice(1).map((end, i) => stream.subarray(edges[i], end));
        assert.deepStrictEqual(framesOf(chunks), expected);
      }),
    );
  });

  it("gives nothing before the last byte and is idle only between frames", () => {
    const reader = new FrameReader();
    const frame = encodeFrame(Uint8Array.of(1, 2, 3));
    for (let i = 0; i < frame.length; i += 1) {
      assert.equal(reader.isIdle, i === 0);
      assert.equal(framesOf([frame.subarray(i, i + 1)], reader).length, i === frame.length - 1 ? 1 : 0);
    }
    assert.equal(reader.isIdle, true);
  });

  it("reads an empty payload", () => assert.deepStrictEqual(framesOf([encodeFrame(new Uint8Array(0))]), [""]));

  it("refuses a frame that does not end with a newline", () => {
    assert.throws(() => framesOf([fromHex("00000001005000")]), violation("malformed"));
  });

  it("accepts a frame of the limit and refuses one byte more, before its payload comes", () => {
    const atLimit = encodeFrame(Uint8Array.of(1, 2, 3, 4));
    assert.deepStrictEqual(framesOf([atLimit], new FrameReader(4)), ["01020304"]);
    assert.throws(() => framesOf([atLimit.subarray(0, 5)], new FrameReader(3)), violation("too_large"));
    const header = new Uint8Array(5);
    new DataView(header.buffer).setUint32(0, MAX_FRAME_BYTES);
    assert.deepStrictEqual(framesOf([header]), []);
    new DataView(header.buffer).setUint32(0, MAX_FRAME_BYTES + 1);
    assert.throws(() => framesOf([header]), violation("too_large"));
  });

  it("takes a TLS record for what it is not: a frame far over the limit", () => {
    assert.throws(() => framesOf([fromHex("15030300020228")]), violation("too_large"));
  });

  it("stops delivering where the callback throws", () => {
    const twice = Buffer.concat([encodeFrame(Uint8Array.of(1)), encodeFrame(Uint8Array.of(2))]);
    let seen = 0;
    const onFrame = (): void => {
      seen += 1;
      throw new Error("enough");
    };
    assert.throws(() => new FrameReader().push(twice, onFrame), /enough/);
    assert.equal(seen, 1);
  });
});

describe("encodeFrame()", () => {
  for (const { name, dialect, hex } of frameVectors.filter(({ hex }) => hex.slice(8, 10) === "00")) {
    it(`frames ${name} (${dialect}) as the library does`, () => {
      assert.equal(toHex(encodeFrame(fromHex(hex.slice(10, -2)))), hex);
    });
  }

  it("refuses a payload over the limit", () => {
    assert.throws(() => encodeFrame(new Uint8Array(MAX_FRAME_BYTES + 1)), RangeError);
  });
});

describe("inflatePayload()", () => {
  const plain = Buffer.alloc(5000, "abc");

  it("inflates to the limit and not to a byte more", () => {
    assert.deepStrictEqual(Buffer.from(inflatePayload(deflateSync(plain), 5000)), plain);
    assert.throws(() => inflatePayload(deflateSync(plain), 4999), violation("too_large"));
  });

  it("refuses a damaged, a short and an overlong stream", () => {
    const packed = deflateSync(plain);
    const damaged = Buffer.from(packed);
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    assert.throws(() => inflatePayload(damaged), violation("malformed"));
    assert.throws(() => inflatePayload(packed.subarray(0, -1)), violation("malformed"));
    assert.throws(() => inflatePayload(Buffer.concat([packed, Buffer.of(0)])), violation("malformed"));
    assert.throws(() => inflatePayload(Buffer.alloc(0)), violation("malformed"));
  });
});
