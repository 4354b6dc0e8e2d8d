// What a terminal shows, as every answer shows it: account, position, pending order. Pure.
import { z } from "zod";
import { Login, Ticket, TradeMode } from "../domain/mod.ts";

/** UTC; null while the broker's clock is not known. */
export const UtcTime = z.iso.datetime().nullable();
/** The broker's own clock, without a zone, as the terminal shows it. */
export const BrokerTime = z.string();

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
export const MarkFields = {
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
  time: UtcTime,
  broker_time: BrokerTime,
  ...MarkFields,
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
  expires_at: UtcTime,
  time: UtcTime,
  broker_time: BrokerTime,
  ...MarkFields,
});
export type OrderView = z.infer<typeof OrderView>;
