// The limits an owner may put on an account. The schema is strict: a misspelt limit must never look like no limit. Pure.
import { z } from "zod";
import { SymbolName } from "./ids.ts";

const Volume = z.number().positive().max(100_000);
const ClockTime = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, "must be a time of day, HH:MM");

/** One window of the broker's week; `days` counts from 0 = Sunday; a window never crosses midnight. */
export const TradingWindow = z.strictObject({
  days: z.array(z.int().min(0).max(6)).min(1).max(7),
  from: ClockTime,
  to: ClockTime.or(z.literal("24:00")),
});

/**
 * Volumes in lots; losses in the account's currency; percent of the highest equity seen. Enforced by the worker in the
 * account's own lane, so that orders sent at the same moment cannot each pass a limit of one.
 */
export const RiskLimits = z.strictObject({
  max_volume_per_order: Volume.optional(),
  max_open_positions: z.int().min(0).max(10_000).optional(),
  max_open_volume: Volume.optional(),
  max_daily_loss: z.number().positive().max(1e12).optional(),
  max_drawdown_percent: z.number().positive().max(100).optional(),
  allowed_symbols: z.array(SymbolName).max(500).optional(),
  blocked_symbols: z.array(SymbolName).max(500).optional(),
  max_orders_per_minute: z.int().min(1).max(1000).optional(),
  trading_hours: z.array(TradingWindow).max(50).optional(),
  reduce_only: z.boolean().optional(),
  trading_enabled: z.boolean().optional(),
});
export type RiskLimits = z.infer<typeof RiskLimits>;
