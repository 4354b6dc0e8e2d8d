// What the system can be asked to tell: one schema per read kind, and what the answer looks like. Pure.
// Connect, switch and status count as reads: they change nothing at the broker and may be repeated.
import { z } from "zod";
import { AccountType, SymbolName } from "../domain/mod.ts";
import { HealthLayer } from "./account-health.ts";
import { DealView, HistoryCursor, HistoryDealsRequest, HistoryOrdersRequest, HistoryOrderView } from "./history.ts";
import { MAX_AGE_MAX_MS } from "./limits.ts";
import { AccountInfoView, OrderView, PositionView } from "./views.ts";

const MaxAge = z.int().min(0).max(MAX_AGE_MAX_MS);

export const ReadRequest = z.discriminatedUnion("kind", [
  /** Always a real login with the credential, also on a terminal that is already there. */
  z.strictObject({ kind: z.literal("connect"), account_type: AccountType.optional() }),
  z.strictObject({ kind: z.literal("switch") }),
  z.strictObject({ kind: z.literal("account_status"), symbol: SymbolName.optional() }),
  z.strictObject({ kind: z.literal("account_info"), max_age_ms: MaxAge }),
  z.strictObject({ kind: z.literal("positions"), max_age_ms: MaxAge, symbol: SymbolName.optional() }),
  z.strictObject({ kind: z.literal("orders"), max_age_ms: MaxAge, symbol: SymbolName.optional() }),
  HistoryOrdersRequest,
  HistoryDealsRequest,
]);
export type ReadRequest = z.infer<typeof ReadRequest>;
export type ReadKind = ReadRequest["kind"];

export const ReadBody = z.strictObject({ request: ReadRequest, credential: z.string().min(1).max(4096) });
export type ReadBody = z.infer<typeof ReadBody>;

const AsOf = z.iso.datetime();
const NextCursor = HistoryCursor.nullable();
/** What each read kind answers. `as_of`: when the terminal was read. `truncated`: more rows than one answer holds. */
export const ReadValues = {
  connect: z.object({ account: AccountInfoView, as_of: AsOf }),
  switch: z.object({ account: AccountInfoView, as_of: AsOf }),
  account_status: z.object({ healthy: z.boolean(), layers: z.array(HealthLayer), as_of: AsOf }),
  account_info: z.object({ account: AccountInfoView, as_of: AsOf }),
  positions: z.object({ positions: z.array(PositionView), truncated: z.boolean(), as_of: AsOf }),
  orders: z.object({ orders: z.array(OrderView), truncated: z.boolean(), as_of: AsOf }),
  history_orders: z.object({ data: z.array(HistoryOrderView), next_cursor: NextCursor, as_of: AsOf }),
  history_deals: z.object({ data: z.array(DealView), next_cursor: NextCursor, as_of: AsOf }),
} as const satisfies Record<ReadKind, z.ZodType>;
export type ReadValue<K extends ReadKind> = z.infer<(typeof ReadValues)[K]>;
