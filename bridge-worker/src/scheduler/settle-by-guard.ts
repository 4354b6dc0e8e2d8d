// Settles a command whose answer was lost by asking the process that was to send it. Only that very process knows: its
// memory of tags begins and ends with it, so another one proves nothing. Poisoning comes first, because a tag that has
// not begun by then never will, and what has ended cannot be changed by it.
import type { Intent } from "../journal/mod.ts";
import { classifySend, type SendRequest, type TagState } from "../mt5/mod.ts";
import type { Outcome } from "../protocol.ts";
import type { TerminalSession } from "../terminals/mod.ts";

/** The final outcome, or undefined while nothing is proven. May throw TerminalLost. */
export async function settleByGuard(
  session: Pick<TerminalSession, "epoch" | "poison">,
  intent: Intent,
): Promise<Outcome | undefined> {
  if (intent.epoch === null || session.epoch !== intent.epoch) return undefined;
  return outcomeOfTag(await session.poison(intent.tag, intent.id), intent);
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

/** Nobody measured: the process that did is gone. */
const NO_TIMINGS = { queued_ms: 0, login_ms: 0, prepare_ms: 0, send_ms: 0, total_ms: 0 };

function notExecuted(detail: string, evidence: Record<string, unknown>): Outcome {
  return { state: "not_executed", code: "not_executed", detail, evidence };
}
