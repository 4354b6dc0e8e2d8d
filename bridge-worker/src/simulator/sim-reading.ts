// One reading inside the simulated terminal's process: account, lists and symbol of one moment. Pure.
import type { ReadParts, ReadReply } from "../mt5/mod.ts";
import { type AccountRef, isSameAccount } from "../protocol.ts";
import type { SimBroker } from "./sim-broker.ts";
import type { SimProcess } from "./sim-process.ts";

/** Without a symbol asked for, the broker's clock is read off at most so many positions' symbols. */
const CLOCK_SYMBOLS = 5;

/** `utcMs`: the moment, milliseconds since 1970. */
export function readNow(
  process: SimProcess,
  broker: SimBroker,
  account: AccountRef,
  parts: ReadParts,
  utcMs: number,
): ReadReply {
  const { shown } = process;
  if (shown === null || !isSameAccount(shown.account, account)) {
    return { kind: "wrong_account", actual: shown?.account ?? null };
  }
  const { positions, orders } = parts;
  const symbol = parts.symbol ?? symbolOfPosition(broker, account, parts.symbolOf, utcMs);
  const found = positions && broker.positions(account, utcMs, positions.symbol);
  const names = symbol === undefined ? clockSymbols(found ?? []) : [symbol];
  const ticks = names.map((name) => broker.tick(account.server, name, utcMs));
  const times = ticks.flatMap((tick) => (tick === null ? [] : [tick.time_msc]));
  return {
    kind: "ok",
    account: broker.account(shown.account, shown.access, utcMs),
    terminal: process.describe(),
    ...(symbol !== undefined && { symbol: broker.symbol(symbol), tick: ticks[0] ?? null }),
    ...(found && { positions: found }),
    ...(orders && { orders: broker.orders(account, utcMs, orders.symbol) }),
    broker_now_msc: times.length === 0 ? null : Math.max(...times),
  };
}

/** Undefined: not asked for, or no such position. */
function symbolOfPosition(
  broker: SimBroker,
  account: AccountRef,
  ticket: string | undefined,
  utcMs: number,
): string | undefined {
  return broker.positions(account, utcMs).find((one) => one.ticket === ticket)?.symbol;
}

function clockSymbols(positions: readonly { symbol: string }[]): string[] {
  return [...new Set(positions.map((one) => one.symbol))].slice(0, CLOCK_SYMBOLS);
}
