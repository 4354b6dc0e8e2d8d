// The first byte of every brine value: one table for reader and writer. Identical in RPyC 5.2.3 to 6.0.2. Pure.

export const Tag = {
  none: 0x00,
  bytes0: 0x01,
  tuple0: 0x02,
  true: 0x03,
  false: 0x04,
  notImplemented: 0x05,
  ellipsis: 0x06,
  /** Followed by a complete bytes value holding UTF-8. 0x09 was Python 2's long and is never written any more. */
  text: 0x08,
  /** 0x0a to 0x0d: bytes of length 1 to 4. */
  bytes1: 0x0a,
  bytes4: 0x0d,
  bytesShort: 0x0e,
  bytesLong: 0x0f,
  /** 0x10 to 0x13: tuples of 1 to 4 items. */
  tuple1: 0x10,
  tuple4: 0x13,
  tupleShort: 0x14,
  tupleLong: 0x15,
  /** Length, then ASCII decimal digits. */
  intShort: 0x16,
  intLong: 0x17,
  float: 0x18,
  slice: 0x19,
  frozenset: 0x1a,
  complex: 0x1b,
} as const;

/** Ints from -48 to 159 are one byte: the value plus this. */
export const SMALL_INT_BIAS = 0x50;
export const SMALL_INT_MIN = -48;
export const SMALL_INT_MAX = 159;
