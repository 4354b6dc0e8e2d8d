// The client against Python's own RPyC server: directly (5.x), through a proxy that makes it look like 6.x, and over TLS.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type DialectProxy, startDialectProxy } from "../../../tests/support/dialect-proxy.ts";
import { requirePython } from "../../../tests/support/python.ts";
import { type RpycServer, startRpycServer } from "../../../tests/support/rpyc-server.ts";
import { makeTlsCertificate, type TlsCertificate } from "../../../tests/support/tls-certificate.ts";
import {
  ConnectionLost,
  connectRpc,
  type LossKind,
  ProtocolViolation,
  PyFloat,
  RemoteError,
  RemoteRef,
  type RpcConnection,
  type RpcEndpoint,
  RpcTimeout,
} from "./mod.ts";

const skip = requirePython() ?? false;
const LIMIT = { handshakeTimeoutMs: 10_000 };
const MS = 10_000;

/** A module that outlives connections: tests look from one connection at what another one did. */
const SETUP = `
import socket, sys, threading, types, weakref
from rpyc.core.protocol import Connection
TCP_ESTABLISHED = 1
probe = types.ModuleType("probe")
sys.modules["probe"] = probe

class Gate:
    def __init__(self):
        self.log, self.go, self.started, self.thread = [], threading.Event(), threading.Event(), None

    def slow(self):
        self.thread = threading.current_thread()
        frame = sys._getframe()
        while not isinstance(frame.f_locals.get("self"), Connection):
            frame = frame.f_back
        self.socket = frame.f_locals["self"]._channel.stream.sock
        self.started.set()
        self.go.wait(20)
        self.log.append("slow")

    def quick(self):
        self.log.append("quick")

    def peer_has_ended(self):
        # Only Linux tells. Elsewhere we go on at once: on loopback the end is there long before the next request.
        if not hasattr(socket, "TCP_INFO"):
            return True
        return self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != TCP_ESTABLISHED

    def finish(self):
        self.go.set()
        self.thread.join(20)
        return tuple(self.log), self.thread.is_alive()

class Thing:
    live = weakref.WeakSet()
    def __init__(self):
        Thing.live.add(self)

class Refused(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.code = 10027

def refuse():
    secret = "hunter2"
    raise Refused("no")

probe.gates, probe.Thing, probe.refuse, probe.Gate = {}, Thing, refuse, Gate
`;

const lost = (kind: LossKind) => (error: unknown) => error instanceof ConnectionLost && error.kind === kind;

/** Asks again and again until the answer is true, and fails when that takes too long. */
async function until(isTrue: () => unknown): Promise<void> {
  const deadline = performance.now() + MS;
  while ((await isTrue()) !== true) {
    assert.ok(performance.now() < deadline, "waited too long");
    await pause(5);
  }
}

type Way = { name: string; dialect: "v5" | "v6"; endpoint: RpcEndpoint };

