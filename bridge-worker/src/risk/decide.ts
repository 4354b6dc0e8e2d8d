// The risk limits of an account, decided on what the terminal showed in the same lane just before the send. Reducing
// exposure is never blocked; limits that do not parse block every opening. Pure: times and counters are arguments.
import { RiskLimits } from "../protocol.ts";

export type RiskFacts = {
  /** The order about to be sent; `opens`: it can add exposure. Volume in lots. */
  order: { opens: boolean; symbol: string; volume: number };
  /** Open positions and pending opening orders, with their volumes in lots. */
  exposure: readonly { symbol: string; volume: number }[];
  equity: number;
  /** Equity at the start of the broker's day and the highest ever seen, in account currency. */
  dayStartEquity: number;
  peakEquity: number;
  /** Orders begun on this account in the last 60 s, this one not counted. */
  ordersLastMinute: number;
  /** Milliseconds of the broker's clock; undefined while it is not known. */
  brokerNowMs: number | undefined;
};

export type RiskViolation = { limit: string; detail: string };

/** The first limit that forbids the order, or undefined. `limits`: the account row's JSON, null for none. */
export function decideRisk(limits: unknown, facts: RiskFacts): RiskViolation | undefined {
  if (!facts.order.opens || limits === null || limits === undefined) return undefined;
  const parsed = RiskLimits.safeParse(limits);
  if (!parsed.success) return { limit: "risk_limits", detail: "The account's risk limits cannot be read" };
  for (const rule of Rules) {
    const detail = rule.broken(parsed.data, facts);
    if (detail !== undefined) return { limit: rule.limit, detail: `${rule.limit}: ${detail}` };
  }
  return undefined;
}

type Rule = { limit: keyof RiskLimits; broken: (limits: RiskLimits, facts: RiskFacts) => string | undefined };

/** Without the noise of binary floats: 0.1 + 0.2 is not above a limit of 0.3, and 1000.3 − 1000 reaches one of 0.3. */
function exact(value: number): number {
  return Math.round(value * 1e8) / 1e8;
}

function openVolume({ exposure, order }: RiskFacts): number {
  return exact([...exposure, order].reduce((total, { volume }) => total + volume, 0));
}

const Rules: readonly Rule[] = [
  {
    limit: "trading_enabled",
    broken: ({ trading_enabled }) => (trading_enabled === false ? "trading is switched off" : undefined),
  },
  {
    limit: "reduce_only",
    broken: ({ reduce_only }) => (reduce_only === true ? "only closing is allowed" : undefined),
  },
  {
    limit: "allowed_symbols",
    broken: ({ allowed_symbols: allowed }, { order }) =>
      allowed !== undefined && !allowed.includes(order.symbol) ? `${order.symbol} is not on the list` : undefined,
  },
  {
    limit: "blocked_symbols",
    broken: ({ blocked_symbols: blocked }, { order }) =>
      blocked?.includes(order.symbol) ? `${order.symbol} is blocked` : undefined,
  },
  {
    limit: "trading_hours",
    broken: ({ trading_hours: windows }, { brokerNowMs }) => {
      if (windows === undefined) return undefined;
      if (brokerNowMs === undefined) return "the broker's clock is not known yet";
      return windows.some((window) => isInside(window, brokerNowMs)) ? undefined : "outside the trading hours";
    },
  },
  {
    limit: "max_volume_per_order",
    broken: ({ max_volume_per_order: max }, { order }) =>
      max !== undefined && order.volume > max ? `${order.volume} lots, ${max} are allowed` : undefined,
  },
  {
    limit: "max_open_positions",
    broken: ({ max_open_positions: max }, { exposure }) =>
      max !== undefined && exposure.length + 1 > max ? `${exposure.length} are open, ${max} are allowed` : undefined,
  },
  {
    limit: "max_open_volume",
    broken: ({ max_open_volume: max }, facts) =>
      max !== undefined && openVolume(facts) > max ? `it would be ${openVolume(facts)} of ${max} lots` : undefined,
  },
  {
    limit: "max_orders_per_minute",
    broken: ({ max_orders_per_minute: max }, { ordersLastMinute }) =>
      max !== undefined && ordersLastMinute + 1 > max ? `${ordersLastMinute} in the last minute` : undefined,
  },
  {
    limit: "max_daily_loss",
    broken: ({ max_daily_loss: max }, { equity, dayStartEquity }) =>
      max !== undefined && exact(dayStartEquity - equity) >= max ? `the day's loss has reached ${max}` : undefined,
  },
  {
    limit: "max_drawdown_percent",
    broken: ({ max_drawdown_percent: max }, { equity, peakEquity }) =>
      max !== undefined && peakEquity > 0 && exact(((peakEquity - equity) / peakEquity) * 100) >= max
        ? `equity has fallen ${max} % from its peak`
        : undefined,
  },
];

type TradingWindow = NonNullable<RiskLimits["trading_hours"]>[number];

function isInside({ days, from, to }: TradingWindow, brokerNowMs: number): boolean {
  // The broker's clock is written as if it were UTC, so the UTC getters read its own day and hour.
  const now = new Date(brokerNowMs);
  const minute = now.getUTCHours() * 60 + now.getUTCMinutes();
  return days.includes(now.getUTCDay()) && minute >= minutesOf(from) && minute < minutesOf(to);
}

function minutesOf(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(":").map(Number);
  return hours * 60 + minutes;
}
