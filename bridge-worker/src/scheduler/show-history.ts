// A page of an account's history: what the terminal is asked for it, and how one user is shown what it answered. Pure but
// for the look into the journal for whose order it was.
import {
  type BrokerClock,
  dealPlace,
  dealView,
  historyOrderView,
  orderPlace,
  type Place,
  type Records,
  type RecordsQuery,
} from "../mt5/mod.ts";
import type { ReadRequest } from "../protocol.ts";
import type { ReadCall } from "./calls.ts";
import { marksFor, type ShowDeps } from "./show-reading.ts";

export type HistoryRead = Extract<ReadRequest, { kind: "history_orders" | "history_deals" }>;

export function isHistoryRead(request: ReadRequest): request is HistoryRead {
  return request.kind === "history_orders" || request.kind === "history_deals";
}

/** While the broker's offset is not known the period is wide enough for every zone: too much is better than a gap. */
export function recordsQuery(request: HistoryRead, server: string, clock: BrokerClock): RecordsQuery {
  const { kind, from_ms, to_ms, position, limit, cursor } = request;
  return {
    list: kind === "history_orders" ? "orders" : "deals",
    fromMsc: clock.toBroker(server, from_ms).earliestMsc,
    toMsc: clock.toBroker(server, to_ms).latestMsc,
    ...(position === undefined ? {} : { position }),
    ...(cursor === undefined ? {} : { before: placeIn(cursor) }),
    limit,
  };
}

/** `asOfMs`: Unix milliseconds at which it was read. */
export function showRecords(
  { journal, clock }: ShowDeps,
  { userId, account: { server } }: ReadCall,
  { kind }: HistoryRead,
  { orders, deals, truncated }: Records,
  asOfMs: number,
): object {
  const as_of = new Date(asOfMs).toISOString();
  const marks = marksFor(journal, userId);
  if (kind === "history_orders") {
    const data = orders.map((row) => historyOrderView(row, server, clock, marks));
    return { data, next_cursor: nextCursor(orders.map(orderPlace), truncated), as_of };
  }
  const data = deals.map((row) => dealView(row, server, clock, marks));
  return { data, next_cursor: nextCursor(deals.map(dealPlace), truncated), as_of };
}

/** The broker's own time, so that a page goes on where the last one ended although the offset was learned in between. */
function nextCursor(places: readonly Place[], truncated: boolean): string | null {
  const last = places.at(-1);
  return truncated && last !== undefined ? `${last.timeMsc}-${last.ticket}` : null;
}

function placeIn(cursor: string): Place {
  const [timeMsc = "", ticket = ""] = cursor.split("-");
  return { timeMsc: Number(timeMsc), ticket };
}
