// Turns a call frame into a call that the scheduler may trust: the function's statement, the user's own token and the
// body agree with each other. The token is used here and dropped: nothing behind this line has it.
import type { z } from "zod";
import {
  AccountTarget,
  AcknowledgeQuery,
  AppError,
  type CallFrame,
  CommandBody,
  CommandQuery,
  type EnvelopeClaims,
  ReadBody,
} from "../protocol.ts";
import type { CommandCall, CommandQuestion, ReadCall } from "../scheduler/mod.ts";
import type { FunctionKeys } from "./function-keys.ts";
import type { UserTokens } from "./user-tokens.ts";

export type AdmittedCall =
  | { type: "command"; call: CommandCall }
  | { type: "read"; call: ReadCall }
  | { type: "status" | "cancel" | "acknowledge"; question: CommandQuestion };

/** `now`: the monotonic clock that `welcome` tells. */
export type Proofs = { functionKeys: FunctionKeys; userTokens: UserTokens; now: () => number };

/** Throws `proof_refused` or `bad_frame`. */
export async function admitCall(frame: CallFrame, proofs: Proofs): Promise<AdmittedCall> {
  const claims = await proofs.functionKeys.verifyEnvelope(frame.envelope, frame.body);
  const userId = await proofs.userTokens.verify(frame.user_token);
  if (claims.sub !== userId)
    throw new AppError("proof_refused", { detail: "Envelope and access token name different users" });
  if (claims.jti !== frame.id) throw new AppError("proof_refused", { detail: "The envelope names another call" });
  switch (frame.type) {
    case "command": {
      const body = parseBody(CommandBody, frame.body);
      sameKind(claims, body.request.kind);
      const account = AccountTarget.safeParse(claims.account);
      if (!account.success) throw new AppError("bad_frame", { detail: "A command names its account by id" });
      return {
        type: "command",
        call: { ...common(claims), account: account.data, body, submittedAgoMs: ageOf(claims, proofs.now()) },
      };
    }
    case "read": {
      const body = parseBody(ReadBody, frame.body);
      sameKind(claims, body.request.kind);
      return { type: "read", call: { ...common(claims), account: claims.account, body } };
    }
    case "status":
    case "cancel":
    case "acknowledge": {
      sameKind(claims, frame.type);
      // The reason of an acknowledgement is for the ledger; here it only has to be there.
      const { command_id } = parseBody(frame.type === "acknowledge" ? AcknowledgeQuery : CommandQuery, frame.body);
      const { not_after_ms: notAfterMs } = claims;
      const submittedAgoMs = ageOf(claims, proofs.now());
      return { type: frame.type, question: { commandId: command_id, userId, notAfterMs, submittedAgoMs } };
    }
  }
}

function common(claims: EnvelopeClaims): { id: string; userId: string; notAfterMs: number } {
  return { id: claims.jti, userId: claims.sub, notAfterMs: claims.not_after_ms };
}

/** The command's age now: what it was when the frame was made, and how long the frame was on its way. */
function ageOf({ submitted_ago_ms, made_at_ms }: EnvelopeClaims, nowMs: number): number {
  return submitted_ago_ms + Math.max(0, nowMs - made_at_ms);
}

function sameKind(claims: EnvelopeClaims, kind: string): void {
  if (claims.kind !== kind) throw new AppError("proof_refused", { detail: "The envelope is of another kind" });
}

function parseBody<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AppError("bad_frame", { detail: "The body is not JSON" });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => issue.path.join(".") || "body").slice(0, 5);
  throw new AppError("bad_frame", { detail: `The body does not fit: ${where.join(", ")}` });
}
