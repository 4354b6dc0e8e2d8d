// Reads brine values from bytes: a cursor that trusts nothing, neither lengths nor nesting nor text. Pure.
import { SMALL_INT_BIAS, SMALL_INT_MAX, SMALL_INT_MIN, Tag } from "./brine-tags.ts";
import { ProtocolViolation } from "./errors.ts";
import { MAX_INT_DIGITS, MAX_MESSAGE_ITEMS, MAX_VALUE_DEPTH } from "./limits.ts";
import {
  type BrineValue,
  PyComplex,
  PyEllipsis,
  PyFloat,
  PyFrozenSet,
  PyNotImplemented,
  PySlice,
} from "./python-values.ts";

/** Without `ignoreBOM` a text that starts with U+FEFF would lose it; with `fatal` no byte is replaced silently. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const DECIMAL = /^-?[0-9]+$/;

export class BrineReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;
  #items = 0;

  constructor(bytes: Uint8Array) {
    // A Buffer's own `slice` is a view, a Uint8Array's is the copy that the values need.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Reads one value in whatever form it was written. Throws `ProtocolViolation`; keeps no view of the input. */
  value(depth = 0): BrineValue {
    this.enter(depth);
    const tag = this.byte();
    const small = tag - SMALL_INT_BIAS;
    if (small >= SMALL_INT_MIN && small <= SMALL_INT_MAX) return small;
    switch (tag) {
      case Tag.none:
        return null;
      case Tag.true:
        return true;
      case Tag.false:
        return false;
      case Tag.notImplemented:
        return PyNotImplemented;
      case Tag.ellipsis:
        return PyEllipsis;
      case Tag.text:
        return this.#text();
      case Tag.intShort:
        return this.#int(this.byte());
      case Tag.intLong:
        return this.#int(this.#uint32());
      case Tag.float:
        return new PyFloat(this.#double());
      case Tag.complex:
        return new PyComplex(this.#double(), this.#double());
      case Tag.slice: {
        const [start = null, stop = null, step = null] = this.#items3(depth);
        return new PySlice(start, stop, step);
      }
      case Tag.frozenset:
        return new PyFrozenSet(this.#tuple(this.#tupleCount(this.byte()), depth + 1));
    }
    if (isBytesTag(tag)) return this.#take(this.#bytesLength(tag)).slice();
    return this.#tuple(this.#tupleCount(tag), depth);
  }

  /** Counts one value or box against the limits; for readers of nested structures built on this one. */
  enter(depth: number): void {
    if (depth > MAX_VALUE_DEPTH) {
      throw new ProtocolViolation("too_large", `Value nested deeper than ${MAX_VALUE_DEPTH} levels`);
    }
    if (++this.#items > MAX_MESSAGE_ITEMS) {
      throw new ProtocolViolation("too_large", `More than ${MAX_MESSAGE_ITEMS} values in one message`);
    }
  }

  /** Reads the header of a tuple and says how many values follow. */
  tupleHeader(): number {
    return this.#tupleCount(this.byte());
  }

  /** Reads the header of a tuple that must have exactly `count` items. */
  expectTuple(count: number, what: string): void {
    const found = this.tupleHeader();
    if (found !== count) throw malformed(`${what} has ${found} items instead of ${count}`);
  }

  /** Reads one value together with its bytes as they were sent (a copy), for sending it back unchanged. */
  valueWithBytes(): { value: BrineValue; raw: Uint8Array } {
    const start = this.#position;
    const value = this.value();
    return { value, raw: this.#bytes.slice(start, this.#position) };
  }

  byte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw truncated();
    this.#position += 1;
    return byte;
  }

  expectEnd(): void {
    const left = this.#remaining();
    if (left > 0) throw malformed(`${left} bytes left over after the value`);
  }

  #tuple(count: number, depth: number): BrineValue[] {
    const items: BrineValue[] = [];
    for (let i = 0; i < count; i += 1) items.push(this.value(depth + 1));
    return items;
  }

  #items3(depth: number): BrineValue[] {
    this.expectTuple(3, "Slice");
    return this.#tuple(3, depth + 1);
  }

  #tupleCount(tag: number): number {
    if (tag === Tag.tuple0) return 0;
    if (tag >= Tag.tuple1 && tag <= Tag.tuple4) return tag - Tag.tuple1 + 1;
    if (tag !== Tag.tupleShort && tag !== Tag.tupleLong) {
      throw malformed(`Unexpected tag 0x${tag.toString(16).padStart(2, "0")}`);
    }
    const count = tag === Tag.tupleShort ? this.byte() : this.#uint32();
    // Every item takes a byte or more, so a larger count is a lie: say so before looping over it.
    if (count > this.#remaining()) throw truncated();
    return count;
  }

  #bytesLength(tag: number): number {
    if (tag === Tag.bytes0) return 0;
    if (tag <= Tag.bytes4) return tag - Tag.bytes1 + 1;
    return tag === Tag.bytesShort ? this.byte() : this.#uint32();
  }

  #text(): string {
    const tag = this.byte();
    if (!isBytesTag(tag)) throw malformed("Text without its bytes");
    const bytes = this.#take(this.#bytesLength(tag));
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      throw new ProtocolViolation("malformed", "Text is not valid UTF-8", { cause });
    }
  }

  #int(length: number): number | bigint {
    if (length > MAX_INT_DIGITS + 1) {
      throw new ProtocolViolation(
        "too_large",
        `Int of ${length} characters, at most ${MAX_INT_DIGITS} digits are read`,
      );
    }
    const text = asciiOf(this.#take(length));
    if (!DECIMAL.test(text)) throw malformed("Int is not written as decimal digits");
    const near = Number(text);
    // Adding zero turns "-0" into 0.
    return Number.isSafeInteger(near) ? near + 0 : BigInt(text);
  }

  #double(): number {
    const at = this.#position;
    this.#take(8);
    return this.#view.getFloat64(at);
  }

  #uint32(): number {
    const at = this.#position;
    this.#take(4);
    return this.#view.getUint32(at);
  }

  #take(length: number): Uint8Array {
    if (length > this.#remaining()) throw truncated();
    const start = this.#position;
    this.#position += length;
    return this.#bytes.subarray(start, this.#position);
  }

  #remaining(): number {
    return this.#bytes.length - this.#position;
  }
}

/** Decodes exactly one value. Throws `ProtocolViolation` for anything else. */
export function decodeBrine(bytes: Uint8Array): BrineValue {
  const reader = new BrineReader(bytes);
  const value = reader.value();
  reader.expectEnd();
  return value;
}

function isBytesTag(tag: number): boolean {
  return tag === Tag.bytes0 || (tag >= Tag.bytes1 && tag <= Tag.bytesLong);
}

function asciiOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function truncated(): ProtocolViolation {
  return malformed("Value ends too early");
}

function malformed(message: string): ProtocolViolation {
  return new ProtocolViolation("malformed", message);
}
