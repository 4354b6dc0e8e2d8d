// What every use case is given: interfaces to the world, so that tests hand in their own.
import type { Bridge } from "../bridge/mod.ts";
import type { SealPassword, VerifyResult } from "../crypto/mod.ts";
import type { Database } from "../db/mod.ts";
import type { Log } from "../log.ts";

export type Clock = {
  /** Milliseconds that only ever grow: for durations. */
  monotonicMs: () => number;
  /** Milliseconds since 1970: for what others will compare with their own clocks. */
  wallMs: () => number;
};

export type ServiceContext = {
  db: Database;
  bridge: Bridge;
  sealPassword: SealPassword;
  verifyResult: VerifyResult;
  /** Ids of the configured workers, the one for new accounts first. */
  workerIds: readonly string[];
  clock: Clock;
  newId: () => string;
  log: Log;
};

/** Who asks. The request's id goes into the ledger, so that one search shows one command. */
export type Caller = { userId: string; token: string; requestId: string };
