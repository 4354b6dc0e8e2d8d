// Boxing: every argument list and every result is a pair (label, value) that says whether data or a reference follows. Pure.
import type { BrineReader } from "./brine-reader.ts";
import type { BrineWriter } from "./brine-writer.ts";
import { ProtocolViolation } from "./errors.ts";
import { MAX_VALUE_DEPTH } from "./limits.ts";
import type { BrineValue } from "./python-values.ts";
import { RemoteRef } from "./remote-ref.ts";

/** What a call takes and gives: data, references, and tuples that mix them. */
export type RpcValue = BrineValue | RemoteRef | readonly RpcValue[];

const Label = {
  value: 1,
  tuple: 2,
  /** An object of the receiver: how we name an object that the server gave us. */
  localRef: 3,
  /** An object of the sender: how the server hands one out. */
  remoteRef: 4,
} as const;

/** Throws `TypeError` or `RangeError` as the writer does, and `TypeError` for a reference of another connection. */
export function writeBoxed(writer: BrineWriter, value: RpcValue, owner: object, depth = 0): void {
  if (depth > MAX_VALUE_DEPTH) throw new RangeError(`Value nested deeper than ${MAX_VALUE_DEPTH} levels`);
  writer.tupleHeader(2);
  if (value instanceof RemoteRef) {
    writer.value(Label.localRef).raw(value.idPackFor(owner));
  } else if (isPlain(value, depth)) {
    writer.value(Label.value).value(value, depth);
  } else {
    writer.value(Label.tuple).tupleHeader(value.length);
    for (const item of value) writeBoxed(writer, item, owner, depth + 1);
  }
}

/** Throws `ProtocolViolation`. References in the value belong to `owner`. */
export function readBoxed(reader: BrineReader, owner: object, depth = 0): RpcValue {
  reader.enter(depth);
  reader.expectTuple(2, "Box");
  const label = reader.value(depth);
  switch (label) {
    case Label.value:
      return reader.value(depth);
    case Label.tuple: {
      const items: RpcValue[] = [];
      for (let left = reader.tupleHeader(); left > 0; left -= 1) items.push(readBoxed(reader, owner, depth + 1));
      return items;
    }
    case Label.remoteRef:
      return readReference(reader, owner);
    case Label.localRef:
      throw new ProtocolViolation("malformed", "Peer names an object of this side, which never gave one away");
    default:
      throw new ProtocolViolation("malformed", "Box with an unknown label");
  }
}

function readReference(reader: BrineReader, owner: object): RemoteRef {
  const { value, raw } = reader.valueWithBytes();
  const typeName = Array.isArray(value) && value.length === 3 ? value[0] : undefined;
  if (typeof typeName !== "string") throw new ProtocolViolation("malformed", "Id-pack is no (name, int, int)");
  return new RemoteRef(typeName, raw, owner);
}

function isPlain(value: Exclude<RpcValue, RemoteRef>, depth: number): value is BrineValue {
  return !Array.isArray(value) || !containsReference(value, depth);
}

function containsReference(items: readonly RpcValue[], depth: number): boolean {
  if (depth > MAX_VALUE_DEPTH) throw new RangeError(`Value nested deeper than ${MAX_VALUE_DEPTH} levels`);
  return items.some((item) => item instanceof RemoteRef || (Array.isArray(item) && containsReference(item, depth + 1)));
}
