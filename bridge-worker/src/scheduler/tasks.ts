// Calls as the policy sees them, and its refusals as callers hear them. Pure.
import type { ErrorCode, Outcome, ReadOutcome } from "../protocol.ts";
import type { CommandCall, ReadCall } from "./calls.ts";
import type { RefusalReason, Work, WorkKind } from "./policy/work.ts";
import { isAccountRead } from "./show-reading.ts";
import { policyLane, policyServer } from "./task.ts";

const KIND_OF_COMMAND = {
  trade: "open",
  close_position: "close",
  cancel_order: "change",
} as const satisfies Record<CommandCall["body"]["request"]["kind"], WorkKind>;

export function workOfCommand(call: CommandCall, arrivedMs: number, proven: boolean): Work {
  return {
    ...common(call, arrivedMs, proven),
    ...{ kind: KIND_OF_COMMAND[call.body.request.kind], maxAgeMs: 0, snapshotable: false },
  };
}

/** `nth`: of this process. A read's own id is no name for it: the same frame may come twice, and be read twice. */
export function workOfRead(call: ReadCall, nth: number, arrivedMs: number, proven: boolean): Work {
  const { request } = call.body;
  return {
    ...common(call, arrivedMs, proven),
    id: `read ${nth}`,
    kind: request.kind === "connect" ? "verify" : "read",
    maxAgeMs: isAccountRead(request) ? request.max_age_ms : 0,
    snapshotable: isAccountRead(request),
  };
}

function common(
  { id, userId, account, notAfterMs }: CommandCall | ReadCall,
  arrivedMs: number,
  proven: boolean,
): Pick<Work, "id" | "lane" | "server" | "user" | "arrivedMs" | "deadlineMs" | "proven"> {
  const { server } = account;
  return {
    ...{ id, user: userId, lane: policyLane(account), server: policyServer(server) },
    ...{ arrivedMs, deadlineMs: notAfterMs, proven },
  };
}

export type Refused = { reason: RefusalReason; retryAfterMs: number };

/** Nothing was written down: the key is free again. */
export function refusedCommand(refused: Refused): Outcome {
  return { state: "refused", release: true, ...sayRefused(refused) };
}

export function refusedRead(refused: Refused): ReadOutcome {
  return { ok: false, ...sayRefused(refused) };
}

function sayRefused({ reason, retryAfterMs }: Refused): { code: ErrorCode; detail?: string; retry_after_ms?: number } {
  switch (reason) {
    case "no_terminal":
      return { code: "terminal_unavailable", detail: "No terminal of this worker may log in to this server" };
    case "slow_login": {
      const detail = "A login is needed, and takes longer on this server than the time left";
      return { code: "worker_busy", detail, ...(retryAfterMs > 0 && { retry_after_ms: retryAfterMs }) };
    }
    case "user_share":
      return { code: "too_many_requests", retry_after_ms: retryAfterMs };
    case "overloaded":
    case "queue_full":
      return { code: "worker_busy", retry_after_ms: retryAfterMs };
  }
}
