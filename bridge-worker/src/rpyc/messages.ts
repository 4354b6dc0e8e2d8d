// Messages in both dialects. RPyC 5.x and 6.x differ in the first bytes of the payload and in nothing else. Pure.
import { type RpcValue, readBoxed, writeBoxed } from "./boxing.ts";
import { BrineReader } from "./brine-reader.ts";
import { BrineWriter } from "./brine-writer.ts";
import { ProtocolViolation } from "./errors.ts";
import type { BrineValue } from "./python-values.ts";
import { parseRemoteError, type RemoteError } from "./remote-error.ts";

/** `v5`: RPyC up to 5.3.1, brine of (type, seq, args). `v6`: from 6.0.0, one raw type byte, then brine of (seq, args). */
export type Dialect = "v5" | "v6";

/** Request numbers, the same in all covered versions. */
export const Handler = {
  ping: 1,
  close: 2,
  getRoot: 3,
  getAttr: 4,
  delAttr: 5,
  setAttr: 6,
  call: 7,
  callAttr: 8,
  repr: 9,
  str: 10,
  cmp: 11,
  hash: 12,
  dir: 13,
  pickle: 14,
  del: 15,
  inspect: 16,
  bufferIter: 17,
  oldSlicing: 18,
  contextExit: 19,
  instanceCheck: 20,
} as const;

export type HandlerName = keyof typeof Handler;

const Type = { request: 1, reply: 2, exception: 3 } as const;

/** The tag of a brine 3-tuple: how every v5 payload begins. */
const V5_FIRST_BYTE = 0x12;

export type Message =
  /** `seq` is whatever the peer chose, kept as raw brine so that the answer can echo it unchanged. */
  | { kind: "request"; seq: Uint8Array; handler: BrineValue }
  | { kind: "reply"; seq: BrineValue; value: RpcValue }
  | { kind: "exception"; seq: BrineValue; error: RemoteError };

/** Throws `TypeError` or `RangeError` for arguments that cannot be sent. `owner` is whose references may be used. */
export function encodeRequest(
  dialect: Dialect,
  seq: number,
  handler: HandlerName,
  args: readonly RpcValue[],
  owner: object,
): Uint8Array {
  const writer = startMessage(dialect, Type.request).value(seq).tupleHeader(2).value(Handler[handler]);
  writeBoxed(writer, args, owner);
  return writer.finish();
}

/** The answer to a request of the peer; `seq` as {@link decodeMessage} gave it. */
export function encodeReply(dialect: Dialect, seq: Uint8Array, value: BrineValue): Uint8Array {
  const writer = startMessage(dialect, Type.reply).raw(seq);
  writeBoxed(writer, value, writer);
  return writer.finish();
}

/** The refusal of a request of the peer, raised in its process as that built-in exception. */
export function encodeException(dialect: Dialect, seq: Uint8Array, className: string, message: string): Uint8Array {
  return startMessage(dialect, Type.exception)
    .raw(seq)
    .value([["builtins", className], [message], [], ""])
    .finish();
}

/** Which dialect a payload is in, by its first byte; undefined if it is neither. */
export function dialectOf(payload: Uint8Array): Dialect | undefined {
  const first = payload[0];
  if (first === V5_FIRST_BYTE) return "v5";
  return first === Type.request || first === Type.reply || first === Type.exception ? "v6" : undefined;
}

/** Throws `ProtocolViolation`; kind `foreign_dialect` if the payload is a message of the other dialect. */
export function decodeMessage(dialect: Dialect, payload: Uint8Array, owner: object): Message {
  checkDialect(dialect, payload);
  const reader = new BrineReader(payload);
  const type = dialect === "v6" ? reader.byte() : readV5Type(reader);
  if (dialect === "v6") reader.expectTuple(2, "Message");
  const message = readBody(type, reader, owner);
  reader.expectEnd();
  return message;
}

function startMessage(dialect: Dialect, type: number): BrineWriter {
  const writer = new BrineWriter();
  return dialect === "v5" ? writer.tupleHeader(3).value(type) : writer.byte(type).tupleHeader(2);
}

function checkDialect(dialect: Dialect, payload: Uint8Array): void {
  const found = dialectOf(payload);
  if (found === dialect) return;
  if (found !== undefined) {
    throw new ProtocolViolation("foreign_dialect", `Peer speaks dialect ${found}, this side speaks ${dialect}`);
  }
  if (payload.length === 0) throw new ProtocolViolation("malformed", "Empty message");
  throw new ProtocolViolation(
    "thread_binding",
    "Message starts with neither dialect's first byte: is RPYC_BIND_THREADS set on the server? It must be unset",
  );
}

function readV5Type(reader: BrineReader): BrineValue {
  reader.expectTuple(3, "Message");
  return reader.value();
}

function readBody(type: BrineValue, reader: BrineReader, owner: object): Message {
  const { value: seq, raw } = reader.valueWithBytes();
  switch (type) {
    case Type.request: {
      reader.expectTuple(2, "Request");
      const handler = reader.value();
      // Arguments are decoded only to be sure that the bytes are sound: no request is ever carried out here.
      reader.value();
      return { kind: "request", seq: raw, handler };
    }
    case Type.reply:
      return { kind: "reply", seq, value: readBoxed(reader, owner) };
    case Type.exception:
      return { kind: "exception", seq, error: parseRemoteError(reader.value()) };
    default:
      throw new ProtocolViolation("malformed", "Message of an unknown type");
  }
}
