// The connection over a hand-written transport: matching of replies, every way to end, and what each leaves behind.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeBrine } from "./brine-writer.ts";
import type { ByteTransport, TransportEvents } from "./byte-transport.ts";
import { RpcClient } from "./client.ts";
import { Connection } from "./connection.ts";
import { ConnectionLost, type LossKind, ProtocolViolation, RpcTimeout } from "./errors.ts";
import { encodeFrame } from "./framing.ts";
import { MAX_PENDING_CALLS, MAX_TIMEOUT_MS } from "./limits.ts";
import type { BrineValue } from "./python-values.ts";
import { RemoteError } from "./remote-error.ts";
import { RemoteRef } from "./remote-ref.ts";
import { F, ROOT } from "./testdata/frame-vectors.ts";

/** Remembers what was written, as hex payloads, and how it ended; plays the peer in the v6 dialect. */
class FakeTransport implements ByteTransport {
  readonly log: string[] = [];
  #events: TransportEvents | undefined;

  start(events: TransportEvents): void {
    this.#events = events;
  }

  write(bytes: Uint8Array): void {
    this.log.push(Buffer.from(bytes).subarray(5, -1).toString("hex"));
  }

  end(): void {
    this.log.push("end");
  }

  reset(): void {
    this.log.push("reset");
  }

  receive(...payloads: Uint8Array[]): void {
    this.#events?.data(Buffer.concat(payloads.map(encodeFrame)));
  }

  raw(hex: string): void {
    this.#events?.data(Buffer.from(hex, "hex"));
  }

  lose(error?: Error): void {
    this.#events?.closed(error);
  }
}

const message = (type: number, seq: BrineValue, body: BrineValue): Uint8Array =>
  Buffer.concat([Buffer.of(type), encodeBrine([seq, body])]);
const reply = (seq: BrineValue, value: BrineValue): Uint8Array => message(2, seq, [1, value]);
const CLOSE = Buffer.from("0111501152115102", "hex");

function open(dialect: "v5" | "v6" = "v6"): { transport: FakeTransport; connection: Connection } {
  const transport = new FakeTransport();
  return { transport, connection: new Connection(transport, dialect) };
}

const lost = (kind: LossKind) => (error: unknown) => error instanceof ConnectionLost && error.kind === kind;

describe("Connection replies", () => {
  it("match by number, also out of order and in one chunk", async () => {
    const { transport, connection } = open();
    const calls = [connection.request("ping", [], 1000), connection.request("ping", [], 1000)];
    transport.receive(reply(1, "second"), reply(0, "first"));
    assert.deepStrictEqual(await Promise.all(calls), ["first", "second"]);
    assert.equal(connection.requestsSent, 2);
  });

  it("with a number nobody waits for are ignored", async () => {
    const { transport, connection } = open();
    const call = connection.request("ping", [], 1000);
    transport.receive(reply(7, 1), reply("x", 1), message(3, 8, 1), reply(0, "mine"), reply(0, "again"));
    assert.equal(await call, "mine");
    assert.equal(connection.isEnded, false);
  });

  it("that are exceptions reject and leave the connection usable", async () => {
    const { transport, connection } = open();
    const call = connection.request("ping", [], 1000);
    transport.receive(message(3, 0, [["builtins", "KeyError"], [1], [], "tb"]));
    await assert.rejects(call, RemoteError);
    const next = connection.request("ping", [], 1000);
    transport.receive(reply(1, 2));
    assert.equal(await next, 2);
  });
});

