// Messages, boxing and exceptions against the recorded frames of both dialects, both directions, and malformed ones.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RpcValue } from "./boxing.ts";
import { decodeBrine } from "./brine-reader.ts";
import { encodeBrine } from "./brine-writer.ts";
import { ProtocolViolation, type ViolationKind } from "./errors.ts";
import { inflatePayload } from "./inflate.ts";
import { MAX_VALUE_DEPTH } from "./limits.ts";
import {
  type Dialect,
  decodeMessage,
  dialectOf,
  encodeException,
  encodeReply,
  encodeRequest,
  Handler,
  type HandlerName,
  type Message,
} from "./messages.ts";
import type { BrineValue } from "./python-values.ts";
import { RemoteError } from "./remote-error.ts";
import { RemoteRef } from "./remote-ref.ts";
import { F, type FrameVector, frameVectors, ROOT } from "./testdata/frame-vectors.ts";

const owner = {};
const root = new RemoteRef(ROOT[0], encodeBrine(ROOT), owner);
const fn = new RemoteRef(F[0], encodeBrine(F), owner);
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const violation = (kind: ViolationKind) => (error: unknown) =>
  error instanceof ProtocolViolation && error.kind === kind;

function payloadOf({ hex }: FrameVector): Uint8Array {
  const frame = Buffer.from(hex, "hex");
  const payload = frame.subarray(5, -1);
  return frame[4] === 0 ? payload : inflatePayload(payload);
}

function vectorsNamed(name: string): FrameVector[] {
  const found = frameVectors.filter((vector) => vector.name === name);
  assert.deepStrictEqual(found.map(({ dialect }) => dialect).sort(), ["v5", "v6"], name);
  return found;
}

/** A message as the peer would write it. */
function payload(dialect: Dialect, type: number, seq: BrineValue, body: BrineValue): Uint8Array {
  if (dialect === "v5") return encodeBrine([type, seq, body]);
  return Buffer.concat([Buffer.of(type), encodeBrine([seq, body])]);
}

describe("frames of the real library", () => {
  it("are 19 in each dialect", () => assert.equal(frameVectors.length, 38));

  for (const vector of frameVectors) {
    it(`as plain brine: ${vector.name} (${vector.dialect})`, () => {
      const bytes = payloadOf(vector);
      const { dialect, type, seq, body } = vector;
      assert.deepStrictEqual(
        dialect === "v5" ? decodeBrine(bytes) : [bytes[0], ...(decodeBrine(bytes.subarray(1)) as BrineValue[])],
        [type, seq, body],
      );
      assert.equal(toHex(payload(dialect, type, seq, body)), toHex(bytes));
      assert.equal(dialectOf(bytes), dialect);
    });
    it(`cut short anywhere: ${vector.name} (${vector.dialect})`, () => {
      const bytes = payloadOf(vector).subarray(0, 200);
      const end = payloadOf(vector).length;
      for (let length = 0; length < Math.min(bytes.length, end); length += 1) {
        assert.throws(() => decodeMessage(vector.dialect, bytes.subarray(0, length), owner), violation("malformed"));
      }
    });
  }
});

describe("encodeRequest()", () => {
  const requests: [string, number, HandlerName, RpcValue[]][] = [
    ["GETROOT request, seq 0", 0, "getRoot", []],
    ['execute("x=1") via CALLATTR, seq 1', 1, "callAttr", [root, "execute", ["x=1"], []]],
    ['eval("f") via CALLATTR, seq 2', 2, "callAttr", [root, "eval", ["f"], []]],
    ['f("{}") via CALL, seq 3', 3, "call", [fn, ["{}"], []]],
    ["f(1, b=9) via CALL, seq 160", 160, "call", [fn, [1], [["b", 9]]]],
    ['PING "abc", seq 4', 4, "ping", ["abc"]],
    ["DEL F count 1, seq 5", 5, "del", [fn, 1]],
    ["CLOSE request, seq 9", 9, "close", []],
  ];
  for (const [name, seq, handler, args] of requests) {
    for (const vector of vectorsNamed(name)) {
      it(`writes ${name} (${vector.dialect})`, () => {
        assert.equal(toHex(encodeRequest(vector.dialect, seq, handler, args, owner)), toHex(payloadOf(vector)));
      });
    }
  }

  it("boxes a tuple with a reference inside item by item", () => {
    const bytes = encodeRequest("v6", 0, "call", [fn, [1, [root]], []], owner);
    const boxedArgs = [
      2,
      [
        [1, 1],
        [2, [[3, ROOT]]],
      ],
    ] as const;
    assert.deepStrictEqual(decodeBrine(bytes.subarray(1)), [0, [7, [2, [[3, F], boxedArgs, [1, []]]]]]);
  });

  it("refuses a reference of another connection and a released one", () => {
    const foreign = new RemoteRef(F[0], encodeBrine(F), {});
    assert.throws(() => encodeRequest("v6", 0, "call", [foreign, [], []], owner), TypeError);
    const released = new RemoteRef(F[0], encodeBrine(F), owner);
    released.markReleased();
    assert.throws(() => encodeRequest("v6", 0, "call", [released, [], []], owner), TypeError);
  });

  it("refuses arguments with references nested too deep", () => {
    const nested = (levels: number): RpcValue[] => {
      let value: RpcValue[] = [fn];
      for (let i = 1; i < levels; i += 1) value = [value];
      return value;
    };
    assert.ok(encodeRequest("v6", 0, "ping", nested(MAX_VALUE_DEPTH), owner));
    assert.throws(() => encodeRequest("v6", 0, "ping", nested(MAX_VALUE_DEPTH + 1), owner), RangeError);
  });
});

