// The judgement over a send: from what the guard answered to the state of the command. Pure; every number it looks at is
// in retcodes.ts.
import { type AccountRef, type ErrorCode, isSameAccount, type TradeResult } from "../protocol.ts";
import type { LastError, SendResultFacts } from "./facts.ts";
import { lastErrorRow, type OutcomeClass, retcodeRow, TradeRetcodes } from "./retcodes.ts";
import type { SendRefusal, SendReply, SendRequest } from "./terminal-port.ts";

/** Why an answer does not settle the outcome. */
export type UnknownReason =
  | "no_result"
  | "ambiguous_retcode"
  | "unlisted_retcode"
  | "account_changed_during_send"
  | "account_unread_after_send";

export type Mt5Fault = { retcode?: number; name?: string; last_error?: LastError };

type Common = {
  /** Null: `order_send` was not called, or returned None. */
  retcode: number | null;
  /** Another account was shown after the send: the terminal must not be used before it was looked at. */
  quarantine: boolean;
};

export type SendVerdict =
  /** `changed` false: retcode 10025, everything was as asked already. */
  | (Common & { state: "done"; retcode: number; result: TradeResult; changed: boolean })
  | (Common & { state: "rejected"; code: ErrorCode; detail: string; mt5: Mt5Fault })
  /** The guard did not call `order_send`: `reason` says why. */
  | (Common & { state: "refused" | "expired"; code: ErrorCode; detail: string; mt5?: undefined; reason: SendRefusal })
  | (Common & { state: "unknown"; evidence: { reason: UnknownReason } & Record<string, unknown> });

type RefusalRow = { state: "refused" | "expired"; code: ErrorCode; detail: string };

/** What each refusal of the guard is towards the caller. In every case nothing was sent. */
export const Refusals: Readonly<Record<SendRefusal, RefusalRow>> = {
  stale_owner: refused("terminal_unavailable", "Another worker has taken over the terminal"),
  expired: { state: "expired", code: "deadline_exceeded", detail: "The time was over before the order could be sent" },
  poisoned: refused("terminal_unavailable", "The order was stopped before it was sent"),
  wrong_account: refused("terminal_unavailable", "The terminal was on another account"),
  wrong_terminal: refused("terminal_unavailable", "Another terminal was reached than the configured one"),
  not_connected: refused("terminal_unavailable", "The terminal has no connection to the broker"),
  trading_disabled: refused("trading_not_allowed", "Trading is switched off in the terminal or for this account"),
  position_changed: refused("position_not_found", "The position no longer has that side and volume"),
};

function refused(code: ErrorCode, detail: string): RefusalRow {
  return { state: "refused", code, detail };
}

/** ENUM_TRADE_REQUEST_ACTIONS. */
const ACTION_DEAL = 1;
const ACTION_REMOVE = 8;
/** SLTP and MODIFY. */
const CHANGING_ACTIONS: ReadonlySet<number> = new Set([6, 7]);
const MARGIN_MODE_HEDGING = 2;
const PLACED = 10008;
const DONE = 10009;
const NO_CHANGES = 10025;

/**
 * `expected`: the command's account, which the guard compared just before the send; `done` needs the reading after the
 * send to match too. A rejection stands whatever account is shown: no account got an order. `marginMode` (of the account)
 * lets the answer name the position that an opening deal made.
 */
