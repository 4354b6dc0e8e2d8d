// What the system can be asked to change: one schema per command kind. Pure. HTTP bodies, link frames and the worker's
// journal all carry exactly these shapes.
import { z } from "zod";
import {
  isMarketOrder,
  isStopLimit,
  OrderType,
  plainText,
  SymbolName,
  Tag,
  Ticket,
  TimeInForce,
} from "../domain/mod.ts";

const Price = z.number().positive().max(1e12);
const Volume = z.number().positive().max(100_000);
/** A magic number of the caller's own: any unsigned 64-bit value; a JSON number while it is exact, else digits. */
const Magic = z
  .int()
  .min(0)
  .or(z.string().regex(/^[0-9]{1,20}$/));

/**
 * One order to place. `price` is the limit or trigger price of a pending order, refused on market orders (they take the
 * market's). Prices in the symbol's quote currency, volumes in lots, `deviation_points` in points.
 */
export const TradeFields = z.strictObject({
  symbol: SymbolName,
  order_type: OrderType,
  volume: Volume,
  price: Price.optional(),
  stop_limit_price: Price.optional(),
  stop_loss: Price.optional(),
  take_profit: Price.optional(),
  deviation_points: z.int().min(0).max(100_000).optional(),
  filling: z.enum(["auto", "fok", "ioc", "return"]).optional(),
  time_in_force: TimeInForce.optional(),
  expires_at: z.iso.datetime({ offset: true }).optional(),
  magic: Magic.optional(),
  comment: plainText(z.string().max(64)).optional(),
  max_quote_age_ms: z.int().min(100).max(600_000).optional(),
});
export type TradeParams = z.infer<typeof TradeFields>;

/** What no single field can say: which of them belong together. Returns faults as (field, message). */
export function tradeFaults(trade: TradeParams): { path: keyof TradeParams; message: string }[] {
  const market = isMarketOrder(trade.order_type);
  const faults: { path: keyof TradeParams; message: string }[] = [];
  const rule = (broken: boolean, path: keyof TradeParams, message: string): void => {
    if (broken) faults.push({ path, message });
  };
  const specified = trade.time_in_force === "specified" || trade.time_in_force === "specified_day";
  const stopLimit = isStopLimit(trade.order_type);
  rule(market && trade.price !== undefined, "price", "is not for market orders: they take the market's price");
  rule(!market && trade.price === undefined, "price", "is required for a pending order");
  rule(stopLimit && trade.stop_limit_price === undefined, "stop_limit_price", "is required for a stop limit order");
  rule(!stopLimit && trade.stop_limit_price !== undefined, "stop_limit_price", "is only for stop limit orders");
  rule(market && trade.time_in_force !== undefined, "time_in_force", "is only for pending orders");
  rule(specified && trade.expires_at === undefined, "expires_at", "is required for this time_in_force");
  rule(!specified && trade.expires_at !== undefined, "expires_at", "needs time_in_force specified or specified_day");
  rule(!market && trade.deviation_points !== undefined, "deviation_points", "is only for market orders");
  rule(!market && trade.max_quote_age_ms !== undefined, "max_quote_age_ms", "is only for market orders");
  return faults;
}

/** Closes a position, whole or (with `volume`, in lots) in part. Never opens or reverses one. */
export const ClosePositionParams = z.strictObject({ ticket: Ticket, volume: Volume.optional() });
/** Removes a pending order. */
export const CancelOrderParams = z.strictObject({ ticket: Ticket });

export const CommandRequest = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("trade"), params: TradeFields }),
  z.strictObject({ kind: z.literal("close_position"), params: ClosePositionParams }),
  z.strictObject({ kind: z.literal("cancel_order"), params: CancelOrderParams }),
]);
export type CommandRequest = z.infer<typeof CommandRequest>;
export type CommandKind = CommandRequest["kind"];
export const CommandKinds = ["trade", "close_position", "cancel_order"] as const satisfies CommandKind[];

/**
 * The body of a `command` frame. `risk_limits` stays unparsed here: limits that do not parse must refuse openings in
 * the worker, not the whole frame, because closing must always work.
 */
export const CommandBody = z.strictObject({
  request: CommandRequest,
  tag: Tag,
  credential: z.string().min(1).max(4096),
  risk_limits: z.unknown(),
  /** The account's own wish: the caller's magic goes to the broker, and the tag stands in the comment alone. */
  pass_magic: z.boolean().optional(),
});
export type CommandBody = z.infer<typeof CommandBody>;
