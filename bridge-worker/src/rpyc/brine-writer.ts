// Writes values as "brine", RPyC's encoding of Python's immutable built-in types, always in the shortest form as the
// Python library does. Pure.

import { SMALL_INT_BIAS, SMALL_INT_MAX, SMALL_INT_MIN, Tag } from "./brine-tags.ts";
import { MAX_INT_DIGITS, MAX_VALUE_DEPTH } from "./limits.ts";
import {
  type BrineValue,
  PyComplex,
  PyEllipsis,
  PyFloat,
  PyFrozenSet,
  PyNotImplemented,
  PySlice,
} from "./python-values.ts";

const FIRST_CAPACITY_BYTES = 256;
const encoder = new TextEncoder();

export class BrineWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY_BYTES);
  #length = 0;

  /**
   * Writes one value. Throws `TypeError` for what has no brine form (a fraction without `PyFloat`, a lone surrogate)
   * and `RangeError` for what is too deep or too long: nothing may be sent that makes the server drop the connection.
   */
  value(value: BrineValue, depth = 0): this {
    if (depth > MAX_VALUE_DEPTH) throw new RangeError(`Value nested deeper than ${MAX_VALUE_DEPTH} levels`);
    if (value === null) return this.byte(Tag.none);
    if (value === true) return this.byte(Tag.true);
    if (value === false) return this.byte(Tag.false);
    if (typeof value === "number" || typeof value === "bigint") return this.#int(value);
    if (typeof value === "string") return this.#text(value);
    if (value instanceof Uint8Array) return this.#bytesValue(value);
    if (Array.isArray(value)) return this.#tuple(value, depth);
    if (value instanceof PyFloat) return this.byte(Tag.float).#double(value.value);
    if (value instanceof PyComplex) return this.byte(Tag.complex).#double(value.real).#double(value.imaginary);
    if (value instanceof PySlice) return this.byte(Tag.slice).#tuple([value.start, value.stop, value.step], depth + 1);
    if (value instanceof PyFrozenSet) return this.byte(Tag.frozenset).#tuple(value.members, depth + 1);
    if (value === PyEllipsis) return this.byte(Tag.ellipsis);
    if (value === PyNotImplemented) return this.byte(Tag.notImplemented);
    throw new TypeError(`Value of type "${typeof value}" has no brine form`);
  }

  byte(byte: number): this {
    this.#grow(1);
    this.#bytes[this.#length++] = byte;
    return this;
  }

  /** Bytes that already are brine, such as an id-pack that must go back exactly as it came. */
  raw(bytes: Uint8Array): this {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Starts a tuple; the caller writes exactly `count` values after it. */
  tupleHeader(count: number): this {
    if (count === 0) return this.byte(Tag.tuple0);
    if (count <= 4) return this.byte(Tag.tuple1 + count - 1);
    if (count <= 0xff) return this.byte(Tag.tupleShort).byte(count);
    return this.byte(Tag.tupleLong).#uint32(count);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #tuple(items: readonly BrineValue[], depth: number): this {
    this.tupleHeader(items.length);
    for (const item of items) this.value(item, depth + 1);
    return this;
  }

  #int(value: number | bigint): this {
    if (typeof value === "number" && (!Number.isSafeInteger(value) || Object.is(value, -0))) {
      throw new TypeError(`Number ${Object.is(value, -0) ? "-0" : value} is no exact int: use PyFloat or a bigint`);
    }
    if (value >= SMALL_INT_MIN && value <= SMALL_INT_MAX) return this.byte(Number(value) + SMALL_INT_BIAS);
    const text = value.toString();
    const digits = value < 0 ? text.length - 1 : text.length;
    if (digits > MAX_INT_DIGITS) throw new RangeError(`Int of ${digits} digits, at most ${MAX_INT_DIGITS} are allowed`);
    if (text.length <= 0xff) this.byte(Tag.intShort).byte(text.length);
    else this.byte(Tag.intLong).#uint32(text.length);
    return this.raw(encoder.encode(text));
  }

  #text(text: string): this {
    // TextEncoder would silently write U+FFFD instead.
    if (!text.isWellFormed()) throw new TypeError("Text with a lone surrogate has no UTF-8 form");
    return this.byte(Tag.text).#bytesValue(encoder.encode(text));
  }

  #bytesValue(bytes: Uint8Array): this {
    const { length } = bytes;
    if (length === 0) return this.byte(Tag.bytes0);
    if (length <= 4) this.byte(Tag.bytes1 + length - 1);
    else if (length <= 0xff) this.byte(Tag.bytesShort).byte(length);
    else this.byte(Tag.bytesLong).#uint32(length);
    return this.raw(bytes);
  }

  #double(value: number): this {
    this.#grow(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value);
    this.#length += 8;
    return this;
  }

  #uint32(value: number): this {
    this.#grow(4);
    new DataView(this.#bytes.buffer).setUint32(this.#length, value);
    this.#length += 4;
    return this;
  }

  #grow(extra: number): void {
    const needed = this.#length + extra;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

export function encodeBrine(value: BrineValue): Uint8Array {
  return new BrineWriter().value(value).finish();
}
