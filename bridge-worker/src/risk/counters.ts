// The counters behind the loss limits, carried from reading to reading: equity at the start of the broker's day, and its
// highest point. They belong to the broker account, whoever registered it. Pure.
export type EquityCounters = { day: string; dayStartEquity: number; peakEquity: number };

/** `brokerNowMs`: milliseconds of the broker's clock. A new day begins with the equity first seen on it. */
export function advanceCounters(
  before: EquityCounters | undefined,
  equity: number,
  brokerNowMs: number,
): EquityCounters {
  const day = new Date(brokerNowMs).toISOString().slice(0, 10);
  if (before === undefined) return { day, dayStartEquity: equity, peakEquity: equity };
  const peakEquity = Math.max(before.peakEquity, equity);
  // A broker clock that jumps back (a wrong first offset) must not start an earlier day afresh.
  return day > before.day
    ? { day, dayStartEquity: equity, peakEquity }
    : { day: before.day, dayStartEquity: before.dayStartEquity, peakEquity };
}
