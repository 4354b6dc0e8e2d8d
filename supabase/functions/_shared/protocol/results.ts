// How a command or a read ends: the signed result, the states of a command and who may follow whom. Pure.
import { z } from "zod";
import { AccountRef, Ticket, Uuid } from "../domain/mod.ts";
import { ErrorCodes } from "../errors/mod.ts";
import { MAX_DETAIL_CHARS } from "./limits.ts";

export const RESULT_TYP = "switchyard-result+jwt";

/** Every state of the ledger and whether the order reached the market: the one question a trader has. */
export const CommandStates = {
  accepted: { executed: null, final: false },
  unknown: { executed: null, final: false },
  done: { executed: true, final: true },
  rejected: { executed: false, final: true },
  refused: { executed: false, final: true },
  expired: { executed: false, final: true },
  cancelled: { executed: false, final: true },
  not_executed: { executed: false, final: true },
} as const;
export type CommandState = keyof typeof CommandStates;

const Transitions: Record<CommandState, readonly CommandState[]> = {
  accepted: ["refused", "expired", "cancelled", "done", "rejected", "unknown"],
  unknown: ["done", "rejected", "not_executed"],
  done: [],
  rejected: [],
  refused: [],
  expired: [],
  cancelled: [],
  not_executed: [],
};

/** The arrows of a command's life; there is none out of a final state. The database holds the same table. */
export function mayFollow(from: CommandState, to: CommandState): boolean {
  return Transitions[from].includes(to);
}

const NO_RETCODE = "Null where the outcome was proven from the broker's records, which hold no return code";

/** Prices in quote currency, volumes in lots. `position_ticket` is null while a pending order has not filled. */
export const TradeResult = z.object({
  retcode: z.int().nullable().meta({ description: NO_RETCODE }),
  retcode_name: z.string().nullable().meta({ description: NO_RETCODE }),
  order_ticket: Ticket.nullable(),
  deal_ticket: Ticket.nullable(),
  position_ticket: Ticket.nullable(),
  price: z.number().nullable(),
  volume: z.number(),
  filled_volume: z.number().nullable(),
});
export type TradeResult = z.infer<typeof TradeResult>;

export const Mt5FaultView = z.object({
  retcode: z.int().optional(),
  name: z.string().optional(),
  last_error: z.tuple([z.int(), z.string()]).optional(),
});

/** Milliseconds inside the worker: waiting for the terminal, logging in, reading before the send, the send itself. */
export const Timings = z.object({
  queued_ms: z.number(),
  login_ms: z.number(),
  prepare_ms: z.number(),
  send_ms: z.number(),
  total_ms: z.number(),
});
export type Timings = z.infer<typeof Timings>;

const Failure = {
  code: z.enum(ErrorCodes),
  detail: z.string().max(MAX_DETAIL_CHARS).optional(),
  fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  mt5: Mt5FaultView.optional(),
  retry_after_ms: z.int().optional(),
};

/** What became of a command. `evidence` says what an `unknown` or a settled one rests on. */
export const Outcome = z.discriminatedUnion("state", [
  z.object({
    state: z.literal("done"),
    result: TradeResult,
    timings: Timings,
    evidence: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({
    state: z.enum(["rejected", "refused", "expired", "cancelled", "not_executed"]),
    ...Failure,
    timings: Timings.optional(),
    evidence: z.record(z.string(), z.unknown()).optional(),
    /** A refusal for want of capacity, before anything was journaled: the function withdraws the row and frees the key. */
    release: z.boolean().optional(),
  }),
  z.object({ state: z.literal("unknown"), evidence: z.record(z.string(), z.unknown()) }),
]);
export type Outcome = z.infer<typeof Outcome>;

/** What became of a read: a value of `ReadValues[kind]`, or a failure. */
export const ReadOutcome = z.union([
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), ...Failure }),
]);
export type ReadOutcome = z.infer<typeof ReadOutcome>;

/** Claims of the signed result (JWS, ES256 by the worker's result key): one object wherever it travels. */
export const ResultClaims = z.object({
  iss: z.string(),
  jti: Uuid,
  sub: Uuid,
  iat: z.int(),
  kind: z.string(),
  /** The account of the envelope: an answer delivered later, without the caller, must name it as the first would have. */
  account: AccountRef.extend({ id: Uuid.optional() }).optional(),
  command: Outcome.optional(),
  read: ReadOutcome.optional(),
});
export type ResultClaims = z.infer<typeof ResultClaims>;
