// Turns the guard's JSON replies into facts: the one place where an answer from Python becomes typed. Pure.
import { z } from "zod";
import type { AccountRef } from "../protocol.ts";
import {
  AccountFacts,
  DealFacts,
  LastError,
  OrderFacts,
  PositionFacts,
  SendResultFacts,
  SymbolFacts,
  TerminalFacts,
  TickFacts,
} from "./facts.ts";
import { lastErrorRow } from "./retcodes.ts";
import {
  type AccountReply,
  type HistoryReply,
  type LoginReply,
  type ReadReply,
  type RecordsReply,
  SendRefusals,
  type SendReply,
  type TagState,
} from "./terminal-port.ts";

/** The reply is not what the guard promises. The message names the fields, never their values. */
export class BadReply extends Error {
  override readonly name = "BadReply";
}

/** What stopped the guard before or instead of an answer; see {@link parseReply}. */
export const GuardProblems = [
  "bad_request",
  "busy",
  "forgotten",
  "forked",
  "initialize_failed",
  "internal",
  "no_metatrader",
  "stale_owner",
  "too_large",
  "wrong_terminal",
] as const;
export type GuardProblem = (typeof GuardProblems)[number];

/** `nowMs`: the guard's monotonic clock when it answered, milliseconds. */
export type GuardAnswer<T> =
  | { ok: true; value: T; nowMs: number }
  | { ok: false; problem: GuardProblem; lastError: LastError | null; nowMs: number };

/** As shown by the terminal: not held to the rules of what a user may register. */
const ShownAccount: z.ZodType<AccountRef> = z.object({ login: z.string(), server: z.string() });
const WrongAccount = z.object({ kind: z.literal("wrong_account"), actual: ShownAccount.nullable() });
const FailedCall = z
  .object({ kind: z.literal("failed"), call: z.string(), last_error: LastError })
  .transform(({ kind, call, last_error: lastError }) => ({ kind, call, lastError }));

export const HelloAnswer = z.object({ epoch: z.string().min(16), pid: z.int(), version: z.int().min(1) });
export type HelloAnswer = z.infer<typeof HelloAnswer>;

export const OpenAnswer = z.object({ terminal: TerminalFacts, account: AccountFacts.nullable() });

export const LoginAnswer: z.ZodType<LoginReply> = z.union([
  z.object({ kind: z.literal("ok"), account: AccountFacts, terminal: TerminalFacts }),
  z
    .object({ kind: z.literal("failed"), last_error: LastError, shown: ShownAccount.optional() })
    .transform(({ kind, last_error: lastError, shown }) => ({
      ...{ kind, reason: lastErrorRow(lastError[0]).login, lastError },
      ...(shown === undefined ? {} : { shown }),
    })),
]);

export const AccountAnswer: z.ZodType<AccountReply> = z.union([
  z.object({ kind: z.literal("ok"), account: AccountFacts }),
  WrongAccount,
  FailedCall,
]);

export const ReadAnswer: z.ZodType<ReadReply> = z.union([
  z.object({
    kind: z.literal("ok"),
    account: AccountFacts,
    terminal: TerminalFacts,
    symbol: SymbolFacts.nullable().optional(),
    tick: TickFacts.nullable().optional(),
    positions: z.array(PositionFacts).optional(),
    orders: z.array(OrderFacts).optional(),
    broker_now_msc: z.int().nullable(),
  }),
  WrongAccount,
  FailedCall,
]);

export const SendAnswer: z.ZodType<SendReply> = z.union([
  z.object({
    kind: z.literal("refused"),
    reason: z.enum(SendRefusals),
    actual: ShownAccount.nullable().optional(),
  }),
  z
    .object({
      kind: z.literal("sent"),
      result: SendResultFacts.nullable(),
      last_error: LastError,
      after: ShownAccount.nullable(),
    })
    .transform(({ kind, result, last_error: lastError, after }) => ({ kind, result, lastError, after })),
]);

export const TagAnswer: z.ZodType<TagState> = z.union([
  z.object({ kind: z.enum(["unseen", "waiting", "sending", "poisoned", "forgotten"]) }),
  z.object({ kind: z.literal("finished"), reply: SendAnswer }),
]);

export const HistoryAnswer: z.ZodType<HistoryReply> = z.union([
  z.object({
    kind: z.literal("ok"),
    account: ShownAccount,
    open_orders: z.array(OrderFacts),
    orders: z.array(OrderFacts),
    deals: z.array(DealFacts),
    counts: z.object({ orders: z.int(), deals: z.int() }),
  }),
  WrongAccount,
  FailedCall,
]);

export const RecordsAnswer: z.ZodType<RecordsReply> = z.union([
  z.object({
    kind: z.literal("ok"),
    account: ShownAccount,
    orders: z.array(OrderFacts),
    deals: z.array(DealFacts),
    truncated: z.boolean(),
  }),
  WrongAccount,
  FailedCall,
]);

const Envelope = z.union([
  z.object({ ok: z.literal(true), value: z.unknown(), now_ms: z.number() }),
  z.object({
    ok: z.literal(false),
    error: z.object({ class: z.enum(GuardProblems), last_error: LastError.nullable() }),
    now_ms: z.number(),
  }),
]);

/** Reads one reply. Throws {@link BadReply} for anything that is not JSON, not the envelope, or not `schema`. */
export function parseReply<T>(reply: unknown, schema: z.ZodType<T>): GuardAnswer<T> {
  const envelope = Envelope.safeParse(readJson(reply));
  if (!envelope.success) throw new BadReply("The guard's reply has no known form");
  const { data } = envelope;
  if (!data.ok) {
    return { ok: false, problem: data.error.class, lastError: data.error.last_error, nowMs: data.now_ms };
  }
  const value = schema.safeParse(data.value);
  if (!value.success) throw new BadReply(`The guard's reply is wrong at ${places(value.error)}`);
  return { ok: true, value: value.data, nowMs: data.now_ms };
}

function readJson(reply: unknown): unknown {
  if (typeof reply !== "string") throw new BadReply("The guard's reply is not text");
  try {
    return JSON.parse(reply);
  } catch {
    // The parser's own message quotes the text.
    throw new BadReply("The guard's reply is not JSON");
  }
}

function places(error: z.ZodError): string {
  const paths = error.issues.flatMap((issue) =>
    issue.code === "invalid_union" ? issue.errors.flat().map(({ path }) => path.join(".")) : [issue.path.join(".")],
  );
  return [...new Set(paths)].slice(0, 5).join(", ") || "the top";
}
