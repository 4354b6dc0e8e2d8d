// What an account did: how its records are asked for, and what one of them looks like. Pure.
import { z } from "zod";
import { Ticket } from "../domain/mod.ts";
import { HISTORY_MAX_MS, HISTORY_PAGE_MAX } from "./limits.ts";
import { BrokerTime, MarkFields, OrderView, UtcTime } from "./views.ts";

/** Where the next page begins: the last record's time on the broker's clock, in milliseconds, and its ticket. */
export const HistoryCursor = z.string().regex(/^[0-9]{1,15}-[0-9]{1,20}$/, "must be a `next_cursor` of this list");

const DAY_MS = 24 * 60 * 60 * 1000;

/** Undefined: the period may be asked for. Times in Unix milliseconds. */
export function periodFault(fromMs: number, toMs: number): string | undefined {
  if (toMs <= fromMs) return "must be later than `from`";
  return toMs - fromMs > HISTORY_MAX_MS ? `must be at most ${HISTORY_MAX_MS / DAY_MS} days after \`from\`` : undefined;
}

/** `from_ms` is inside the period and `to_ms` is not: Unix milliseconds. */
function historyRequest<Kind extends string>(kind: Kind) {
  return z
    .strictObject({
      kind: z.literal(kind),
      from_ms: z.int().min(0),
      to_ms: z.int().min(0),
      position: Ticket.optional(),
      limit: z.int().min(1).max(HISTORY_PAGE_MAX),
      cursor: HistoryCursor.optional(),
    })
    .check(({ value, issues }) => {
      const message = periodFault(value.from_ms, value.to_ms);
      if (message !== undefined) issues.push({ code: "custom", input: value.to_ms, path: ["to_ms"], message });
    });
}
export const HistoryOrdersRequest = historyRequest("history_orders");
export const HistoryDealsRequest = historyRequest("history_deals");

/** `time`: when it was placed; `done_time`: when it was filled, cancelled or refused. */
export const HistoryOrderView = OrderView.omit({ price_current: true }).extend({
  position_ticket: Ticket.nullable(),
  reason: z.string(),
  done_time: UtcTime,
  broker_done_time: BrokerTime.nullable(),
});
export type HistoryOrderView = z.infer<typeof HistoryOrderView>;

/** Money in the account's currency. A deal may be no trade: a deposit, a correction; it has no order or position then. */
export const DealView = z.object({
  ticket: Ticket,
  order_ticket: Ticket.nullable(),
  position_ticket: Ticket.nullable(),
  symbol: z.string(),
  deal_type: z.string(),
  entry: z.string(),
  reason: z.string(),
  volume: z.number(),
  price: z.number(),
  profit: z.number(),
  swap: z.number(),
  commission: z.number(),
  fee: z.number(),
  time: UtcTime,
  broker_time: BrokerTime,
  ...MarkFields,
});
export type DealView = z.infer<typeof DealView>;
