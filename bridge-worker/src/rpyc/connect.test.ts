// Opening a connection: what the caller hears when the other side is not what it should be, and that nothing stays open.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { ConnectionLost, type LossKind, ProtocolViolation, RpcTimeout, type ViolationKind } from "./errors.ts";
import { connectRpc, type RpcEndpoint } from "./mod.ts";
import { frameVectors } from "./testdata/frame-vectors.ts";

const lost = (kind: LossKind) => (error: unknown) => error instanceof ConnectionLost && error.kind === kind;
const violation = (kind: ViolationKind) => (error: unknown) =>
  error instanceof ProtocolViolation && error.kind === kind;

function frame(name: string, dialect: "v5" | "v6"): Buffer {
  const found = frameVectors.find((vector) => vector.name === name && vector.dialect === dialect);
  assert.ok(found);
  return Buffer.from(found.hex, "hex");
}

const servers: Server[] = [];

/** A scripted server: `onConnection` gets each socket and its number, from 0. */
async function serve(onConnection: (socket: Socket, index: number) => void): Promise<RpcEndpoint> {
  let connections = 0;
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    onConnection(socket, connections);
    connections += 1;
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return { host: "127.0.0.1", port: address.port };
}

const LIMIT = { handshakeTimeoutMs: 5000 };

describe("connectRpc()", () => {
  after(async () => {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  });

  it("says that a silent server is silent, and what the usual cause is", async () => {
    const sockets: Socket[] = [];
    const endpoint = await serve((socket) => sockets.push(socket.resume()));
    const failure = connectRpc(endpoint, { handshakeTimeoutMs: 30 });
    await assert.rejects(
      failure,
      (error: Error) => error instanceof RpcTimeout && /may expect TLS/.test(error.message),
    );
    const secure = connectRpc({ ...endpoint, tls: {} }, { handshakeTimeoutMs: 30 });
    await assert.rejects(secure, (error: Error) => error instanceof RpcTimeout && /may be plain/.test(error.message));
    await Promise.all(sockets.map((socket) => socket.closed || once(socket, "close")));
  });

  it("limits both attempts together", async () => {
    const endpoint = await serve((socket, index) => {
      if (index === 0) socket.end(frame("CLOSE request of the server, seq 0", "v5"));
      else socket.resume();
    });
    await assert.rejects(connectRpc(endpoint, { handshakeTimeoutMs: 60 }), RpcTimeout);
  });

  it("refuses a time-out that no timer can keep", async () => {
    for (const handshakeTimeoutMs of [0, Number.NaN, 2 ** 31]) {
      await assert.rejects(connectRpc({ host: "127.0.0.1", port: 1 }, { handshakeTimeoutMs }), RangeError);
    }
  });

  it("tells a refused connection from a lost one", async () => {
    const endpoint = await serve((socket) => socket.destroy());
    await assert.rejects(connectRpc(endpoint, LIMIT), (error: Error) => {
      return lost("lost")(error) && /not an RPyC server, or one that expects TLS/.test(error.message);
    });
    const server = servers.pop();
    await new Promise((resolve) => server?.close(resolve));
    await assert.rejects(connectRpc(endpoint, LIMIT), lost("unreachable"));
  });

  it("does not take another service for RPyC", async () => {
    const endpoint = await serve((socket) => socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await assert.rejects(connectRpc(endpoint, LIMIT), violation("too_large"));
  });

  it("asks in v5 when the v6 question is answered by a reset only", async () => {
    const endpoint = await serve((socket, index) => {
      socket.once("data", () => {
        if (index === 0) socket.resetAndDestroy();
        else socket.end(frame("GETROOT reply (ROOT)", "v5"));
      });
    });
    const rpc = await connectRpc(endpoint, LIMIT);
    assert.equal(rpc.dialect, "v5");
    assert.ok(lost("lost")(await rpc.closed));
  });

  it("does not ask in another dialect than the pinned one", async () => {
    let connections = 0;
    const endpoint = await serve((socket) => {
      connections += 1;
      socket.resume().write(frame("CLOSE request of the server, seq 0", "v6"));
    });
    await assert.rejects(connectRpc({ ...endpoint, dialect: "v5" }, LIMIT), violation("foreign_dialect"));
    await assert.rejects(connectRpc({ ...endpoint, dialect: "v6" }, LIMIT), lost("closed_by_peer"));
    assert.equal(connections, 2);
  });

  it("refuses a root that is no object", async () => {
    const answer = Buffer.from("0000000600021150115100".concat("0a"), "hex");
    const endpoint = await serve((socket) => socket.resume().write(answer));
    await assert.rejects(connectRpc(endpoint, LIMIT), violation("malformed"));
  });

  it("stops with the reason of the signal, before and during the handshake", async () => {
    const endpoint = await serve((socket) => socket.once("data", () => controller.abort(reason)));
    const controller = new AbortController();
    const reason = new Error("shutting down");
    const isReason = (error: unknown): boolean => error === reason;
    await assert.rejects(connectRpc(endpoint, { ...LIMIT, signal: controller.signal }), isReason);
    await assert.rejects(connectRpc(endpoint, { ...LIMIT, signal: controller.signal }), isReason);
  });

  it("is not ended by a signal that fires after it stood", async () => {
    const controller = new AbortController();
    const endpoint = await serve((socket) => {
      socket.once("data", () => {
        socket.write(frame("GETROOT reply (ROOT)", "v6"));
        socket.once("data", () => socket.write(Buffer.from("0000000600021151115151".concat("0a"), "hex")));
      });
    });
    const rpc = await connectRpc(endpoint, { ...LIMIT, signal: controller.signal });
    controller.abort();
    // The scripted answer is the number of requests before it: 1.
    await rpc.ping(1000);
    rpc.reset();
  });

  it("reads a reply that arrives together with the end of the stream", async () => {
    const endpoint = await serve((socket) => {
      socket.once("data", () => socket.end(frame("GETROOT reply (ROOT)", "v6")));
    });
    const rpc = await connectRpc(endpoint, LIMIT);
    assert.ok(lost("lost")(await rpc.closed));
    await assert.rejects(rpc.ping(1000), lost("not_sent"));
  });

  it("close() gives a peer that no longer reads two seconds, then resets", async () => {
    const accepted = Promise.withResolvers<Socket>();
    const endpoint = await serve((socket) => {
      socket.once("data", () => {
        socket.pause().write(frame("GETROOT reply (ROOT)", "v6"));
        accepted.resolve(socket);
      });
    });
    const rpc = await connectRpc(endpoint, LIMIT);
    const unread = rpc.evaluate("x".repeat(32 * 1024 * 1024), 60_000);
    rpc.close();
    await assert.rejects(unread, lost("closed_here"));
    const socket = await accepted.promise;
    const failed = once(socket, "error");
    socket.write("x");
    // The reset shows up as a failed write: nothing is read on this side.
    const writing = setInterval(() => socket.write("x"), 50);
    await failed.finally(() => clearInterval(writing));
  });
});
