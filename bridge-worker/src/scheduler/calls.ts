// What the link hands over: calls whose proofs have been checked, and what comes back. Pure.
import type { AccountRef, AccountTarget, CommandBody, ReadBody, WorkerPhase } from "../protocol.ts";

type Call = {
  id: string;
  userId: string;
  /** Monotonic clock of this process, milliseconds: nothing may start after it. */
  notAfterMs: number;
};

export type CommandCall = Call & {
  account: AccountTarget;
  body: CommandBody;
  /** Age of the ledger row when the frame was made, milliseconds. */
  submittedAgoMs: number;
};

export type ReadCall = Call & { account: AccountRef & { id?: string | undefined }; body: ReadBody };

/** A question about a command: `notAfterMs` and `submittedAgoMs` are the command's. */
export type CommandQuestion = Omit<Call, "id"> & { commandId: string; submittedAgoMs: number };

/** What a subscriber of a command hears: phases first, then one result (a signed JWS), nothing after it. */
export type CommandEvent = { phase: WorkerPhase } | { result: string };
export type Subscriber = (event: CommandEvent) => void;
