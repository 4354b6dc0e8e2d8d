// A worker's end of the link on a real socket: does what the test tells it to, frame by frame.
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { decodeJwt } from "jose";
import { type WebSocket, WebSocketServer } from "ws";
import {
  CallerFrame,
  decodeFrame,
  type EnvelopeClaims,
  LINK_PATH,
  LINK_PROTOCOL,
  type Outcome,
  type ReadOutcome,
  type ResultClaims,
  type WorkerFrame,
} from "../../_shared/protocol/mod.ts";
import { signResult, type TestKey } from "./keys.ts";

export type Peer = { send: (frame: WorkerFrame) => void; terminate: () => void; index: number };
export type Script = (frame: CallerFrame, peer: Peer) => unknown;

export class FakeWorker {
  readonly key: TestKey;
  readonly received: CallerFrame[] = [];
  readonly protocolsOffered: string[] = [];
  links = 0;
  script: Script = () => {};
  welcome: WorkerFrame | null = welcomeOf("w1");
  /** False: the server chooses none of the offered protocols. */
  chosenProtocol: string | false = LINK_PROTOCOL;
  readonly #server: WebSocketServer;

  private constructor(key: TestKey, server: WebSocketServer) {
    this.key = key;
    this.#server = server;
  }

  static async start(key: TestKey): Promise<FakeWorker> {
    let worker: FakeWorker | undefined;
    const server = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      handleProtocols: (offered) => {
        worker?.protocolsOffered.push(...offered);
        return worker?.chosenProtocol ?? LINK_PROTOCOL;
      },
    });
    await new Promise((resolve) => server.once("listening", resolve));
    const started = new FakeWorker(key, server);
    worker = started;
    server.on("connection", (socket: WebSocket, _request: IncomingMessage) => started.#accept(socket));
    return started;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}${LINK_PATH}`;
  }

  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A result frame for a call: `jti` other than the call's id for a `status`. */
  async result(
    frame: CallerFrame,
    outcome: { command: Outcome } | { read: ReadOutcome },
    jti?: string,
  ): Promise<WorkerFrame> {
    if (!("envelope" in frame)) throw new Error("only calls have results");
    const { sub, kind, account } = decodeJwt<EnvelopeClaims>(frame.envelope);
    const iat = Math.floor(Date.now() / 1000);
    const claims: Partial<ResultClaims> = { iss: "w1", jti: jti ?? frame.id, sub, iat, kind, account, ...outcome };
    return { type: "result", id: frame.id, result: await signResult(this.key, claims) };
  }

  #accept(socket: WebSocket): void {
    const peer: Peer = {
      send: (frame) => socket.send(JSON.stringify(frame)),
      terminate: () => socket.terminate(),
      index: this.links++,
    };
    if (this.welcome !== null) peer.send(this.welcome);
    socket.on("message", (data) => {
      const frame = decodeFrame(CallerFrame, data.toString(), 64 * 1024);
      this.received.push(frame);
      if (frame.type === "ping") peer.send({ type: "pong", t: frame.t, health: { ...HEALTH, wall_ms: Date.now() } });
      else void this.script(frame, peer);
    });
  }
}

export const HEALTH = { version: "0.1.0", wall_ms: 0, terminals: [], in_flight: 0, plain_rpc: false };

export function welcomeOf(workerId: string): WorkerFrame {
  return { type: "welcome", worker_id: workerId, boot_id: "44444444-4444-4444-8444-444444444444", now_ms: 50_000 };
}
