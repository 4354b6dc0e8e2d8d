// The WebSocket server that functions call: upgrade by ticket, welcome, heartbeat, limits. The only file of the worker
// that listens.
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { describeError, type Log } from "../log.ts";
import {
  LINK_HEARTBEAT_MS,
  LINK_OPEN_TIMEOUT_MS,
  LINK_PATH,
  LINK_PROTOCOL,
  MAX_CALL_FRAME_BYTES,
  MAX_LINKS,
  TICKET_PREFIX,
} from "../protocol.ts";
import type { FunctionKeys } from "./function-keys.ts";
import { Peer, type PeerDeps } from "./peer.ts";
import { ticketOf, UsedTickets } from "./tickets.ts";

/** Bytes queued towards a peer that does not read; beyond it the link ends (the results stay in the journal). */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
const GOING_AWAY = 1001;
/** How often Node looks for connections that are too slow with their request: by itself, every 30 s. */
const SLOW_CHECK_MS = 1_000;

export type LinkServerOptions = {
  host: string;
  port: number;
  workerId: string;
  bootId: string;
  functionKeys: FunctionKeys;
  peer: PeerDeps;
  log: Log;
  /** Monotonic milliseconds: the clock that `welcome` tells and that deadlines are written in. */
  now: () => number;
  wallClock: () => number;
  /** MAX_LINKS if nothing is said. */
  maxLinks?: number;
};

export interface LinkServer {
  readonly port: number;
  /** Refuses new links; the open ones stay until `close`. */
  stopAccepting(): void;
  close(): Promise<void>;
}

/** Listens and resolves when it does; rejects when the address cannot be used. */
export async function startLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_CALL_FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(LINK_PROTOCOL) ? LINK_PROTOCOL : false),
  });
  const gate = new Gate(options, sockets);
  const http = createServer({ connectionsCheckingInterval: SLOW_CHECK_MS }, (request, response) => {
    const healthy = request.method === "GET" && request.url === "/healthz";
    response.writeHead(healthy ? 200 : 404, { "content-type": "application/json" });
    response.end(healthy ? JSON.stringify({ ok: true, worker_id: options.workerId }) : "{}");
  });
  http.requestTimeout = LINK_OPEN_TIMEOUT_MS;
  http.headersTimeout = LINK_OPEN_TIMEOUT_MS;
  http.on("upgrade", (request, socket, head) => void gate.upgrade(request, socket, head));
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(options.port, options.host, resolve);
  });
  const heartbeat = setInterval(() => gate.beat(), LINK_HEARTBEAT_MS);
  return {
    port: (http.address() as AddressInfo).port,
    stopAccepting: () => gate.shut(),
    async close() {
      clearInterval(heartbeat);
      gate.shut();
      for (const client of sockets.clients) client.close(GOING_AWAY, "worker stops");
      await closeServer(http, sockets);
    },
  };
}

async function closeServer(http: Server, sockets: WebSocketServer): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()));
  http.closeAllConnections();
  // Peers that do not answer the close handshake are cut, so that stopping takes no longer than it must.
  const cut = setTimeout(() => {
    for (const client of sockets.clients) client.terminate();
  }, 1_000);
  await Promise.all([...sockets.clients].map((client) => new Promise((resolve) => client.once("close", resolve))));
  clearTimeout(cut);
  await closed;
}

class Gate {
  readonly #options: LinkServerOptions;
  readonly #sockets: WebSocketServer;
  readonly #tickets = new UsedTickets();
  readonly #alive = new WeakSet<WebSocket>();
  #open = true;

  constructor(options: LinkServerOptions, sockets: WebSocketServer) {
    this.#options = options;
    this.#sockets = sockets;
  }

  shut(): void {
    this.#open = false;
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    // Room is looked for again: meanwhile the worker may have begun to stop, or others may have taken the last place.
    const refusal = (await this.#refusal(request)) ?? this.#noRoom();
    if (refusal !== undefined) {
      this.#options.log.warn("link.refused", { status: refusal });
      // Nobody else closes it: the HTTP server has let go of it, and a peer that keeps its half open would stay for ever.
      socket.once("finish", () => socket.destroy());
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#welcome(client));
  }

  /** An HTTP status line, or undefined when the peer may come in. */
  async #refusal(request: IncomingMessage): Promise<string | undefined> {
    if (request.url !== LINK_PATH) return "404 Not Found";
    // No browser belongs here, and a browser always sends an Origin.
    if (request.headers.origin !== undefined) return "403 Forbidden";
    const noRoom = this.#noRoom();
    if (noRoom !== undefined) return noRoom;
    const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
    const ticket = ticketOf(offered, LINK_PROTOCOL, TICKET_PREFIX);
    if (ticket === undefined) return "401 Unauthorized";
    try {
      const { jti, exp } = await this.#options.functionKeys.verifyTicket(ticket);
      const nowMs = this.#options.wallClock();
      return this.#tickets.use(jti, Math.max(exp * 1000, nowMs) + 60_000, nowMs) ? undefined : "401 Unauthorized";
    } catch {
      return "401 Unauthorized";
    }
  }

  #noRoom(): string | undefined {
    const { maxLinks = MAX_LINKS } = this.#options;
    return this.#open && this.#sockets.clients.size < maxLinks ? undefined : "503 Service Unavailable";
  }

  #welcome(client: WebSocket): void {
    const { workerId, bootId, now, peer: deps, log } = this.#options;
    const send = (text: string): void => {
      if (client.bufferedAmount > MAX_BUFFERED_BYTES) client.terminate();
      else client.send(text);
    };
    const peer = new Peer(deps, { send, close: (code, reason) => client.close(code, reason) });
    this.#alive.add(client);
    client.on("pong", () => this.#alive.add(client));
    client.on("error", (error) => log.warn("link.broken", { error: describeError(error) }));
    client.on("close", () => peer.gone());
    client.on("message", (data, isBinary) => {
      this.#alive.add(client);
      if (isBinary) return client.close(1003, "text frames only");
      void peer.receive(data.toString());
    });
    client.send(JSON.stringify({ type: "welcome", worker_id: workerId, boot_id: bootId, now_ms: now() }));
  }

  /** One ping per interval; a peer that was silent for a whole one, pong included, is gone. */
  beat(): void {
    for (const client of this.#sockets.clients) {
      if (!this.#alive.has(client)) client.terminate();
      else {
        this.#alive.delete(client);
        client.ping();
      }
    }
  }
}
