// Settles a command whose answer was lost by asking the process that was to send it. Only that very process knows: its
// memory of tags begins and ends with it, so another one proves nothing. Poisoning comes first, because a tag that has
// not begun by then never will, and what has ended cannot be changed by it.
import type { Intent } from "../journal/mod.ts";
import { classifySend, type SendRequest, type TagState } from "../mt5/mod.ts";
import { isSameAccount, type Outcome } from "../protocol.ts";
import type { TerminalSession } from "../terminals/mod.ts";
import { NO_TIMINGS } from "./judge-records.ts";

export type GuardWord = {
  /** The final outcome, if the process could prove one. */
  outcome?: Outcome;
  /** The send is certainly not under way any more: it ended, or its process did. */
  over: boolean;
  /** The order was sent and may have gone to another account than it should. */
  elsewhere: boolean;
  /** For the evidence: what it said. */
  seen: string;
};

/** May throw TerminalLost. `session`: the terminal that was to send, opened. */
export async function askGuard(session: Pick<TerminalSession, "epoch" | "poison">, intent: Intent): Promise<GuardWord> {
  if (intent.epoch === null || session.epoch === null) {
    return { over: false, elsewhere: false, seen: "not_asked" };
  }
  if (session.epoch !== intent.epoch) return { over: true, elsewhere: false, seen: "another_process" };
  const state = await session.poison(intent.tag, intent.id, intent.epoch);
  const outcome = outcomeOfTag(state, intent);
  return {
    ...(outcome === undefined ? {} : { outcome }),
    over: state.kind === "finished" || state.kind === "poisoned",
    elsewhere: wentElsewhere(state, intent),
    seen: state.kind,
  };
}

/** Pure. `waiting`, `sending` and `forgotten` prove nothing; an answer that was unclear stays so. */
export function outcomeOfTag(state: TagState, intent: Intent): Outcome | undefined {
  const evidence = { settled_by: "guard", epoch: intent.epoch, tag_state: state.kind };
  if (state.kind === "poisoned")
    return notExecuted("The terminal's process never began the order and now never will", evidence);
  if (state.kind !== "finished") return undefined;
  const verdict = classifySend(state.reply, intent.account, intent.plan as SendRequest);
  switch (verdict.state) {
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

function wentElsewhere(state: TagState, intent: Intent): boolean {
  if (state.kind !== "finished" || state.reply.kind !== "sent") return false;
  return state.reply.after !== null && !isSameAccount(state.reply.after, intent.account);
}

export function notExecuted(detail: string, evidence: Record<string, unknown>): Outcome {
  return { state: "not_executed", code: "not_executed", detail, evidence };
}
