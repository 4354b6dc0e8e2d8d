// Brine, both directions: recorded vectors, hostile input, every limit at its edge, and a round trip of arbitrary values.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BrineReader, decodeBrine } from "./brine-reader.ts";
import { encodeBrine } from "./brine-writer.ts";
import { ProtocolViolation, type ViolationKind } from "./errors.ts";
import { MAX_INT_DIGITS, MAX_MESSAGE_ITEMS, MAX_VALUE_DEPTH } from "./limits.ts";
import {
  type BrineValue,
  PyComplex,
  PyConstant,
  PyEllipsis,
  PyFloat,
  PyFrozenSet,
  PyNotImplemented,
  PySlice,
} from "./python-values.ts";
import { brineVectors } from "./testdata/brine-vectors.ts";

const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const violation = (kind: ViolationKind) => (error: unknown) =>
  error instanceof ProtocolViolation && error.kind === kind;

describe("brine vectors of the real library", () => {
  it("has all of them", () => assert.equal(brineVectors.length, 78));

  for (const { name, hex, value } of brineVectors) {
    it(`encodes ${name}`, () => assert.equal(toHex(encodeBrine(value)), hex));
    it(`decodes ${name}`, () => assert.deepStrictEqual(decodeBrine(fromHex(hex)), value));
    it(`refuses ${name} cut short anywhere`, () => {
      const bytes = fromHex(hex);
      for (let length = 0; length < bytes.length; length += 1) {
        assert.throws(() => decodeBrine(bytes.subarray(0, length)), violation("malformed"));
      }
    });
    it(`refuses ${name} with a byte after it`, () => {
      assert.throws(() => decodeBrine(fromHex(`${hex}00`)), violation("malformed"));
    });
  }
});

describe("decodeBrine()", () => {
  const otherForms: [string, string, BrineValue][] = [
    ["a 3-byte str in the long form", "080e03616263", "abc"],
    ["an empty bytes in the longest form", "0f00000000", new Uint8Array(0)],
    ["a 1-tuple with a 4-byte count", "150000000151", [1]],
    ["a small int as text", "160135", 5],
    ["a small int as text with a 4-byte length", "170000000135", 5],
    ["minus zero as an int", "16022d30", 0],
    ["a str that starts with a byte order mark", "080cefbbbf", "\ufeff"],
  ];
  for (const [name, hex, value] of otherForms) {
    it(`accepts ${name}`, () => assert.deepStrictEqual(decodeBrine(fromHex(hex)), value));
  }

  const malformed: [string, string][] = [
    ["an unknown tag", "07"],
    ["the tag of Python 2's long", "09"],
    ["a tag between the ints and the end", "f0"],
    ["a str without bytes", "0851"],
    ["invalid UTF-8", "080ac3"],
    ["a lone surrogate in UTF-8", "080ceda080"],
    ["an int with a letter", "160178"],
    ["an int of no digits", "1600"],
    ["an int with an underscore", "1603315f30"],
    ["a slice of two", "19115152"],
    ["a slice of an int", "1951"],
    ["a frozenset of an int", "1a51"],
    ["a tuple that claims more items than there are bytes", "15ffffffff50"],
    ["bytes that claim more than there is", "0fffffffff50"],
  ];
  for (const [name, hex] of malformed) {
    it(`refuses ${name}`, () => assert.throws(() => decodeBrine(fromHex(hex)), violation("malformed")));
  }

  it("copies bytes out of the chunk, also when the chunk is a Buffer", () => {
    const chunk = Buffer.from("0b0102", "hex");
    const value = decodeBrine(chunk);
    chunk.fill(0xff);
    assert.deepStrictEqual(value, Uint8Array.of(1, 2));
  });

  it("nests to the limit and not deeper", () => {
    const nested = (levels: number): Uint8Array => fromHex(`${"10".repeat(levels)}50`);
    assert.ok(decodeBrine(nested(MAX_VALUE_DEPTH)));
    assert.throws(() => decodeBrine(nested(MAX_VALUE_DEPTH + 1)), violation("too_large"));
    assert.throws(() => decodeBrine(fromHex("1a10".repeat(100_000))), violation("too_large"));
  });

  it("reads ints of as many digits as Python and not more", () => {
    const int = (digits: number): Uint8Array =>
      Buffer.concat([Buffer.from([0x17, 0, 0, digits >> 8, digits & 0xff]), Buffer.alloc(digits, "9")]);
    assert.equal(decodeBrine(int(MAX_INT_DIGITS)), 10n ** BigInt(MAX_INT_DIGITS) - 1n);
    assert.throws(() => decodeBrine(int(MAX_INT_DIGITS + 2)), violation("too_large"));
  });

  it("reads as many values as allowed and not more", () => {
    const tuple = (items: number): Uint8Array => {
      const bytes = new Uint8Array(5 + items).fill(0x50);
      bytes[0] = 0x15;
      new DataView(bytes.buffer).setUint32(1, items);
      return bytes;
    };
    assert.ok(decodeBrine(tuple(MAX_MESSAGE_ITEMS - 1)));
    assert.throws(() => decodeBrine(tuple(MAX_MESSAGE_ITEMS)), violation("too_large"));
  });
});

