// What every command route does once its request is understood: key, fingerprint, submit, answer.
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import { PROBLEM_JSON } from "../../_shared/errors/mod.ts";
import { COMMAND_TIMEOUT_DEFAULT_MS, type CommandRequest, Timings, TradeResult } from "../../_shared/protocol/mod.ts";
import {
  type Caller,
  fingerprintOf,
  parseIdempotencyKey,
  type ServiceContext,
  submitCommand,
} from "../services/mod.ts";
import { AnsweredAccount } from "./fields.ts";
import type { AnswerSpec, RouteInput, Router, RouteSpec } from "./route.ts";

/** Where this function's routes are to a client, on hosted Supabase and on every local stack. */
const PUBLIC_COMMANDS_PATH = "/functions/v1/api/v1/commands";
const UNKNOWN_RETRY_AFTER_S = 2;

const DoneAnswer = z.object({
  success: z.literal(true),
  command_id: z.guid(),
  kind: z.string(),
  state: z.literal("done"),
  executed: z.literal(true),
  account: AnsweredAccount,
  result: TradeResult,
  timings: Timings,
});

const UnknownAnswer = z.object({
  command_id: z.guid(),
  state: z.literal("unknown"),
  executed: z.null(),
  may_have_executed: z.literal(true),
  retry_same_key: z.literal("safe"),
  submit_new_key: z.literal("unsafe"),
});

const KEY_HEADER = { "Idempotency-Key": "The command's key: yours as you sent it, or the one made for this request" };

/** The answers that every command has. */
export const COMMAND_ANSWERS: Record<number, AnswerSpec> = {
  200: { description: "The broker has the order", schema: DoneAnswer, headers: KEY_HEADER },
  202: {
    description:
      "Nobody can say yet. Ask the address in Location, or repeat the request with the same key: both are safe. " +
      "A new key would be a second order.",
    schema: UnknownAnswer,
    headers: {
      ...KEY_HEADER,
      Location: "The command in the ledger",
      "Retry-After": "Seconds",
    },
  },
};

export const COMMAND_DESCRIPTION =
  "Send an Idempotency-Key: without one every request is a new command, and a repeated request may trade twice.";

type Submission = {
  accountId: string | undefined;
  timeoutMs: number | undefined;
  request: CommandRequest;
};

/** `spec` and `input`: the request as the caller made it, for the fingerprint. */
export async function sendCommand<P extends Record<string, string> | undefined, Q, B>(
  router: Router,
  services: ServiceContext,
  spec: Pick<RouteSpec<P, Q, B>, "method" | "path">,
  { c, caller, params, fields }: RouteInput<P, Q, B> & { caller: Caller },
  { accountId, timeoutMs = COMMAND_TIMEOUT_DEFAULT_MS, request }: Submission,
): Promise<Response> {
  const sent = c.req.header("idempotency-key");
  const key = parseIdempotencyKey(sent) ?? services.newId();
  // Set before anything can fail: a caller whose request broke off half-way needs it to ask again. As it was sent: a quoted
  // key may be another one, or none, without its quotes.
  c.header("Idempotency-Key", sent ?? key);
  const identity = { method: spec.method, route: spec.path, params: params ?? {}, fields };
  const fingerprint = await fingerprintOf(identity);
  const submission = { caller, accountId: accountId ?? null, request, key, fingerprint, timeoutMs };
  const answer = submitCommand(services, submission);
  // A client that hangs up does not stop a command that is on its way, and its outcome must still reach the ledger.
  router.keepAlive(answer.catch(() => undefined));
  const { commandId, status, body, retryAfterMs } = await answer;
  const headers: Record<string, string> = { "Content-Type": status >= 400 ? PROBLEM_JSON : "application/json" };
  if (retryAfterMs !== undefined) headers["Retry-After"] = String(Math.ceil(retryAfterMs / 1000));
  if (status === 202) {
    headers.Location = `${PUBLIC_COMMANDS_PATH}/${commandId}`;
    headers["Retry-After"] = String(UNKNOWN_RETRY_AFTER_S);
  }
  return c.body(body, status as ContentfulStatusCode, headers);
}
