// The door of the worker, with real sockets on loopback: who may come in, what ends a link, and that stopping leaves
// nothing open.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { connect as connectTcp } from "node:net";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { createLocalJWKSet } from "jose";
import { type ClientOptions, WebSocket } from "ws";
import { createSigners, ISSUER, keySet, MADE_AT_MS, nowS, type Signers } from "../../../tests/support/link-fixture.ts";
import { until } from "../../../tests/support/manual-clock.ts";
import {
  createWorkerFixture,
  overriding,
  WORKER_ID,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import {
  CLOCK_TOLERANCE_S,
  LINK_HEARTBEAT_MS,
  LINK_PATH,
  LINK_PROTOCOL,
  MAX_CALL_FRAME_BYTES,
  TICKET_PREFIX,
  WorkerFrame,
} from "../protocol.ts";
import { createFunctionKeys, type FunctionKeys } from "./function-keys.ts";
import { type LinkServer, startLinkServer } from "./server.ts";
import { verifyUserToken } from "./user-tokens.ts";

type Client = {
  socket: WebSocket;
  frames: WorkerFrame[];
  next: () => Promise<WorkerFrame>;
  closed: Promise<{ code: number; reason: string }>;
};

describe("startLinkServer", () => {
  let worker: WorkerFixture;
  let signers: Signers;
  let server: LinkServer;

  let unsubscribed: string[];

  beforeEach(async () => {
    worker = await createWorkerFixture();
    signers = await createSigners();
    unsubscribed = [];
    server = await start();
  });
  afterEach(async () => {
    await server.close();
    await worker.stop();
    mock.timers.reset();
  });

  type Verify = FunctionKeys["verifyTicket"];
  type Change = { maxLinks?: number; checking?: (verify: Verify) => Verify; version?: string };

  function start({ maxLinks, checking = (verify) => verify, version = "0" }: Change = {}): Promise<LinkServer> {
    const { sign, log, clock } = worker;
    const scheduler = overriding(worker.scheduler, {
      unsubscribe: (id, subscriber) => {
        worker.scheduler.unsubscribe(id, subscriber);
        unsubscribed.push(id);
      },
    });
    const keys = createLocalJWKSet(keySet(signers.userKey));
    const { bootId } = signers;
    const pinned = createFunctionKeys({ keys: [signers.linkKey.publicJwk], workerId: WORKER_ID, bootId });
    const functionKeys = { ...pinned, verifyTicket: checking(pinned.verifyTicket) };
    const userTokens = { verify: (token: string) => verifyUserToken(token, keys, ISSUER) };
    return startLinkServer({
      ...{ host: "127.0.0.1", port: 0, workerId: WORKER_ID, bootId, functionKeys, log },
      peer: {
        ...{
          proofs: { functionKeys, userTokens, now: () => MADE_AT_MS },
          scheduler,
          sign,
          log,
          confirmed: () => undefined,
        },
        health: () => ({ version, wall_ms: 1, terminals: scheduler.health(), in_flight: 0, plain_rpc: false }),
      },
      now: clock.now,
      wallClock: () => Date.now(),
      ...(maxLinks === undefined ? {} : { maxLinks }),
    });
  }

  const address = (path = LINK_PATH): string => `ws://127.0.0.1:${server.port}${path}`;

  async function dial(protocols: string[], options: ClientOptions = {}, path?: string): Promise<Client> {
    const socket = new WebSocket(address(path), protocols, options);
    const frames: WorkerFrame[] = [];
    const waiting: ((frame: WorkerFrame) => void)[] = [];
    socket.on("message", (data) => {
      const frame = WorkerFrame.parse(JSON.parse(String(data)));
      const waiter = waiting.shift();
      if (waiter === undefined) frames.push(frame);
      else waiter(frame);
    });
    const closed = once(socket, "close").then(([code, reason]) => ({ code: Number(code), reason: String(reason) }));
    await once(socket, "open");
    const next = (): Promise<WorkerFrame> => {
      const frame = frames.shift();
      return frame === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(frame);
    };
    return { socket, frames, next, closed };
  }

  async function connect(options?: ClientOptions): Promise<Client> {
    const client = await dial([LINK_PROTOCOL, TICKET_PREFIX + (await signers.ticket())], options);
    assert.equal((await client.next()).type, "welcome");
    return client;
  }

  /** HTTP status with which the upgrade is refused. */
  async function refusal(protocols: string[], options: ClientOptions = {}, path?: string): Promise<number> {
    const socket = new WebSocket(address(path), protocols, options);
    socket.on("error", () => undefined);
    const [, response] = await once(socket, "unexpected-response");
    socket.terminate();
    return (response as { statusCode: number }).statusCode;
  }

  async function get(path: string, method = "GET"): Promise<{ status: number | undefined; body: string }> {
    const call = request({ port: server.port, host: "127.0.0.1", path, method, agent: false }).end();
    const [response] = await once(call, "response");
    let body = "";
    for await (const part of response) body += String(part);
    return { status: (response as { statusCode?: number }).statusCode, body };
  }

  it("welcomes with the worker's id, its boot and its monotonic clock; our protocol is chosen, not the ticket", async () => {
    const ticket = TICKET_PREFIX + (await signers.ticket());
    for (const offer of [
      [LINK_PROTOCOL, ticket],
      [TICKET_PREFIX + (await signers.ticket()), LINK_PROTOCOL],
    ]) {
      const { socket, next } = await dial(offer);
      assert.equal(socket.protocol, LINK_PROTOCOL);
      assert.equal(socket.extensions, "");
      const now_ms = worker.clock.now();
      assert.deepEqual(await next(), { type: "welcome", worker_id: WORKER_ID, boot_id: signers.bootId, now_ms });
    }
  });

  it("a command travels through: acknowledged, executed, answered", async () => {
    const client = await connect();
    const call = worker.trade(await worker.actor());
    client.socket.send(JSON.stringify(await signers.commandFrame(call)));
    assert.deepEqual(await client.next(), { type: "ack", id: call.id, phase: "started" });
    const answer = await client.next();
    assert.ok(answer.type === "result");
    assert.equal((await worker.outcome(answer)).state, "done");
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("a ping is answered with health", async () => {
    const client = await connect();
    client.socket.send('{"type":"ping","t":5}');
    const pong = await client.next();
    assert.ok(pong.type === "pong");
    assert.deepEqual(
      [pong.t, pong.health.terminals],
      [5, [{ name: "sim-1", kind: "simulator", state: "disconnected", queued: 0 }]],
    );
  });

  it("a ticket opens one link: the second use is refused", async () => {
    const offer = [LINK_PROTOCOL, TICKET_PREFIX + (await signers.ticket())];
    await dial(offer);
    assert.equal(await refusal(offer), 401);
  });

  it("refuses everybody without a valid ticket of this worker: 401", async () => {
    const old = { iat: nowS() - 100, exp: nowS() - CLOCK_TOLERANCE_S - 1 };
    const tickets = await Promise.all([
      signers.ticket({ claims: old }),
      signers.ticket({ claims: { ...old, exp: nowS() + 3600 } }),
      signers.ticket({ claims: { aud: "worker-2" } }),
      signers.ticket({ claims: { iss: "someone" } }),
      signers.ticket({ claims: { jti: undefined } }),
      signers.ticket({ header: { typ: "JWT" } }),
      signers.ticket({ key: signers.userKey }),
      signers.ticket({ secret: JSON.stringify(signers.linkKey.publicJwk) }),
      Promise.resolve("nonsense"),
    ]);
    for (const ticket of tickets) assert.equal(await refusal([LINK_PROTOCOL, TICKET_PREFIX + ticket]), 401, ticket);
    assert.equal(await refusal([LINK_PROTOCOL]), 401);
    assert.equal(await refusal([]), 401);
    // Without our protocol beside it, a ticket is not even looked at, and so not used up.
    const ticket = TICKET_PREFIX + (await signers.ticket());
    assert.equal(await refusal([ticket]), 401);
    await dial([LINK_PROTOCOL, ticket]);
  });

  it("refuses a browser, which always sends an Origin: 403, and any other path: 404", async () => {
    const offer = [LINK_PROTOCOL, TICKET_PREFIX + (await signers.ticket())];
    assert.equal(await refusal(offer, { origin: "https://app.example" }), 403);
    assert.equal(await refusal(offer, {}, "/"), 404);
    assert.equal(await refusal(offer, {}, `${LINK_PATH}?x=1`), 404);
    await dial(offer);
  });

  it("no token or ticket is ever logged", async () => {
    const ticket = await signers.ticket({ claims: { aud: "worker-2" } });
    await refusal([LINK_PROTOCOL, TICKET_PREFIX + ticket]);
    assert.equal(
      worker.logged.some((line) => line.startsWith("link.refused")),
      true,
    );
    assert.equal(worker.logged.join().includes(ticket.slice(0, 20)), false);
  });

  it("a frame above the largest size ends the link with 1009 before it is read", async () => {
    const client = await connect();
    client.socket.send("x".repeat(MAX_CALL_FRAME_BYTES + 1));
    assert.equal((await client.closed).code, 1009);
  });

  it("a binary frame ends the link with 1003", async () => {
    const client = await connect();
    client.socket.send(Buffer.from('{"type":"ping","t":1}'));
    assert.equal((await client.closed).code, 1003);
    assert.deepEqual(client.frames, []);
  });

  it("garbage is answered with an error, then the link ends with 1008; the other links go on", async () => {
    const [garbler, other] = [await connect(), await connect()];
    garbler.socket.send("hello");
    const error = await garbler.next();
    assert.ok(error.type === "error");
    assert.equal(error.code, "bad_frame");
    assert.equal((await garbler.closed).code, 1008);
    other.socket.send('{"type":"ping","t":1}');
    assert.equal((await other.next()).type, "pong");
  });

  it("a heartbeat drops a peer that was silent for a whole interval, and keeps one that only answers pings", async () => {
    await server.close();
    mock.timers.enable({ apis: ["setInterval"] });
    server = await start();
    const [silent, polite] = [await connect({ autoPong: false }), await connect()];
    const pinged = Promise.all([silent, polite].map(({ socket }) => once(socket, "ping")));
    mock.timers.tick(LINK_HEARTBEAT_MS);
    await pinged;
    // Its own ping comes back after the server has seen the pong before it.
    polite.socket.ping();
    await once(polite.socket, "pong");
    mock.timers.tick(LINK_HEARTBEAT_MS);
    assert.equal((await silent.closed).code, 1006);
    polite.socket.send('{"type":"ping","t":1}');
    assert.equal((await polite.next()).type, "pong");
  });

  it("a peer that is gone is unsubscribed, and its command ends all the same", async () => {
    const client = await connect();
    const release = worker.holdNextSend();
    const call = worker.trade(await worker.actor());
    client.socket.send(JSON.stringify(await signers.commandFrame(call)));
    await client.next();
    client.socket.terminate();
    await until("it is unsubscribed", () => unsubscribed.includes(call.id));
    release();
    await worker.scheduler.drain();
    assert.equal(worker.journal.find(call.id)?.state, "final");
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("a peer that does not read is cut before its answers fill the memory, and its command ends all the same", async () => {
    await server.close();
    server = await start({ version: "0".repeat(1024 * 1024) });
    const client = await connect();
    const release = worker.holdNextSend();
    const call = worker.trade(await worker.actor());
    client.socket.send(JSON.stringify(await signers.commandFrame(call)));
    await client.next();
    client.socket.pause();
    // More than the limit and what the system holds on the way together.
    for (let t = 0; t < 64; t++) client.socket.send(`{"type":"ping","t":${t}}`);
    await until("it is cut", () => unsubscribed.includes(call.id));
    client.socket.resume();
    assert.equal((await client.closed).code, 1006);
    release();
    await worker.scheduler.drain();
    assert.equal(worker.journal.find(call.id)?.state, "final");
  });

  it("the last place is given once, also when two tickets are checked at the same time", async () => {
    await server.close();
    const bothChecked = Promise.withResolvers<void>();
    let checked = 0;
    server = await start({
      maxLinks: 1,
      checking: (verify) => async (ticket) => {
        const claims = await verify(ticket);
        checked += 1;
        if (checked === 2) bothChecked.resolve();
        await bothChecked.promise;
        return claims;
      },
    });
    const offers = [await signers.ticket(), await signers.ticket()].map((ticket) => [
      LINK_PROTOCOL,
      TICKET_PREFIX + ticket,
    ]);
    const answers = await Promise.all(
      offers.map(async (offer) => {
        const socket = new WebSocket(address(), offer);
        socket.on("error", () => undefined);
        const open = once(socket, "open").then(() => 101);
        const refused = once(socket, "unexpected-response").then(([, { statusCode }]) => Number(statusCode));
        const status = await Promise.race([open, refused]);
        if (status !== 101) socket.terminate();
        return status;
      }),
    );
    assert.deepEqual(answers.toSorted(), [101, 503]);
    assert.equal(await refusal([LINK_PROTOCOL, TICKET_PREFIX + (await signers.ticket())]), 503);
  });

  it("after stopAccepting new links get 503 and open ones go on", async () => {
    const client = await connect();
    server.stopAccepting();
    assert.equal(await refusal([LINK_PROTOCOL, TICKET_PREFIX + (await signers.ticket())]), 503);
    client.socket.send('{"type":"ping","t":1}');
    assert.equal((await client.next()).type, "pong");
  });

  it("close ends every link with 1001, and nobody is let in any more", async () => {
    const clients = [await connect(), await connect()];
    const { port } = server;
    await server.close();
    for (const { closed } of clients) assert.equal((await closed).code, 1001);
    const socket = new WebSocket(`ws://127.0.0.1:${port}${LINK_PATH}`);
    const [error] = await once(socket, "error");
    assert.equal((error as NodeJS.ErrnoException).code, "ECONNREFUSED");
  });

  it("close cuts a peer that never answers", async () => {
    const client = await connect();
    client.socket.pause();
    await server.close();
    client.socket.resume();
    await client.closed;
  });

  it("a refused peer that keeps its half of the connection open does not hold up the close", {
    timeout: 10_000,
  }, async (t) => {
    const socket = connectTcp({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.write(
      `GET ${LINK_PATH} HTTP/1.1\r\nHost: worker\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${"A".repeat(22)}==\r\n\r\n`,
    );
    const [answer] = await once(socket, "data");
    assert.match(String(answer), /^HTTP\/1\.1 401 /);
    await server.close();
  });

  it("a peer that does not finish its request within the time of an opening is cut", { timeout: 15_000 }, async (t) => {
    const socket = connectTcp({ port: server.port, host: "127.0.0.1" });
    t.after(() => socket.destroy());
    socket.write(`GET ${LINK_PATH} HTTP/1.1\r\n`);
    const [answer] = await once(socket, "data");
    assert.match(String(answer), /^HTTP\/1\.1 408 /);
    await once(socket, "close");
  });

  it("/healthz says who it is and nothing else; other requests are 404", async () => {
    const { status, body } = await get("/healthz");
    assert.deepEqual([status, JSON.parse(body)], [200, { ok: true, worker_id: WORKER_ID }]);
    assert.deepEqual(await get("/"), { status: 404, body: "{}" });
    assert.equal((await get("/healthz", "POST")).status, 404);
    assert.equal((await get(LINK_PATH)).status, 404);
  });

  it("an address that is taken is a rejection, not a crash", async () => {
    const { port } = server;
    const { log, clock } = worker;
    const functionKeys = createFunctionKeys({ keys: [], workerId: WORKER_ID, bootId: signers.bootId });
    const peer = {} as Parameters<typeof startLinkServer>[0]["peer"];
    const options = { host: "127.0.0.1", port, workerId: WORKER_ID, bootId: signers.bootId, functionKeys, peer, log };
    await assert.rejects(startLinkServer({ ...options, now: clock.now, wallClock: clock.wallClock }), /EADDRINUSE/);
  });
});