describe("a real RPyC server", { skip }, () => {
  let server: RpycServer;
  let tlsServer: RpycServer;
  let proxy: DialectProxy;
  let certificate: TlsCertificate;
  const ways: Record<string, Way> = {};

  before(async () => {
    certificate = makeTlsCertificate();
    [server, tlsServer] = await Promise.all([
      startRpycServer({ setup: SETUP }),
      startRpycServer({ setup: SETUP, tls: certificate }),
    ]);
    proxy = await startDialectProxy(server);
    const tls = { ca: certificate.cert };
    ways.direct = { name: "direct", dialect: "v5", endpoint: { host: server.host, port: server.port } };
    ways.v6 = { name: "v6", dialect: "v6", endpoint: { host: proxy.host, port: proxy.port } };
    ways.tls = { name: "tls", dialect: "v5", endpoint: { host: tlsServer.host, port: tlsServer.port, tls } };
  });

  after(async () => {
    await Promise.all([server?.stop(), tlsServer?.stop(), proxy?.stop()]);
    certificate?.remove();
  });

  for (const name of ["direct", "v6", "tls"]) {
    describe(name, () => {
      const open: RpcConnection[] = [];
      const connect = async (): Promise<RpcConnection> => {
        const way = ways[name];
        assert.ok(way);
        const rpc = await connectRpc(way.endpoint, LIMIT);
        assert.equal(rpc.dialect, way.dialect);
        open.push(rpc);
        return rpc;
      };
      let rpc: RpcConnection;

      before(async () => {
        rpc = await connect();
      });
      after(() => {
        for (const connection of open) connection.reset();
      });

      it("gives every kind of value as it is", async () => {
        const source = "(None, True, -5, 1.0, 1e308, 'é€日本😀\\0', b'\\x00\\xff', (), (1, ('x',)))";
        assert.deepStrictEqual(await rpc.evaluate(source, MS), [
          null,
          true,
          -5,
          new PyFloat(1),
          new PyFloat(1e308),
          "é€日本😀\0",
          Uint8Array.of(0, 0xff),
          [],
          [1, ["x"]],
        ]);
      });

      it("gives ints beyond 2^53 digit by digit, and floats that are no number", async () => {
        const value = await rpc.evaluate("(2**53 - 1, 2**53, -2**64, 10**300, float('nan'), -float('inf'))", MS);
        assert.deepStrictEqual(value, [
          2 ** 53 - 1,
          2n ** 53n,
          -(2n ** 64n),
          10n ** 300n,
          new PyFloat(Number.NaN),
          new PyFloat(Number.NEGATIVE_INFINITY),
        ]);
      });

      it("takes arguments of every kind and gives them back", async () => {
        await rpc.execute("def echo(*args): return args", MS);
        const echo = await rpc.evaluate("echo", MS);
        assert.ok(echo instanceof RemoteRef);
        const args = [null, 1, 2n ** 70n, new PyFloat(2), "日本 😀", Uint8Array.of(1), [[], ["x"]]];
        assert.deepStrictEqual(await rpc.call(echo, args, MS), args);
        const [mirrored] = (await rpc.call(echo, [echo], MS)) as RemoteRef[];
        assert.ok(mirrored instanceof RemoteRef);
        assert.equal(await rpc.call(echo, [], MS).then((value) => (value as unknown[]).length), 0);
      });

      it("answers a call with one request, and reads attributes by reference", async () => {
        const complex = await rpc.evaluate("__import__('collections').namedtuple('P', 'x y')(1.5, 'b')", MS);
        assert.ok(complex instanceof RemoteRef);
        const sentBefore = rpc.roundTrips;
        assert.deepStrictEqual(await rpc.getAttribute(complex, "x", MS), new PyFloat(1.5));
        assert.equal(await rpc.getAttribute(complex, "y", MS), "b");
        const methods = (await rpc.inspect(complex, MS)) as [string, unknown][];
        assert.ok(methods.some(([name]) => name === "_asdict"));
        await rpc.ping(MS);
        assert.equal(rpc.roundTrips, sentBefore + 4);
      });

      it("gives 5 MB, compressed and incompressible", async () => {
        assert.equal(await rpc.evaluate("'z' * 5_000_000", MS), "z".repeat(5_000_000));
        const random = await rpc.evaluate("__import__('random').Random(1).randbytes(5_000_000)", MS);
        assert.ok(random instanceof Uint8Array);
        const { createHash } = await import("node:crypto");
        const expected = await rpc.evaluate(
          "__import__('hashlib').sha256(__import__('random').Random(1).randbytes(5_000_000)).hexdigest()",
          MS,
        );
        assert.equal(createHash("sha256").update(random).digest("hex"), expected);
      });

      it("turns an exception into a RemoteError with its attributes and without its traceback in sight", async () => {
        const error: unknown = await rpc.evaluate("__import__('probe').refuse()", MS).catch((reason) => reason);
        assert.ok(error instanceof RemoteError);
        assert.deepStrictEqual([error.module, error.className, error.args], ["__setup__", "Refused", ["no"]]);
        assert.equal(error.attributes.code, 10027);
        assert.match(error.traceback, /refuse/);
        assert.doesNotMatch(error.message + JSON.stringify(error), /Traceback|line \d/);
        await rpc.ping(MS);
      });

      it("survives SyntaxError and SystemExit in evaluated code", async () => {
        await assert.rejects(rpc.execute("a b", MS), (error) => {
          return error instanceof RemoteError && error.className === "SyntaxError" && error.attributes.lineno === 1;
        });
        await assert.rejects(rpc.evaluate("__import__('sys').exit(3)", MS), RemoteError);
        await rpc.ping(MS);
      });

      it("loses the connection, at once, when the server cannot encode a reply", async () => {
        const doomed = await connect();
        const reply = doomed.evaluate("'\\ud800'", MS);
        const queued = doomed.ping(MS);
        await assert.rejects(reply, ConnectionLost);
        await assert.rejects(queued, ConnectionLost);
        assert.ok((await doomed.closed) instanceof ConnectionLost);
      });

      it("forgets an object on release", async () => {
        const count = "len(__import__('probe').Thing.live)";
        const thing = await rpc.evaluate("__import__('probe').Thing()", MS);
        assert.ok(thing instanceof RemoteRef);
        assert.equal(await rpc.evaluate(count, MS), 1);
        await rpc.release(thing);
        assert.equal(await rpc.evaluate(count, MS), 0);
      });

      /** Two calls in the socket, the first one running; then `end` ends the connection. What has run afterwards? */
      async function ranAfter(end: (first: RpcConnection) => void, timeoutMs: number): Promise<unknown> {
        const gate = "__import__('probe').gates['g']";
        await rpc.execute("import probe; probe.gates['g'] = probe.Gate()", MS);
        const first = await connect();
        const calls = [first.evaluate(`${gate}.slow()`, timeoutMs), first.evaluate(`${gate}.quick()`, MS)];
        const settled = Promise.allSettled(calls);
        assert.equal(await rpc.evaluate(`${gate}.started.wait(10)`, MS), true);
        end(first);
        const [slow, quick] = await settled;
        assert.ok(slow?.status === "rejected" && slow.reason instanceof ConnectionLost);
        assert.ok(quick?.status === "rejected" && lost(timeoutMs < MS ? "lost" : "closed_here")(quick.reason));
        if (timeoutMs < MS) assert.ok(slow.reason instanceof RpcTimeout);
        // The running call may go on only when the end has arrived over there.
        await until(() => rpc.evaluate(`${gate}.peer_has_ended()`, MS));
        return rpc.evaluate(`${gate}.finish()`, MS);
      }

      it("does not carry out a call queued behind one that timed out", async () => {
        assert.deepStrictEqual(await ranAfter(() => {}, 500), [["slow"], false]);
      });

      it("does not carry out a call queued before reset()", async () => {
        assert.deepStrictEqual(await ranAfter((first) => first.reset(), MS), [["slow"], false]);
      });

      it("does carry out what was sent before close()", async () => {
        assert.deepStrictEqual(await ranAfter((first) => first.close(), MS), [["slow", "quick"], false]);
      });
    });
  }

  it("of version 6 gets its CLOSE answered", async () => {
    const way = ways.v6;
    assert.ok(way);
    const answered = proxy.closeAnswers;
    const rpc = await connectRpc(way.endpoint, LIMIT);
    await assert.rejects(rpc.evaluate("'\\ud800'", MS), lost("closed_by_peer"));
    await until(() => proxy.closeAnswers === answered + 1);
  });

  it("of the other version than the pinned one is refused", async () => {
    const foreign = (error: unknown): boolean => error instanceof ProtocolViolation && error.kind === "foreign_dialect";
    assert.ok(ways.direct && ways.v6);
    await assert.rejects(connectRpc({ ...ways.direct.endpoint, dialect: "v6" }, LIMIT), foreign);
    await assert.rejects(connectRpc({ ...ways.v6.endpoint, dialect: "v5" }, LIMIT), foreign);
    const pinned = await connectRpc({ ...ways.direct.endpoint, dialect: "v5" }, LIMIT);
    pinned.close();
    assert.equal(await pinned.closed, undefined);
  });

  it("killed during a call fails the call", async () => {
    const doomed = await startRpycServer({ setup: SETUP });
    const rpc = await connectRpc({ host: doomed.host, port: doomed.port }, LIMIT);
    await rpc.execute("import probe; probe.gates['g'] = probe.Gate()", MS);
    const other = await connectRpc({ host: doomed.host, port: doomed.port }, LIMIT);
    const call = rpc.evaluate("probe.gates['g'].slow()", MS);
    const rejected = assert.rejects(call, lost("lost"));
    await other.evaluate("__import__('probe').gates['g'].started.wait(10)", MS);
    await doomed.kill();
    await rejected;
    assert.ok(lost("lost")(await rpc.closed) && lost("lost")(await other.closed));
    await assert.rejects(rpc.ping(MS), lost("not_sent"));
  });

  it("with TLS drops a plain client, which is told so", async () => {
    const endpoint = { host: tlsServer.host, port: tlsServer.port };
    await assert.rejects(connectRpc(endpoint, LIMIT), (error: Error) => {
      return lost("lost")(error) && /expects TLS/.test(error.message);
    });
  });

  it("without TLS leaves a TLS client waiting, which gives up and names the cause", async () => {
    const endpoint = { host: server.host, port: server.port, tls: { ca: certificate.cert } };
    await assert.rejects(connectRpc(endpoint, { handshakeTimeoutMs: 300 }), (error: Error) => {
      return error instanceof RpcTimeout && /port may be plain/.test(error.message);
    });
  });

  it("with a certificate of an unknown authority or another name is refused", async () => {
    const endpoint = { host: tlsServer.host, port: tlsServer.port };
    await assert.rejects(connectRpc({ ...endpoint, tls: {} }, LIMIT), lost("tls"));
    const tls = { ca: certificate.cert, servername: "elsewhere.example" };
    await assert.rejects(connectRpc({ ...endpoint, tls }, LIMIT), lost("tls"));
    const unchecked = await connectRpc({ ...endpoint, tls: { rejectUnauthorized: false } }, LIMIT);
    unchecked.reset();
  });

  it("that demands a client certificate gets one, or the refusal is told as one of TLS", async () => {
    const { certFile, keyFile, cert, key } = certificate;
    const strict = await startRpycServer({ tls: { certFile, keyFile, caFile: certFile } });
    try {
      const endpoint = { host: strict.host, port: strict.port };
      const rpc = await connectRpc({ ...endpoint, tls: { ca: cert, cert, key } }, LIMIT);
      await rpc.ping(MS);
      rpc.reset();
      await assert.rejects(connectRpc({ ...endpoint, tls: { ca: cert } }, LIMIT), lost("tls"));
    } finally {
      await strict.stop();
    }
  });
});
