// The proxy itself: a cut that does not cut would make every run with it prove nothing.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { until } from "../../support/stack.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

describe("the loopback proxy", () => {
  let server: Server;
  let proxy: TcpProxy;
  let heard = "";

  before(async () => {
    // Says back what it hears.
    server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        heard += chunk;
        socket.write(chunk);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    proxy = await startTcpProxy({ host: "127.0.0.1", port: address.port });
  });
  after(async () => {
    await proxy.stop();
    server.close();
    await once(server, "close");
  });

  async function caller(): Promise<{ socket: Socket; said: () => string; ended: () => boolean }> {
    const socket = connect({ host: proxy.host, port: proxy.port });
    let text = "";
    let isEnded = false;
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      isEnded = true;
    });
    await once(socket, "connect");
    socket.write("hello");
    await until("it is connected", async () => text === "hello");
    return { socket, said: () => text, ended: () => isEnded };
  }

  it("lets through what is not cut", async () => {
    proxy.takeHits();
    const { socket } = await caller();
    assert.equal(proxy.takeHits(), 0);
    socket.destroy();
  });

  for (const [direction, reaches] of [
    ["up", false],
    ["down", true],
  ] as const) {
    it(`swallows what goes ${direction}, keeps the connection silently, and can only reset it afterwards`, async () => {
      const { socket, said, ended } = await caller();
      heard = "";
      proxy.treat("drop", direction);
      socket.write("lost");
      await until("the chunk is swallowed", async () => proxy.takeHits() > 0);
      assert.deepEqual([heard, said(), ended()], [reaches ? "lost" : "", "hello", false]);
      proxy.heal();
      await until("the connection is reset", async () => ended());
    });
  }

  it("holds what goes up and lets it go later, in order, also when the caller has gone meanwhile", async () => {
    const { socket } = await caller();
    heard = "";
    proxy.treat("hold", "up");
    socket.write("one ");
    await until("the first is held", async () => proxy.takeHits() > 0);
    socket.write("two");
    await until("the second is held", async () => proxy.takeHits() > 0);
    socket.destroy();
    await once(socket, "close");
    assert.equal(heard, "");
    proxy.heal();
    await until("what was held has arrived", async () => heard === "one two");
  });

  it("resets every connection, and takes new ones", async () => {
    const { ended } = await caller();
    proxy.reset();
    await until("the connection is reset", async () => ended());
    assert.equal(proxy.takeHits(), 1);
    (await caller()).socket.destroy();
  });
});
