// Settles a command whose answer was lost by asking the process that was to send it. Only that very process knows: its
// memory of tags begins and ends with it, so another one proves nothing. Poisoning comes first, because a tag that has
// not begun by then never will, and what has ended cannot be changed by it.
import type { Intent } from "../journal/mod.ts";
import { classifySend, type SendRequest, type SendVerdict, type TagState, type UnknownReason } from "../mt5/mod.ts";
import type { Outcome } from "../protocol.ts";
import type { TerminalSession } from "../terminals/mod.ts";
import { NO_TIMINGS } from "./judge-records.ts";

export type GuardWord = {
  /** The final outcome, if the process could prove one. */
  outcome?: Outcome;
  /** The send is certainly not under way any more: it ended, or its process did. */
  over: boolean;
  /** It was sent, and the answer settles nothing: what it says all the same. Null: there is no such answer. */
  unclear: Extract<SendVerdict, { state: "unknown" }>["evidence"] | null;
  /** For the evidence: what it said. */
  seen: string;
};

/** May throw TerminalLost. `session`: the terminal that was to send, opened. */
export async function askGuard(session: Pick<TerminalSession, "epoch" | "poison">, intent: Intent): Promise<GuardWord> {
  if (intent.epoch === null || session.epoch === null) {
    return { over: false, unclear: null, seen: "not_asked" };
  }
  if (session.epoch !== intent.epoch) return { over: true, unclear: null, seen: "another_process" };
  const state = await session.poison(intent.tag, intent.id, intent.epoch);
  const outcome = outcomeOfTag(state, intent);
  return {
    ...(outcome === undefined ? {} : { outcome }),
    over: state.kind === "finished" || state.kind === "poisoned",
    unclear: unclearIn(judged(state, intent)),
    seen: state.kind,
  };
}

/** Pure. `waiting`, `sending` and `forgotten` prove nothing; an answer that was unclear stays so. */
export function outcomeOfTag(state: TagState, intent: Intent): Outcome | undefined {
  const evidence = { settled_by: "guard", epoch: intent.epoch, tag_state: state.kind };
  if (state.kind === "poisoned")
    return notExecuted("The terminal's process never began the order and now never will", evidence);
  const verdict = judged(state, intent);
  switch (verdict?.state) {
    case undefined:
      return undefined;
    case "done":
      return { state: "done", result: verdict.result, timings: NO_TIMINGS, evidence };
    case "rejected":
      return { state: "rejected", code: verdict.code, detail: verdict.detail, mt5: verdict.mt5, evidence };
    case "refused":
    case "expired":
      return notExecuted(verdict.detail, evidence);
    case "unknown":
      return undefined;
  }
}

/** These leave open on which account the order is: the records of one account prove no absence then. */
const ELSEWHERE: readonly unknown[] = [
  "account_changed_during_send",
  "account_unread_after_send",
] satisfies UnknownReason[];

/** `evidence`: what an unknown outcome rests on. */
export function isElsewhere(evidence: Record<string, unknown> | null): boolean {
  return ELSEWHERE.includes(evidence?.reason);
}

function unclearIn(verdict: SendVerdict | undefined): GuardWord["unclear"] {
  return verdict?.state === "unknown" ? verdict.evidence : null;
}

function judged(state: TagState, intent: Intent): SendVerdict | undefined {
  if (state.kind !== "finished") return undefined;
  return classifySend(state.reply, intent.account, intent.plan as SendRequest);
}

export function notExecuted(detail: string, evidence: Record<string, unknown>): Outcome {
  return { state: "not_executed", code: "not_executed", detail, evidence };
}
