// How long the bridge waits for what, where the contract does not say. Pure.
import { ACK_TIMEOUT_MS, LINK_IDLE_MS, LINK_MAX_AGE_MS, LINK_OPEN_TIMEOUT_MS } from "../../_shared/protocol/mod.ts";

/** A link that does not return a ping in this time is given up: a new one opens faster than a stalled one recovers. */
export const PING_TIMEOUT_MS = 1_000;
/** After the caller's own time: the worker's "it was too late" is on its way, and is a far better answer than none. */
export const ANSWER_GRACE_MS = 1_000;
/** Asking what became of a command: the caller wants the ledger's view at once rather than the worker's later. */
export const STATUS_TIMEOUT_MS = 2_000;

export type BridgeLimits = {
  ackTimeoutMs: number;
  linkOpenTimeoutMs: number;
  linkIdleMs: number;
  linkMaxAgeMs: number;
  pingTimeoutMs: number;
};

export const DefaultBridgeLimits: BridgeLimits = {
  ackTimeoutMs: ACK_TIMEOUT_MS,
  linkOpenTimeoutMs: LINK_OPEN_TIMEOUT_MS,
  linkIdleMs: LINK_IDLE_MS,
  linkMaxAgeMs: LINK_MAX_AGE_MS,
  pingTimeoutMs: PING_TIMEOUT_MS,
};
