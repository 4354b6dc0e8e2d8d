// What a terminal says, field by field, under MetaTrader's own names: the schemas every TerminalPort answers with. Pure.
// Source of names and meanings: the MetaTrader5 Python package's named tuples (AccountInfo, TerminalInfo, SymbolInfo,
// Tick, TradePosition, TradeOrder, TradeDeal, OrderSendResult). Tickets, ids and magic are 64-bit and travel as text.
// A number the terminal cannot give (NaN, infinity) travels as null and is refused where a decision would rest on it.
import { z } from "zod";

const Id = z.string().regex(/^[0-9]{1,20}$/);
const Num = z.number();
/** Display values that a terminal may leave undefined: NaN arrives as null and is shown as 0. */
const Shown = z
  .number()
  .nullable()
  .transform((value) => value ?? 0);

/** Money in the deposit currency; margin_level in percent; margin_mode 0 netting, 1 exchange, 2 hedging. */
export const AccountFacts = z.object({
  login: Id,
  server: z.string(),
  name: z.string(),
  company: z.string(),
  currency: z.string(),
  currency_digits: z.int(),
  trade_mode: z.int(),
  margin_mode: z.int(),
  leverage: z.int(),
  limit_orders: z.int(),
  trade_allowed: z.boolean(),
  trade_expert: z.boolean(),
  balance: Num,
  credit: Shown,
  profit: Shown,
  equity: Num,
  margin: Shown,
  margin_free: Shown,
  margin_level: Shown,
});
export type AccountFacts = z.infer<typeof AccountFacts>;

/** `connected`: to the broker; `trade_allowed`: the AutoTrading button; `tradeapi_disabled`: Python may not trade. */
export const TerminalFacts = z.object({
  connected: z.boolean(),
  trade_allowed: z.boolean(),
  tradeapi_disabled: z.boolean(),
  build: z.int(),
  path: z.string(),
  ping_last: Shown,
});
export type TerminalFacts = z.infer<typeof TerminalFacts>;

/** Bit masks: filling_mode 1 FOK, 2 IOC, 4 BOC; expiration_mode 1 GTC, 2 DAY, 4 SPECIFIED, 8 SPECIFIED_DAY; order_mode
 * 1 market, 2 limit, 4 stop, 8 stop-limit, 16 SL, 32 TP, 64 close-by. trade_mode 0 disabled, 1 long only, 2 short only,
 * 3 close only, 4 full. trade_exemode 0 request, 1 instant, 2 market, 3 exchange. Distances in points. */
export const SymbolFacts = z.object({
  name: z.string(),
  digits: z.int(),
  point: Num,
  trade_tick_size: Num,
  trade_contract_size: Num,
  volume_min: Num,
  volume_max: Num,
  volume_step: Num,
  volume_limit: Shown,
  trade_mode: z.int(),
  trade_exemode: z.int(),
  filling_mode: z.int(),
  expiration_mode: z.int(),
  order_mode: z.int(),
  trade_stops_level: z.int(),
  trade_freeze_level: z.int(),
  currency_base: z.string(),
  currency_profit: z.string(),
  currency_margin: z.string(),
});
export type SymbolFacts = z.infer<typeof SymbolFacts>;

/** `time_msc`: milliseconds of the broker's clock written as if it were UTC. */
export const TickFacts = z.object({ time_msc: z.int(), bid: Num, ask: Num, last: Shown });
export type TickFacts = z.infer<typeof TickFacts>;

/** type 0 buy, 1 sell. sl and tp are 0 when not set. Times: seconds and milliseconds of the broker's clock. */
export const PositionFacts = z.object({
  ticket: Id,
  identifier: Id,
  symbol: z.string(),
  type: z.int(),
  volume: Num,
  price_open: Num,
  price_current: Shown,
  sl: Shown,
  tp: Shown,
  profit: Shown,
  swap: Shown,
  magic: Id,
  comment: z.string(),
  time_msc: z.int(),
});
export type PositionFacts = z.infer<typeof PositionFacts>;

/** A pending or historical order. `state`: ENUM_ORDER_STATE; `reason` 3: placed by a program. */
export const OrderFacts = z.object({
  ticket: Id,
  symbol: z.string(),
  type: z.int(),
  type_time: z.int(),
  type_filling: z.int(),
  state: z.int(),
  reason: z.int(),
  volume_initial: Num,
  volume_current: Num,
  price_open: Num,
  price_stoplimit: Shown,
  sl: Shown,
  tp: Shown,
  price_current: Shown,
  magic: Id,
  comment: z.string(),
  position_id: Id,
  time_setup_msc: z.int(),
  time_done_msc: z.int(),
  time_expiration: z.int(),
});
export type OrderFacts = z.infer<typeof OrderFacts>;

/** Also absent from what was written down before it was kept. */
const Booked = Shown.optional().transform((value) => value ?? 0);

/** `entry` 0 in, 1 out, 2 reversal, 3 out by. profit, swap, commission and fee: in the deposit currency. */
export const DealFacts = z.object({
  ticket: Id,
  order: Id,
  position_id: Id,
  symbol: z.string(),
  type: z.int(),
  entry: z.int(),
  reason: z.int(),
  volume: Num,
  price: Num,
  profit: Booked,
  swap: Booked,
  commission: Booked,
  fee: Booked,
  magic: Id,
  comment: z.string(),
  time_msc: z.int(),
});
export type DealFacts = z.infer<typeof DealFacts>;

/** What `order_send` returned. `volume` and `price` may be 0 although the order filled. */
export const SendResultFacts = z.object({
  retcode: z.int(),
  order: Id,
  deal: Id,
  volume: Shown,
  price: Shown,
  comment: z.string(),
});
export type SendResultFacts = z.infer<typeof SendResultFacts>;

/** `last_error()`: code (1 = fine, negative = the package's RES_E_… codes) and text. */
export const LastError = z.tuple([z.int(), z.string()]);
export type LastError = z.infer<typeof LastError>;
