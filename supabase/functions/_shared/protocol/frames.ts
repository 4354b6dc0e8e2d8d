// The frames on the link between function and worker: JSON text, one object each. Pure.
import { z } from "zod";
import { plainText, Uuid } from "../domain/mod.ts";
import { ErrorCodes } from "../errors/mod.ts";
import { ACKNOWLEDGE_REASON_MAX_CHARS, MAX_CALL_BODY_CHARS, MAX_DETAIL_CHARS, MAX_TOKEN_CHARS } from "./limits.ts";

export const LINK_PROTOCOL = "switchyard.v1";
export const TICKET_PREFIX = "ticket.";
export const LINK_PATH = "/v1/link";

const Token = z.string().min(1).max(MAX_TOKEN_CHARS);

/** What every call carries: its id (the envelope's jti), the function's statement, the user's own token, the body. */
const Call = { id: Uuid, envelope: Token, user_token: Token, body: z.string().max(MAX_CALL_BODY_CHARS) };

/** Body of `status` and `cancel`: the command they ask about. `id` of the frame is the call's own. */
export const CommandQuery = z.strictObject({ command_id: Uuid });

/** Why a user no longer waits for an unknown outcome: for the ledger's readers, so it is not empty. */
export const AcknowledgeReason = plainText(z.string().trim().min(1).max(ACKNOWLEDGE_REASON_MAX_CHARS));
/** Body of `acknowledge`. */
export const AcknowledgeQuery = z.strictObject({ command_id: Uuid, reason: AcknowledgeReason });

/** Function → worker. `ack` confirms that the result of a command is stored in the ledger. */
export const CallerFrame = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("command"), ...Call }),
  z.strictObject({ type: z.literal("read"), ...Call }),
  z.strictObject({ type: z.literal("cancel"), ...Call }),
  z.strictObject({ type: z.literal("acknowledge"), ...Call }),
  z.strictObject({ type: z.literal("status"), ...Call }),
  z.strictObject({ type: z.literal("ack"), id: Uuid }),
  z.strictObject({ type: z.literal("ping"), t: z.number() }),
]);
export type CallerFrame = z.infer<typeof CallerFrame>;
export type CallFrame = Extract<CallerFrame, { type: "command" | "read" | "cancel" | "acknowledge" | "status" }>;

/** Where a command is inside the worker; `unseen`: no such id, and its time is not over yet. */
export const WorkerPhase = z.enum(["received", "queued", "started", "finished", "unseen"]);
export type WorkerPhase = z.infer<typeof WorkerPhase>;

/**
 * What `/health` shows of a worker: to anybody, so counts and states only. `wall_ms` is its wall clock (Unix
 * milliseconds), compared for skew only. Whatever came later is optional.
 */
export const WorkerHealth = z.strictObject({
  version: z.string(),
  wall_ms: z.number(),
  terminals: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(["simulator", "rpyc"]),
      state: z.string(),
      /** Why no work is given to it, and for how many seconds by now; absent while it is well. */
      reason: z.string().optional(),
      since_s: z.int().optional(),
      /** Commands and reads that wait for it. */
      queued: z.int().optional(),
    }),
  ),
  /** Commands waiting or running. */
  in_flight: z.int(),
  /** Terminals are reached over the network without TLS, by the operator's explicit wish. */
  plain_rpc: z.boolean(),
  /** Commands whose outcome nobody knows, and nobody has acknowledged. */
  unknown_commands: z.int().optional(),
  /** Age in seconds of the oldest result that the function has not taken yet; null: it has taken all. */
  oldest_undelivered_s: z.int().nullable().optional(),
  journal: z.strictObject({ age_s: z.int(), bytes: z.int() }).optional(),
});
export type WorkerHealth = z.infer<typeof WorkerHealth>;

/** Worker → function. `now_ms` is the worker's monotonic clock at the moment of sending. */
export const WorkerFrame = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("welcome"), worker_id: z.string(), boot_id: Uuid, now_ms: z.number() }),
  z.strictObject({ type: z.literal("ack"), id: Uuid, phase: WorkerPhase }),
  z.strictObject({ type: z.literal("result"), id: Uuid, result: z.string() }),
  z.strictObject({
    type: z.literal("error"),
    id: Uuid.optional(),
    code: z.enum(ErrorCodes),
    detail: z.string().max(MAX_DETAIL_CHARS).optional(),
    retry_after_ms: z.int().optional(),
  }),
  z.strictObject({ type: z.literal("pong"), t: z.number(), health: WorkerHealth }),
]);
export type WorkerFrame = z.infer<typeof WorkerFrame>;