describe("decodeMessage()", () => {
  const replies: [string, number, RpcValue][] = [
    ["GETROOT reply (ROOT)", 0, root],
    ["execute reply None, seq 1", 1, null],
    ["reply reference F", 2, fn],
    ['reply "[]"', 3, "[]"],
    ["PING reply", 4, "abc"],
    ["DEL reply None, seq 5", 5, null],
    ['compressed reply "z" * 4000, seq 10', 10, "z".repeat(4000)],
  ];
  for (const [name, seq, value] of replies) {
    for (const vector of vectorsNamed(name)) {
      it(`reads ${name} (${vector.dialect})`, () => {
        const message = decodeMessage(vector.dialect, payloadOf(vector), owner);
        assert.deepStrictEqual(message, { kind: "reply", seq, value });
        if (!(value instanceof RemoteRef)) return;
        assert.ok(message.kind === "reply" && message.value instanceof RemoteRef);
        assert.deepStrictEqual(message.value.idPackFor(owner), value.idPackFor(owner));
      });
    }
  }

  for (const vector of vectorsNamed("reply (1, <list>, (3, <dict>)), seq 8")) {
    it(`reads a reply that mixes values and references (${vector.dialect})`, () => {
      const message = decodeMessage(vector.dialect, payloadOf(vector), owner);
      assert.ok(message.kind === "reply" && Array.isArray(message.value));
      const [one, list, [three, dict]] = message.value;
      assert.deepStrictEqual([one, three], [1, 3]);
      assert.equal(toHex(list.idPackFor(owner)), toHex(encodeBrine(["builtins.list", 1000, 2000])));
      assert.equal(toHex(dict.idPackFor(owner)), toHex(encodeBrine(["builtins.dict", 1001, 2001])));
    });
  }

  for (const vector of vectorsNamed("EXCEPTION KeyError(99), seq 6")) {
    it(`reads an exception (${vector.dialect})`, () => {
      const message = decodeMessage(vector.dialect, payloadOf(vector), owner);
      assert.ok(message.kind === "exception");
      const { error } = message;
      assert.deepStrictEqual([message.seq, error.module, error.className], [6, "builtins", "KeyError"]);
      assert.deepStrictEqual([error.message, error.args, error.traceback], ["KeyError: 99", [99], "tb\n"]);
      assert.equal(error.attributes._remote_version, vector.dialect === "v5" ? "5.3.1" : "6.0.2");
    });
  }

  for (const vector of vectorsNamed("EXCEPTION StopIteration, seq 7")) {
    it(`reads the short form of StopIteration (${vector.dialect})`, () => {
      const message = decodeMessage(vector.dialect, payloadOf(vector), owner);
      assert.ok(message.kind === "exception" && message.error.className === "StopIteration");
    });
  }

  for (const vector of vectorsNamed("CLOSE request of the server, seq 0")) {
    it(`reads a request of the server (${vector.dialect})`, () => {
      const message = decodeMessage(vector.dialect, payloadOf(vector), owner);
      assert.deepStrictEqual(message, { kind: "request", seq: Uint8Array.of(0x50), handler: Handler.close });
    });
  }

  it("keeps the number of a peer's request as raw bytes, whatever it is", () => {
    const message = decodeMessage("v6", payload("v6", 1, "odd", [Handler.ping, [1, []]]), owner);
    assert.ok(message.kind === "request");
    assert.deepStrictEqual(message.seq, encodeBrine("odd"));
  });

  it("tells the other dialect from garbage", () => {
    assert.throws(() => decodeMessage("v6", payload("v5", 2, 0, [1, null]), owner), violation("foreign_dialect"));
    assert.throws(() => decodeMessage("v5", payload("v6", 2, 0, [1, null]), owner), violation("foreign_dialect"));
  });

  it("names RPYC_BIND_THREADS when thread ids stand in front of the message", () => {
    const bound = Buffer.concat([Buffer.alloc(16), payload("v6", 2, 0, [1, null])]);
    for (const dialect of ["v5", "v6"] as const) {
      assert.throws(() => decodeMessage(dialect, bound, owner), violation("thread_binding"));
      assert.throws(() => decodeMessage(dialect, bound, owner), /RPYC_BIND_THREADS/);
    }
  });

  const malformed: [string, Uint8Array][] = [
    ["an empty payload", new Uint8Array(0)],
    ["a v5 message of an unknown type", payload("v5", 4, 0, [1, null])],
    ["a message with bytes after it", Buffer.concat([payload("v5", 2, 0, [1, null]), Buffer.of(0)])],
    ["a reply that is no box", payload("v5", 2, 0, null)],
    ["a box with an unknown label", payload("v5", 2, 0, [5, null])],
    ["a box with a label that is no int", payload("v5", 2, 0, ["1", null])],
    ["a boxed tuple that is no tuple", payload("v5", 2, 0, [2, 7])],
    ["a reference to an object of this side", payload("v5", 2, 0, [3, F])],
    ["an id-pack that is no tuple", payload("v5", 2, 0, [4, 1])],
    ["an id-pack without a name", payload("v5", 2, 0, [4, [1, 2, 3]])],
    ["an id-pack of two", payload("v5", 2, 0, [4, ["a", 2]])],
    ["a request without arguments", payload("v5", 1, 0, [2])],
    ["an exception that is None", payload("v5", 3, 0, null)],
    ["an exception without a traceback", payload("v5", 3, 0, [["a", "b"], [], []])],
    ["an exception without a class name", payload("v5", 3, 0, [["a"], [], [], ""])],
    ["an exception whose class name is an int", payload("v5", 3, 0, [["a", 1], [], [], ""])],
    ["an exception whose arguments are no tuple", payload("v5", 3, 0, [["a", "b"], 1, [], ""])],
    ["an exception with half an attribute", payload("v5", 3, 0, [["a", "b"], [], [["x"]], ""])],
    ["an exception with an unnamed attribute", payload("v5", 3, 0, [["a", "b"], [], [[1, 2]], ""])],
  ];
  for (const [name, bytes] of malformed) {
    it(`refuses ${name}`, () => assert.throws(() => decodeMessage("v5", bytes, owner), violation("malformed")));
  }

  it("reads boxes nested to the limit and not deeper", () => {
    // Written by hand, since the writer has the same limit and every box takes two of its levels.
    const bytes = (levels: number): Uint8Array => Buffer.from(`021150${"115210".repeat(levels)}115150`, "hex");
    assert.ok(decodeMessage("v6", bytes(MAX_VALUE_DEPTH), owner));
    assert.throws(() => decodeMessage("v6", bytes(MAX_VALUE_DEPTH + 1), owner), violation("too_large"));
  });
});