describe("encodeBrine()", () => {
  const refused: [string, unknown, typeof TypeError | typeof RangeError][] = [
    ["a fraction that is no PyFloat", 1.5, TypeError],
    ["a number beyond 2^53", 2 ** 53, TypeError],
    ["minus zero, which is a float", -0, TypeError],
    ["NaN outside PyFloat", Number.NaN, TypeError],
    ["a lone surrogate", "a\ud800b", TypeError],
    ["undefined", undefined, TypeError],
    ["a plain object", {}, TypeError],
    ["a constant of someone's own", new PyConstant("Ellipsis2"), TypeError],
    ["an int of more digits than Python reads", 10n ** BigInt(MAX_INT_DIGITS), RangeError],
  ];
  for (const [name, value, type] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => encodeBrine(value as BrineValue), type));
  }

  it("nests to the limit and not deeper", () => {
    const nested = (levels: number): BrineValue => {
      let value: BrineValue = 0;
      for (let i = 0; i < levels; i += 1) value = [value];
      return value;
    };
    assert.ok(encodeBrine(nested(MAX_VALUE_DEPTH)));
    assert.throws(() => encodeBrine(nested(MAX_VALUE_DEPTH + 1)), RangeError);
  });

  it("writes an int of as many digits as Python reads", () => {
    const value = -(10n ** BigInt(MAX_INT_DIGITS) - 1n);
    assert.equal(decodeBrine(encodeBrine(value)), value);
  });

  it("writes a bigint as the same int as a number", () => {
    assert.deepStrictEqual(encodeBrine(5n), encodeBrine(5));
  });
});

describe("any value", () => {
  const text = fc.string({ unit: "binary" });
  const float = fc.double().map((value) => new PyFloat(value));
  const int = fc.oneof(
    fc.maxSafeInteger().map((value) => value + 0),
    fc.bigInt().filter((value) => value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)),
  );
  const { value: anyValue } = fc.letrec<{ value: BrineValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom<BrineValue>(null, true, false, PyEllipsis, PyNotImplemented),
      int,
      text,
      float,
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.double(), fc.double()).map(([real, imaginary]) => new PyComplex(real, imaginary)),
      fc.array(tie("value"), { maxLength: 8 }),
      fc.array(tie("value"), { maxLength: 3 }).map((members) => new PyFrozenSet(members)),
      fc.tuple(tie("value"), tie("value"), tie("value")).map((parts) => new PySlice(...parts)),
    ),
  }));

  it("comes back as it was", () => {
    fc.assert(fc.property(anyValue, (value) => assert.deepStrictEqual(decodeBrine(encodeBrine(value)), value)));
  });

  it("is read to its end exactly, so that values can follow one another", () => {
    fc.assert(
      fc.property(anyValue, anyValue, (first, second) => {
        const firstBytes = encodeBrine(first);
        const reader = new BrineReader(Buffer.concat([firstBytes, encodeBrine(second)]));
        assert.deepStrictEqual(reader.valueWithBytes(), { value: first, raw: firstBytes });
        assert.deepStrictEqual(reader.value(), second);
        reader.expectEnd();
      }),
    );
  });

  it("or any other bytes never throw anything but a ProtocolViolation", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeBrine(bytes);
        } catch (error) {
          assert.ok(error instanceof ProtocolViolation);
        }
      }),
    );
  });
});
