// What the services may ask of the workers. Moments are milliseconds on the local monotonic clock.
import type { AccountRef } from "../../_shared/domain/mod.ts";
import type { ErrorCode } from "../../_shared/errors/mod.ts";
import type { ReadOutcome, ResultClaims, WorkerHealth } from "../../_shared/protocol/mod.ts";

/** One call to one worker, before it is signed: that happens per link, because each counts on its worker's own clock. */
export type WorkerCall = {
  workerId: string;
  /** Names the call, and for a command the command: the same id again is a subscription to its outcome. */
  id: string;
  userId: string;
  userToken: string;
  kind: string;
  account: AccountRef & { id?: string };
  /** JSON text, exactly as the envelope hashes it. */
  body: string;
  /** The worker may not start after this. */
  startByMs: number;
  /** Since when the ledger knows it; for a read: now. */
  submittedAtMs: number;
  /** The caller stops waiting for the answer. */
  waitUntilMs: number;
};

export type CommandReply =
  /** Signed by the worker and verified; `claims.command` is present. */
  | { type: "outcome"; claims: ResultClaims }
  /** The worker turned away the only frame that was ever written: it does not know the command. */
  | { type: "refused"; code: ErrorCode; detail?: string; retryAfterMs?: number }
  /** Not a byte of the command was written to any worker by this call. */
  | { type: "unsent"; cause?: unknown }
  /** Written, and no word of what became of it. */
  | { type: "silent" };

/** To a cancellation, and to an acknowledgement. */
export type QuestionReply =
  /** What the worker has on its disk about the command; `claims.command` is present. */
  | { type: "outcome"; claims: ResultClaims }
  /** It waits or runs: for a cancellation, nothing stops it now. */
  | { type: "under_way" }
  /** No word: the worker may have done it or not. */
  | { type: "silent" };

/** `health` is null for a worker that did not answer. */
export type WorkerProbe = {
  id: string;
  reachable: boolean;
  roundTripMs: number | null;
  /** The worker's wall clock minus ours, give or take half the round trip. */
  clockSkewMs: number | null;
  health: WorkerHealth | null;
};

export type Bridge = {
  /** Never throws: every failure is one of the replies. */
  runCommand(call: WorkerCall): Promise<CommandReply>;
  /** Throws `worker_unreachable`, `read_timeout`, or what the worker refused the call with. */
  read(call: WorkerCall): Promise<ReadOutcome>;
  /**
   * What became of a command: its signed outcome, or null when it is still under way or nobody answers. Asking the
   * wrong worker would bury the command there: `call.workerId` must be the one it was sent to.
   */
  askCommand(call: WorkerCall, commandId: string): Promise<ResultClaims | null>;
  /** Cancels a command that has not started. Never throws; `call.workerId` must be the one it was sent to. */
  cancelCommand(call: WorkerCall, commandId: string): Promise<QuestionReply>;
  /** Lifts the block of an unknown command: an `unknown` outcome says that it was lifted. Otherwise as above. */
  acknowledgeCommand(call: WorkerCall, commandId: string): Promise<QuestionReply>;
  /** Tells the worker that the outcome is in the ledger. Best effort: otherwise the worker delivers it again. */
  confirm(workerId: string, commandId: string): void;
  probe(workerId: string): Promise<WorkerProbe>;
  close(): void;
};
