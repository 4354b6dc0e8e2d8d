// The worker's door to the links, without a socket: a ticket lets a link in once, then the real peer serves it.
import { type FunctionKeys, Peer, type PeerDeps } from "../../../bridge-worker/src/link/mod.ts";
import { UsedTickets } from "../../../bridge-worker/src/link/tickets.ts";
import type { Lifeline } from "./lifeline.ts";
import type { Listen } from "./network.ts";
import { userTokens, WORKER_ID } from "./seals.ts";

export type DoorOptions = Pick<PeerDeps, "scheduler" | "sign" | "confirmed" | "log"> & {
  life: Lifeline;
  bootId: string;
  /** `verified`: what calls are checked with, which a broken build may have replaced. */
  keys: FunctionKeys;
  verified: FunctionKeys;
  now: () => number;
  wallClock: () => number;
};

const TICKET_KEPT_MS = 120_000;

export function openDoor(options: DoorOptions): Listen {
  const { life, bootId, keys, verified, now, wallClock, ...deps } = options;
  const tickets = new UsedTickets();
  const proofs = { functionKeys: verified, userTokens: userTokens(wallClock), now };
  const health = () => ({ version: "sim", wall_ms: wallClock(), terminals: [], in_flight: 0, plain_rpc: false });
  return async (ticket, socket) => {
    const used = await keys.verifyTicket(ticket).catch(() => undefined);
    if (!life.isAlive || used === undefined) return undefined;
    if (!tickets.use(used.jti, wallClock() + TICKET_KEPT_MS, wallClock())) return undefined;
    const peer = new Peer(
      { ...deps, proofs, health },
      { send: (text) => life.isAlive && socket.send(text), close: () => life.isAlive && socket.close() },
    );
    socket.send(JSON.stringify({ type: "welcome", worker_id: WORKER_ID, boot_id: bootId, now_ms: now() }));
    return {
      receive: (text) => life.hear(() => void peer.receive(text)),
      gone: () => life.hear(() => peer.gone()),
    };
  };
}
