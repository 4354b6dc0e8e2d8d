// What the numbers that MetaTrader answers with mean for money: the one table of trade return codes and of `last_error`
// codes. Pure. Names and values: MQL5 reference (TRADE_RETCODE_…) and the MetaTrader5 package (RES_…); the outcome class
// is ours, and cautious: only what certainly made no order is `rejected`.
import type { ErrorCode } from "../protocol.ts";

/** `done`: the broker has the order. `rejected`: certainly no order. `unknown`: nobody can say yet. */
export type OutcomeClass = "done" | "rejected" | "unknown";

export type CodeRow = {
  name: string;
  outcome: OutcomeClass;
  /** The catalogue's word for it; null when nothing failed. */
  code: ErrorCode | null;
};

const done = (name: string): CodeRow => ({ name, outcome: "done", code: null });
const rejected = (name: string): CodeRow => ({ name, outcome: "rejected", code: "broker_rejected" });
const unknown = (name: string): CodeRow => ({ name, outcome: "unknown", code: "outcome_unknown" });

/**
 * What each says by itself; of some, the request says the rest (classify-send.ts). 10005 and 10037 do not exist. 0 belongs
 * to `order_check` alone, so after a send it is as foreign as any other number.
 */
export const TradeRetcodes: Readonly<Record<number, CodeRow>> = {
  10004: rejected("REQUOTE"),
  10006: rejected("REJECT"),
  10007: rejected("CANCEL"),
  10008: done("PLACED"),
  10009: done("DONE"),
  10010: done("DONE_PARTIAL"),
  10011: unknown("ERROR"),
  10012: unknown("TIMEOUT"),
  10013: rejected("INVALID"),
  10014: rejected("INVALID_VOLUME"),
  10015: rejected("INVALID_PRICE"),
  10016: rejected("INVALID_STOPS"),
  10017: rejected("TRADE_DISABLED"),
  10018: rejected("MARKET_CLOSED"),
  10019: rejected("NO_MONEY"),
  10020: rejected("PRICE_CHANGED"),
  10021: rejected("PRICE_OFF"),
  10022: rejected("INVALID_EXPIRATION"),
  10023: unknown("ORDER_CHANGED"),
  10024: rejected("TOO_MANY_REQUESTS"),
  10025: done("NO_CHANGES"),
  10026: rejected("SERVER_DISABLES_AT"),
  10027: rejected("CLIENT_DISABLES_AT"),
  10028: unknown("LOCKED"),
  10029: rejected("FROZEN"),
  10030: rejected("INVALID_FILL"),
  10031: unknown("CONNECTION"),
  10032: rejected("ONLY_REAL"),
  10033: rejected("LIMIT_ORDERS"),
  10034: rejected("LIMIT_VOLUME"),
  10035: rejected("INVALID_ORDER"),
  10036: rejected("POSITION_CLOSED"),
  10038: rejected("INVALID_CLOSE_VOLUME"),
  10039: rejected("CLOSE_ORDER_EXIST"),
  10040: rejected("LIMIT_POSITIONS"),
  10041: rejected("REJECT_CANCEL"),
  10042: rejected("LONG_ONLY"),
  10043: rejected("SHORT_ONLY"),
  10044: rejected("CLOSE_ONLY"),
  10045: rejected("FIFO_CLOSE"),
  10046: rejected("HEDGE_PROHIBITED"),
};

export type LastErrorRow = {
  name: string;
  /** What it proves when `order_send` returned None. Only -2 means that nothing left the process. */
  afterSend: OutcomeClass;
  /** Did the broker judge login and password when this ended a login? */
  login: "auth_failed" | "no_connection";
  /** What a reader of the account is told. */
  code: ErrorCode;
};

const afterAll = (name: string, code: ErrorCode = "terminal_unavailable"): LastErrorRow => ({
  name,
  afterSend: "unknown",
  login: "no_connection",
  code,
});

export const LastErrors: Readonly<Record<number, LastErrorRow>> = {
  1: afterAll("RES_S_OK", "internal_error"),
  [-1]: afterAll("RES_E_FAIL"),
  [-2]: { ...afterAll("RES_E_INVALID_PARAMS", "internal_error"), afterSend: "rejected" },
  [-3]: afterAll("RES_E_NO_MEMORY"),
  [-4]: afterAll("RES_E_NOT_FOUND"),
  [-5]: afterAll("RES_E_INVALID_VERSION"),
  [-6]: { ...afterAll("RES_E_AUTH_FAILED", "login_failed"), login: "auth_failed" },
  // Accounts that want a certificate or a one-time password: no repetition will make them accept.
  [-7]: { ...afterAll("RES_E_UNSUPPORTED", "login_failed"), login: "auth_failed" },
  [-8]: afterAll("RES_E_AUTO_TRADING_DISABLED", "trading_not_allowed"),
  [-10000]: afterAll("RES_E_INTERNAL_FAIL"),
  [-10001]: afterAll("RES_E_INTERNAL_FAIL_SEND"),
  [-10002]: afterAll("RES_E_INTERNAL_FAIL_RECEIVE"),
  [-10003]: afterAll("RES_E_INTERNAL_FAIL_INIT"),
  [-10004]: afterAll("RES_E_INTERNAL_FAIL_CONNECT"),
  [-10005]: afterAll("RES_E_INTERNAL_FAIL_TIMEOUT"),
};

/** A number that no list names may mean anything. */
export function retcodeRow(retcode: number): CodeRow {
  return TradeRetcodes[retcode] ?? unknown(`RETCODE_${retcode}`);
}

export function lastErrorRow(code: number): LastErrorRow {
  return LastErrors[code] ?? afterAll(`RES_${code}`);
}