export function classifySend(
  reply: SendReply,
  expected: AccountRef,
  request: SendRequest,
  marginMode?: number,
): SendVerdict {
  if (reply.kind === "refused") {
    return { ...Refusals[reply.reason], reason: reply.reason, retcode: null, quarantine: false };
  }
  const { result, lastError, after } = reply;
  const quarantine = after !== null && !isSameAccount(after, expected);
  if (result === null) return withoutResult(lastError, quarantine, after);

  const { retcode } = result;
  const row = retcodeRow(retcode);
  const outcome = classOf(row.outcome, result, request);
  if (outcome === "rejected") {
    const detail = `The broker answered ${retcode} ${row.name}`;
    return {
      state: "rejected",
      code: "broker_rejected",
      detail,
      mt5: { retcode, name: row.name },
      retcode,
      quarantine,
    };
  }
  const reason = doubt(outcome, retcode, quarantine, after);
  if (reason === undefined) {
    const changed = retcode !== NO_CHANGES;
    return { state: "done", result: tradeResult(result, row.name, request, marginMode), changed, retcode, quarantine };
  }
  const { order, deal } = result;
  const evidence = {
    reason,
    retcode,
    retcode_name: row.name,
    last_error: lastError,
    order,
    deal,
    account_after: told(after, quarantine),
  };
  return { state: "unknown", evidence, retcode, quarantine };
}

/** None: only an error of the request itself, read in the same locked call, proves that nothing left the process. */
function withoutResult(lastError: LastError, quarantine: boolean, after: AccountRef | null): SendVerdict {
  const row = lastErrorRow(lastError[0]);
  if (row.afterSend !== "rejected") {
    const reason = quarantine ? "account_changed_during_send" : "no_result";
    const evidence = { reason, name: row.name, last_error: lastError, account_after: told(after, quarantine) } as const;
    return { state: "unknown", evidence, retcode: null, quarantine };
  }
  const mt5 = { name: row.name, last_error: lastError };
  const detail = "The terminal refused the form of the request and sent nothing";
  return { state: "rejected", code: "broker_rejected", detail, mt5, retcode: null, quarantine };
}

/** Evidence is shown to the command's user, and another account may be somebody else's: the worker's log names it. */
function told(after: AccountRef | null, isOther: boolean): AccountRef | "another account" | null {
  return isOther ? "another account" : after;
}

/** What the code means for this request, and beside what else the answer says. */
function classOf(listed: OutcomeClass, result: SendResultFacts, { action }: SendRequest): OutcomeClass {
  // A deal is the proof of an order, whatever the code says.
  if (listed === "rejected") return ticket(result.deal) === null ? "rejected" : "unknown";
  return listed === "done" && isDone(result, action) ? "done" : "unknown";
}

function isDone({ retcode, order }: SendResultFacts, action: number): boolean {
  // A removal that is accepted is none yet: the order may still fill.
  if (action === ACTION_REMOVE) return retcode === DONE;
  // Where nothing changed, nothing was opened either.
  if (retcode === NO_CHANGES) return CHANGING_ACTIONS.has(action);
  // The request may have been placed in a queue, and no order anywhere.
  return retcode !== PLACED || ticket(order) !== null;
}

function doubt(
  outcome: OutcomeClass,
  retcode: number,
  isOther: boolean,
  after: AccountRef | null,
): UnknownReason | undefined {
  if (isOther) return "account_changed_during_send";
  if (outcome === "unknown") return retcode in TradeRetcodes ? "ambiguous_retcode" : "unlisted_retcode";
  return after === null ? "account_unread_after_send" : undefined;
}

function tradeResult(
  result: SendResultFacts,
  name: string,
  request: SendRequest,
  marginMode: number | undefined,
): TradeResult {
  const order = ticket(result.order);
  const deal = ticket(result.deal);
  const isDeal = request.action === ACTION_DEAL;
  // On a netting account the deal may have joined a position that has an older ticket: better none than a wrong one.
  const opened = isDeal && deal !== null && marginMode === MARGIN_MODE_HEDGING ? order : null;
  return {
    retcode: result.retcode,
    retcode_name: name,
    order_ticket: order,
    deal_ticket: deal,
    position_ticket: request.position ?? opened,
    price: positive(result.price),
    volume: request.volume ?? result.volume,
    filled_volume: isDeal && result.retcode !== PLACED ? positive(result.volume) : null,
  };
}

function ticket(id: string): string | null {
  return /^0+$/.test(id) ? null : id;
}

/** A server that answers before the deal is booked leaves volume and price at 0. */
function positive(value: number): number | null {
  return value > 0 ? value : null;
}
