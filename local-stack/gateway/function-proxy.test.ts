// The proxy with real sockets: streaming both ways, the body limit at its edge, upstreams that fail in each way.
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { FUNCTION_BODY_MAX_BYTES, proxyToFunction } from "./function-proxy.ts";

async function listening(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

async function withProxy(upstream: RequestListener, work: (port: number) => Promise<void>): Promise<void> {
  const inner = await listening(upstream);
  const outer = await listening((request, response) => {
    void proxyToFunction(request, response, request.url ?? "/", { name: "api", port: inner.port });
  });
  try {
    await work(outer.port);
  } finally {
    for (const { server } of [outer, inner]) {
      server.closeAllConnections();
      server.close();
    }
  }
}

async function post(port: number, size: number, path = "/api/x"): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    body: Buffer.alloc(size, "x"),
    headers: { connection: "close" },
  });
  return { status: response.status, body: await response.text() };
}

const countBytes: RequestListener = (request, response) => {
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
  });
  request.on("end", () => response.end(String(size)));
};

test("proxyToFunction() passes a body of the limit and refuses one byte more", () =>
  withProxy(countBytes, async (port) => {
    assert.deepEqual(await post(port, FUNCTION_BODY_MAX_BYTES), { status: 200, body: String(FUNCTION_BODY_MAX_BYTES) });
    assert.equal((await post(port, FUNCTION_BODY_MAX_BYTES + 1)).status, 413);
  }));

test("proxyToFunction() counts a body that does not say its length", () =>
  withProxy(countBytes, async (port) => {
    const chunks = {
      async *[Symbol.asyncIterator]() {
        for (let sent = 0; sent <= FUNCTION_BODY_MAX_BYTES; sent += 1024 * 1024) yield Buffer.alloc(1024 * 1024);
      },
    };
    const response = await fetch(`http://127.0.0.1:${port}/api/x`, {
      method: "POST",
      body: ReadableStream.from(chunks),
      duplex: "half",
      headers: { connection: "close" },
    } as RequestInit);
    assert.equal(response.status, 413);
    await response.text();
  }));

test("proxyToFunction() hands the first bytes of an answer on before the last are there", () => {
  let finish = (): void => undefined;
  return withProxy(
    (_request, response) => {
      response.write("first");
      finish = () => response.end("last");
    },
    async (port) => {
      const request = httpRequest({ host: "127.0.0.1", port, path: "/api/x", agent: false }).end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      const ended = once(response, "end");
      const [chunk] = (await once(response, "data")) as [Buffer];
      assert.equal(chunk.toString(), "first");
      finish();
      const [rest] = (await once(response, "data")) as [Buffer];
      assert.equal(rest.toString(), "last");
      await ended;
    },
  );
});

test("proxyToFunction() answers 502 when the function hangs up, and is readable from a browser", () =>
  withProxy(
    (request) => request.socket.destroy(),
    async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/api/x`, { headers: { connection: "close" } });
      assert.equal(response.status, 502);
      assert.equal(response.headers.get("access-control-allow-origin"), "*");
      await response.text();
    },
  ));

test("proxyToFunction() cuts an answer that the function did not finish", () =>
  withProxy(
    (_request, response) => {
      response.writeHead(200, { "content-length": "10" });
      response.write("half");
      setImmediate(() => response.destroy());
    },
    async (port) => {
      await assert.rejects(post(port, 1));
    },
  ));

test("proxyToFunction() ends the function's request when the caller goes away", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  await withProxy(
    (request) => {
      arrive();
      request.once("close", () => resolve());
    },
    async (port) => {
      const request = httpRequest({ host: "127.0.0.1", port, path: "/api/x", agent: false }).end();
      request.on("error", () => undefined);
      await arrived;
      request.destroy();
      await aborted;
    },
  );
});
