// A loopback proxy that does to a connection what networks do: swallows what is sent in one direction or both, holds it
// back and lets it go later, resets. It counts what it did, because a fault that met no byte proves nothing.
import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** `up`: from the caller to the served; `down`: the answers. */
export type Direction = "up" | "down";
export type Treatment = "pass" | "drop" | "hold";

/** Sees every chunk that goes up, may change it, and is told how to put more bytes on the same connection. */
export type Tap = (put: (bytes: Buffer) => void) => (chunk: Buffer) => Buffer;

export type TcpProxy = {
  readonly host: string;
  readonly port: number;
  /** Where new connections go from now on. */
  aimAt(target: { host: string; port: number }): void;
  /** From now on, for what goes in these directions over every connection, the present ones too. */
  treat(treatment: Treatment, ...directions: Direction[]): void;
  /** Everything passes again. What was held goes its way; a connection that lost bytes can only be reset. */
  heal(): void;
  /** Ends every connection with RST, at both ends. */
  reset(): void;
  /** How many chunks were swallowed, held or cut off since the last time somebody asked. */
  takeHits(): number;
  stop(): Promise<void>;
};

type Pair = {
  sockets: Record<Direction, Socket>;
  held: Record<Direction, Buffer[]>;
  /** Bytes were swallowed: what comes after them cannot be understood any more. */
  lost: boolean;
  /** An end that the other side has not heard of yet. */
  ended: Record<Direction, boolean>;
};
const OPPOSITE = { up: "down", down: "up" } as const;

export async function startTcpProxy(target: { host: string; port: number }, tap?: Tap): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const treatments: Record<Direction, Treatment> = { up: "pass", down: "pass" };
  let aim = target;
  let hits = 0;

  /** `sockets.up` leads to the served, `sockets.down` back to the caller. */
  function forward(pair: Pair, direction: Direction, chunk: Buffer): void {
    if (chunk.length === 0) return;
    const treatment = treatments[direction];
    if (treatment !== "pass") hits += 1;
    if (treatment === "drop") pair.lost = true;
    else if (treatment === "hold") pair.held[direction].push(chunk);
    else pair.sockets[direction].write(chunk);
  }

  function resetPair(pair: Pair): void {
    pairs.delete(pair);
    pair.sockets.up.resetAndDestroy();
    pair.sockets.down.resetAndDestroy();
  }

  function endPair(pair: Pair): void {
    pairs.delete(pair);
    pair.sockets.up.end();
    pair.sockets.down.end();
  }

  function accept(caller: Socket): void {
    const served = dial({ ...aim, noDelay: true });
    const sockets = { up: served, down: caller };
    const pair: Pair = { sockets, held: { up: [], down: [] }, lost: false, ended: { up: false, down: false } };
    pairs.add(pair);
    const see = tap?.((bytes) => served.write(bytes)) ?? ((chunk: Buffer) => chunk);
    caller.on("data", (chunk) => forward(pair, "up", see(chunk)));
    served.on("data", (chunk) => forward(pair, "down", chunk));
    for (const direction of ["up", "down"] as const) {
      // An error is followed by `close`, and that is the end of both sides.
      pair.sockets[direction].on("error", () => {});
      pair.sockets[direction].on("close", () => {
        // The news of an end is on the wire too: a silent network does not tell it.
        if (treatments[OPPOSITE[direction]] === "pass") endPair(pair);
        else pair.ended[OPPOSITE[direction]] = true;
      });
    }
  }

  const server = createServer({ noDelay: true }, accept);
  const port = await listen(server);
  return {
    host: "127.0.0.1",
    port,
    aimAt: (next) => {
      aim = next;
    },
    treat: (treatment, ...directions) => {
      for (const direction of directions) treatments[direction] = treatment;
    },
    heal() {
      treatments.up = treatments.down = "pass";
      for (const pair of pairs) {
        for (const direction of ["up", "down"] as const) {
          for (const chunk of pair.held[direction].splice(0)) pair.sockets[direction].write(chunk);
        }
        if (pair.lost) resetPair(pair);
        else if (pair.ended.up || pair.ended.down) endPair(pair);
      }
    },
    reset() {
      hits += pairs.size;
      for (const pair of pairs) resetPair(pair);
    },
    takeHits() {
      const taken = hits;
      hits = 0;
      return taken;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const pair of pairs) resetPair(pair);
      await closed;
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
