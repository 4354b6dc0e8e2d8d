// What the system can be asked to tell: one schema per read kind, and what the answer looks like. Pure.
// Connect, switch and status count as reads: they change nothing at the broker and may be repeated.
import { z } from "zod";
import { AccountType, Login, SymbolName, Ticket, TradeMode } from "../domain/mod.ts";
import { HealthLayer } from "./account-health.ts";
import { MAX_AGE_MAX_MS } from "./limits.ts";

const MaxAge = z.int().min(0).max(MAX_AGE_MAX_MS);

export const ReadRequest = z.discriminatedUnion("kind", [
  /** Always a real login with the credential, also on a terminal that is already there. */
  z.strictObject({ kind: z.literal("connect"), account_type: AccountType.optional() }),
  z.strictObject({ kind: z.literal("switch") }),
  z.strictObject({ kind: z.literal("account_status"), symbol: SymbolName.optional() }),
  z.strictObject({ kind: z.literal("account_info"), max_age_ms: MaxAge }),
  z.strictObject({ kind: z.literal("positions"), max_age_ms: MaxAge, symbol: SymbolName.optional() }),
  z.strictObject({ kind: z.literal("orders"), max_age_ms: MaxAge, symbol: SymbolName.optional() }),
]);
export type ReadRequest = z.infer<typeof ReadRequest>;
export type ReadKind = ReadRequest["kind"];

export const ReadBody = z.strictObject({ request: ReadRequest, credential: z.string().min(1).max(4096) });
export type ReadBody = z.infer<typeof ReadBody>;

const Time = z.iso.datetime().nullable();
/** The broker's own clock, without a zone, as the terminal shows it. */
const BrokerTime = z.string();

/** Money in the account's currency, `margin_level` in percent. `server` is spelled as the broker spells it. */
export const AccountInfoView = z.object({
  login: Login,
  server: z.string(),
  name: z.string(),
  company: z.string(),
  currency: z.string(),
  currency_digits: z.int(),
  balance: z.number(),
  equity: z.number(),
  profit: z.number(),
  credit: z.number(),
  margin: z.number(),
  margin_free: z.number(),
  margin_level: z.number(),
  leverage: z.int(),
  trade_mode: TradeMode,
  margin_mode: z.enum(["netting", "exchange", "hedging"]),
  /** False after a login with the investor password: the account can be read, not traded. */
  trade_allowed: z.boolean(),
  /** False when the broker forbids automated trading on this account. */
  trade_expert: z.boolean(),
});
export type AccountInfoView = z.infer<typeof AccountInfoView>;

/** `magic` and `comment` are the caller's own, given back to the user whose command made the position, else null. */
const Marks = {
  magic: z.union([z.number(), z.string()]).nullable(),
  comment: z.string().nullable(),
  command_id: z.guid().nullable(),
};

export const PositionView = z.object({
  ticket: Ticket,
  symbol: z.string(),
  side: z.enum(["buy", "sell"]),
  volume: z.number(),
  price_open: z.number(),
  price_current: z.number(),
  stop_loss: z.number().nullable(),
  take_profit: z.number().nullable(),
  profit: z.number(),
  swap: z.number(),
  time: Time,
  broker_time: BrokerTime,
  ...Marks,
});
export type PositionView = z.infer<typeof PositionView>;

export const OrderView = z.object({
  ticket: Ticket,
  symbol: z.string(),
  order_type: z.string(),
  state: z.string(),
  volume_initial: z.number(),
  volume_current: z.number(),
  price: z.number(),
  stop_limit_price: z.number().nullable(),
  stop_loss: z.number().nullable(),
  take_profit: z.number().nullable(),
  price_current: z.number(),
  time_in_force: z.string(),
  expires_at: Time,
  time: Time,
  broker_time: BrokerTime,
  ...Marks,
});
export type OrderView = z.infer<typeof OrderView>;

const AsOf = z.iso.datetime();
/** What each read kind answers. `as_of`: when the terminal was read. `truncated`: more rows than one answer holds. */
export const ReadValues = {
  connect: z.object({ account: AccountInfoView, as_of: AsOf }),
  switch: z.object({ account: AccountInfoView, as_of: AsOf }),
  account_status: z.object({ healthy: z.boolean(), layers: z.array(HealthLayer), as_of: AsOf }),
  account_info: z.object({ account: AccountInfoView, as_of: AsOf }),
  positions: z.object({ positions: z.array(PositionView), truncated: z.boolean(), as_of: AsOf }),
  orders: z.object({ orders: z.array(OrderView), truncated: z.boolean(), as_of: AsOf }),
} as const satisfies Record<ReadKind, z.ZodType>;
export type ReadValue<K extends ReadKind> = z.infer<(typeof ReadValues)[K]>;