describe("answers to the peer", () => {
  it("reply None to a CLOSE, as a 6.x server expects it", () => {
    assert.equal(toHex(encodeReply("v6", Uint8Array.of(0x50), null)), "021150115100");
    assert.equal(toHex(encodeReply("v5", encodeBrine("odd"), null)), `1252${toHex(encodeBrine("odd"))}115100`);
  });

  for (const dialect of ["v5", "v6"] as const) {
    it(`refuse with an exception that reads back (${dialect})`, () => {
      const bytes = encodeException(dialect, encodeBrine(3), "AttributeError", "not supported");
      const message: Message = decodeMessage(dialect, bytes, owner);
      assert.ok(message.kind === "exception" && message.seq === 3);
      assert.equal(message.error.message, "AttributeError: not supported");
    });
  }
});

describe("RemoteError", () => {
  const secret = "File secret.py, line 1: password = 'x'";
  const error = new RemoteError({
    module: "builtins",
    className: "ValueError",
    args: ["bad", 2n ** 70n, [null, "x"]],
    attributes: { code: 10027, big: 2n ** 70n },
    traceback: secret,
  });

  it("says what Python said", () => {
    assert.equal(error.message, "ValueError: bad, 1180591620717411303424, (None, x)");
    assert.equal(error.attributes.code, 10027);
  });

  it("gives the traceback to who asks and to nothing else", async () => {
    const { inspect } = await import("node:util");
    assert.equal(error.traceback, secret);
    for (const text of [JSON.stringify(error), inspect(error, { depth: 9 }), String(error), error.stack ?? ""]) {
      assert.ok(!text.includes("password"), text);
    }
    assert.ok(!Object.keys({ ...error }).includes("traceback"));
    assert.equal(JSON.stringify(error), JSON.stringify(error.toJSON()));
  });

  it("shortens a long message and keeps the arguments whole", () => {
    const long = new RemoteError({
      module: "m",
      className: "E",
      args: ["y".repeat(501)],
      attributes: {},
      traceback: "",
    });
    assert.equal(long.message, `E: ${"y".repeat(500)}…`);
    assert.deepStrictEqual(long.args, ["y".repeat(501)]);
    const atLimit = new RemoteError({
      module: "m",
      className: "E",
      args: ["y".repeat(500)],
      attributes: {},
      traceback: "",
    });
    assert.equal(atLimit.message, `E: ${"y".repeat(500)}`);
  });
});
