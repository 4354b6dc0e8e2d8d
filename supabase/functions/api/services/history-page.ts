// Which page of an account's history a caller means, and whether it may be asked for. Pure.
import { AppError } from "../../_shared/errors/mod.ts";
import {
  CLOCK_TOLERANCE_S,
  HISTORY_DEFAULT_MS,
  HISTORY_MAX_MS,
  HISTORY_PAGE_DEFAULT,
  periodFault,
  type ReadRequest,
} from "../../_shared/protocol/mod.ts";

/** `from` and `to` as the caller gave them: ISO 8601 UTC. */
export type HistoryWish = { from?: string; to?: string; position?: string; limit?: number; cursor?: string };
export type HistoryPage = Omit<Extract<ReadRequest, { kind: "history_deals" }>, "kind">;

/** `nowMs`: Unix milliseconds. Throws `invalid_request` for a period that cannot be. */
export function historyPage(wish: HistoryWish, nowMs: number): HistoryPage {
  const { from, to, position, limit = HISTORY_PAGE_DEFAULT, cursor } = wish;
  const endMs = to === undefined ? nowMs : Date.parse(to);
  const from_ms = Math.max(0, from === undefined ? endMs - HISTORY_DEFAULT_MS : Date.parse(from));
  const message = periodFault(from_ms, endMs);
  if (message !== undefined) {
    throw new AppError("invalid_request", { detail: `to: ${message}`, fields: [{ path: "to", message }] });
  }
  // The broker's clock may be ahead of ours, and "until now" means the order of a moment ago too.
  const openEndMs = Math.min(endMs + CLOCK_TOLERANCE_S * 1000, from_ms + HISTORY_MAX_MS);
  return { from_ms, to_ms: to === undefined ? openEndMs : endMs, position, limit, cursor };
}
