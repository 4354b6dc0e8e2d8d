// A loopback proxy that makes a real RPyC 5.x server look like a 6.x one. Frames are parsed by code of its own, so that
// a fault in the client's framing cannot hide behind the same fault here.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { inflateSync } from "node:zlib";

const CLOSE_REQUEST = Buffer.from("0111501152115102", "hex");
const CLOSE_ANSWER = Buffer.from("021150", "hex");

export type DialectProxy = {
  host: string;
  port: number;
  /** How many CLOSE requests clients answered, as a 6.x server waits for. */
  readonly closeAnswers: number;
  /** Ends all connections and stops listening. */
  stop(): Promise<void>;
};

/** Listens on 127.0.0.1 and speaks the v6 dialect on behalf of the v5 server at `target`. */
export async function startDialectProxy(target: { host: string; port: number }): Promise<DialectProxy> {
  const sockets = new Set<Socket>();
  let closeAnswers = 0;
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    return socket.setNoDelay(true);
  };
  const listener = createServer((client) => {
    track(client);
    bridge(client, track(connect(target.port, target.host)), () => {
      closeAnswers += 1;
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port");
  return {
    host: "127.0.0.1",
    port: address.port,
    get closeAnswers() {
      return closeAnswers;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}

function bridge(client: Socket, server: Socket, onCloseAnswer: () => void): void {
  /** True from our CLOSE request until its answer: a 6.x server keeps the socket open meanwhile. */
  let isClosing = false;
  const sendClose = (): void => {
    isClosing = true;
    client.write(frame(CLOSE_REQUEST));
  };

  onFrames(client, (payload) => {
    if (isClosing) {
      if (!payload.subarray(0, 3).equals(CLOSE_ANSWER)) return;
      onCloseAnswer();
      client.end();
      server.end();
    } else if (payload[0] === 0x12) {
      sendClose();
    } else {
      server.write(frame(toV5(payload)));
    }
  });
  onFrames(server, (payload) => {
    const isClose = payload[1] === 0x51 && payload[3] === 0x11 && payload[4] === 0x52;
    if (isClose) sendClose();
    else client.write(frame(toV6(payload)));
  });
  passEnd(client, server, () => true);
  passEnd(server, client, () => !isClosing);
}

/** An end or a reset on one side becomes the same on the other. */
function passEnd(from: Socket, to: Socket, mayPass: () => boolean): void {
  from.once("error", () => to.resetAndDestroy());
  from.once("end", () => {
    if (mayPass()) to.end();
  });
}

function onFrames(socket: Socket, onPayload: (payload: Buffer) => void): void {
  let buffered = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    while (buffered.length >= 5 && buffered.length >= buffered.readUInt32BE(0) + 6) {
      const end = 5 + buffered.readUInt32BE(0);
      const payload = buffered.subarray(5, end);
      const isCompressed = buffered[4] !== 0;
      buffered = buffered.subarray(end + 1);
      onPayload(isCompressed ? inflateSync(payload) : payload);
    }
  });
}

/** `0X 11 …` becomes `12 5X …`: the type byte moves into the tuple. */
function toV5(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x12, 0x50 + (payload[0] ?? 0)]), payload.subarray(2)]);
}

function toV6(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(payload[1] ?? 0) - 0x50, 0x11]), payload.subarray(2)]);
}

function frame(payload: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length);
  return Buffer.concat([head, payload, Buffer.from("\n")]);
}