describe("Connection arguments", () => {
  it("that cannot be sent reject, send nothing and leave no waiter", async () => {
    const { transport, connection } = open();
    await assert.rejects(connection.request("ping", [1.5], 1000), TypeError);
    await assert.rejects(connection.request("ping", ["\ud800"], 1000), TypeError);
    for (const timeout of [0, -1, Number.NaN, MAX_TIMEOUT_MS + 1]) {
      await assert.rejects(connection.request("ping", [], timeout), RangeError);
    }
    assert.deepStrictEqual([transport.log, connection.requestsSent], [[], 0]);
    const call = connection.request("ping", [], MAX_TIMEOUT_MS);
    transport.receive(reply(0, null));
    await call;
  });

  it("are refused when too many calls wait, without harm to those", async () => {
    const { connection } = open();
    const calls = Array.from({ length: MAX_PENDING_CALLS }, () => connection.request("ping", [], undefined));
    await assert.rejects(connection.request("ping", [], undefined), RangeError);
    connection.reset();
    const results = await Promise.allSettled(calls);
    assert.ok(results.every((result) => result.status === "rejected" && lost("closed_here")(result.reason)));
  });
});

describe("Connection end", () => {
  it("by a CLOSE of a 6.x server: answered with None, all waiting calls fail, the rest of the chunk is not read", async () => {
    const { transport, connection } = open();
    const calls = [connection.request("ping", [], 1000), connection.request("ping", [], undefined)];
    transport.receive(CLOSE, reply(0, 1));
    for (const call of calls) await assert.rejects(call, lost("closed_by_peer"));
    assert.deepStrictEqual(transport.log.slice(2), ["021150115100", "end"]);
    assert.ok(lost("closed_by_peer")(await connection.closed));
  });

  it("by a CLOSE of a 5.x server: ended without an answer", async () => {
    const { transport, connection } = open("v5");
    const call = connection.request("ping", [], 1000);
    transport.raw("000000080012515011521151020a");
    await assert.rejects(call, lost("closed_by_peer"));
    assert.deepStrictEqual(transport.log.slice(1), ["end"]);
  });

  it("by time-out: that call gets RpcTimeout, the others ConnectionLost, the socket is reset", async () => {
    const { transport, connection } = open();
    const slow = connection.request("ping", [], 5);
    const queued = connection.request("ping", [], 10_000);
    await assert.rejects(slow, (error) => error instanceof RpcTimeout && lost("timeout")(error));
    await assert.rejects(queued, (error) => lost("lost")(error) && !(error instanceof RpcTimeout));
    assert.equal(transport.log.at(-1), "reset");
    assert.ok((await connection.closed) instanceof RpcTimeout);
    transport.receive(reply(0, "too late"));
  });

  it("by the end of the stream or a socket error: waiting calls fail with the cause", async () => {
    for (const [error, kind] of [
      [undefined, "lost"],
      [new Error("read ECONNRESET"), "lost"],
      [Object.assign(new Error("alert"), { code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" }), "tls"],
    ] as const) {
      const { transport, connection } = open();
      const call = connection.request("ping", [], 1000);
      transport.lose(error);
      await assert.rejects(call, (reason: Error) => lost(kind)(reason) && reason.cause === error);
      assert.ok(lost(kind)(await connection.closed));
    }
  });

  it("by a TLS error after the first reply is a loss like any other: the call may have run", async () => {
    const { transport, connection } = open();
    const first = connection.request("ping", [], 1000);
    transport.receive(reply(0, 1));
    await first;
    const call = connection.request("ping", [], 1000);
    transport.lose(Object.assign(new Error("bad record"), { code: "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC" }));
    await assert.rejects(call, lost("lost"));
  });

  it("in the middle of a frame says so", async () => {
    const { transport, connection } = open();
    const call = connection.request("ping", [], 1000);
    transport.raw("0000000600021150");
    transport.lose();
    await assert.rejects(call, /in the middle of a frame/);
  });

  it("by bytes that are no RPyC: waiting calls get the violation, the socket is reset", async () => {
    for (const hex of ["00000001005000", "ffffffff00", "0000000100500a", "000000010150500a", "00000003000211500a"]) {
      const { transport, connection } = open();
      const call = connection.request("ping", [], 1000);
      transport.raw(hex);
      await assert.rejects(call, ProtocolViolation, hex);
      assert.equal(transport.log.at(-1), "reset");
      assert.ok((await connection.closed) instanceof ProtocolViolation);
    }
  });

  it("by close(): CLOSE is sent, waiting calls fail, the reason is undefined", async () => {
    const { transport, connection } = open();
    const call = connection.request("ping", [], 1000);
    connection.close();
    connection.close();
    await assert.rejects(call, lost("closed_here"));
    assert.deepStrictEqual([transport.log.length, transport.log.at(-1)], [3, "end"]);
    assert.match(transport.log[1] ?? "", /^0111.*1152115102$/);
    assert.equal(await connection.closed, undefined);
  });

  it("by reset(): nothing more is sent", async () => {
    const { transport, connection } = open();
    connection.reset();
    connection.reset();
    assert.deepStrictEqual(transport.log, ["reset"]);
    assert.equal(await connection.closed, undefined);
  });

  it("is final: later calls are not sent, and say so with the cause", async () => {
    const { transport, connection } = open();
    transport.lose();
    const reason = await connection.closed;
    await assert.rejects(connection.request("ping", [], 1000), (error: Error) => {
      return lost("not_sent")(error) && error.cause === reason;
    });
    transport.receive(CLOSE);
    transport.lose();
    connection.fail(new Error("no effect"));
    assert.deepStrictEqual(transport.log, ["reset"]);
  });
});

describe("Connection requests of the peer", () => {
  it("are refused with an exception, so that the server does not wait", () => {
    const { transport, connection } = open();
    transport.receive(message(1, "odd", [7, [1, []]]));
    const expected = message(3, "odd", [["builtins", "AttributeError"], ["not supported"], [], ""]);
    assert.deepStrictEqual(transport.log, [Buffer.from(expected).toString("hex")]);
    assert.equal(connection.isEnded, false);
  });
});

describe("RpcClient", () => {
  function client(): { transport: FakeTransport; rpc: RpcClient; fn: RemoteRef } {
    const { transport, connection } = open();
    const ref = (id: BrineValue): RemoteRef => new RemoteRef("x", encodeBrine(id), connection);
    return { transport, rpc: new RpcClient(connection, ref(ROOT)), fn: ref(F) };
  }

  it("ends the connection when a ping is answered with something else", async () => {
    const { transport, rpc } = client();
    const ping = rpc.ping(1000);
    transport.receive(reply(0, "pong"));
    await assert.rejects(ping, ProtocolViolation);
    assert.ok((await rpc.closed) instanceof ProtocolViolation);
  });

  it("release() sends one DEL, once, and makes the reference unusable at once", async () => {
    const { transport, rpc, fn } = client();
    const released = rpc.release(fn);
    await rpc.release(fn);
    await assert.rejects(rpc.call(fn, [], 1000), TypeError);
    assert.equal(transport.log.length, 1);
    transport.receive(reply(0, null));
    await released;
  });

  it("release() refuses a reference of another connection and leaves it usable there", async () => {
    const { transport, rpc } = client();
    const other = client();
    await assert.rejects(rpc.release(other.fn), TypeError);
    assert.deepStrictEqual([transport.log, other.fn.isReleased], [[], false]);
  });

  it("release() takes a KeyError for released, but not a lost connection", async () => {
    const { transport, rpc, fn } = client();
    const released = rpc.release(fn);
    transport.receive(message(3, 0, [["builtins", "KeyError"], [1], [], ""]));
    await released;
    const other = client();
    const failing = other.rpc.release(other.fn);
    other.rpc.reset();
    await assert.rejects(failing, lost("closed_here"));
  });

  it("counts the requests it sent", async () => {
    const { rpc, fn } = client();
    const calls = [rpc.execute("x", 1000), rpc.evaluate("x", 1000), rpc.getAttribute(fn, "x", 1000), rpc.ping(1000)];
    assert.equal(rpc.roundTrips, 4);
    rpc.close();
    await Promise.allSettled(calls);
    assert.equal(rpc.roundTrips, 4);
  });
});
