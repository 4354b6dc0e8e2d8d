// Python values that JavaScript has no type for, and the union of everything that travels by value. Pure.

/** A Python float. Explicit, because JavaScript cannot tell `1` from `1.0` and Python treats them differently. */
export class PyFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }

  toJSON(): number {
    return this.value;
  }
}

export class PyComplex {
  readonly real: number;
  readonly imaginary: number;

  constructor(real: number, imaginary: number) {
    this.real = real;
    this.imaginary = imaginary;
  }
}

export class PySlice {
  readonly start: BrineValue;
  readonly stop: BrineValue;
  readonly step: BrineValue;

  constructor(start: BrineValue, stop: BrineValue, step: BrineValue) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/** A Python frozenset; the order of the members says nothing. */
export class PyFrozenSet {
  readonly members: readonly BrineValue[];

  constructor(members: readonly BrineValue[]) {
    this.members = members;
  }
}

/** A Python constant without a JavaScript counterpart; exactly two exist: the constants below. */
export class PyConstant {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export const PyEllipsis = new PyConstant("Ellipsis");
export const PyNotImplemented = new PyConstant("NotImplemented");

/**
 * What RPyC copies: None (`null`), bool, int (`number` when safe, else `bigint`), float, complex, str, bytes
 * (`Uint8Array`), tuple (array), slice, frozenset and two constants. Anything else travels as a reference.
 */
export type BrineValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyFloat
  | PyComplex
  | PySlice
  | PyFrozenSet
  | PyConstant
  | readonly BrineValue[];
