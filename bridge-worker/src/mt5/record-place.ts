// Where a record stands in an account's history: by its time, and by its ticket where two have the same. Pure.
import type { DealFacts, OrderFacts } from "./facts.ts";

/** `timeMsc`: milliseconds of the broker's clock. */
export type Place = { timeMsc: number; ticket: string };

/** An order stands where it was done. */
export function orderPlace({ ticket, time_done_msc, time_setup_msc }: OrderFacts): Place {
  return { timeMsc: time_done_msc || time_setup_msc, ticket };
}

export function dealPlace({ ticket, time_msc }: DealFacts): Place {
  return { timeMsc: time_msc, ticket };
}

/** For sorting. Tickets are compared as the 64-bit numbers they are. */
export function newestFirst(a: Place, b: Place): number {
  if (a.timeMsc !== b.timeMsc) return b.timeMsc - a.timeMsc;
  const [x, y] = [BigInt(a.ticket), BigInt(b.ticket)];
  return x === y ? 0 : x > y ? -1 : 1;
}
