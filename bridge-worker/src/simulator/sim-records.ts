// One page of an account's history at the paper broker, as the guard makes it. Pure.
import {
  type DealFacts,
  dealPlace,
  newestFirst,
  type OrderFacts,
  orderPlace,
  type Place,
  type Records,
  type RecordsQuery,
} from "../mt5/mod.ts";
import type { Book } from "./sim-book.ts";

export type SimRecords = Omit<Records, "kind" | "account">;

export function pageOf({ orders, deals }: Book, query: RecordsQuery): SimRecords {
  if (query.list === "deals") {
    const isInside = (deal: DealFacts): boolean => isWithin(query, deal.time_msc);
    const { rows, truncated } = page(deals.filter(isInside), dealPlace, query);
    return { orders: [], deals: rows, truncated };
  }
  const isInside = (order: OrderFacts): boolean =>
    isWithin(query, order.time_setup_msc) || isWithin(query, order.time_done_msc);
  const { rows, truncated } = page(orders.filter(isInside), orderPlace, query);
  return { orders: rows, deals: [], truncated };
}

function isWithin({ fromMsc, toMsc }: RecordsQuery, msc: number): boolean {
  return msc >= fromMsc && msc < toMsc;
}

function page<Row extends { position_id: string }>(
  all: readonly Row[],
  placeOf: (row: Row) => Place,
  { position, before, limit }: RecordsQuery,
): { rows: Row[]; truncated: boolean } {
  const rows = all
    .filter((row) => position === undefined || row.position_id === position)
    .filter((row) => before === undefined || newestFirst(before, placeOf(row)) < 0)
    .sort((a, b) => newestFirst(placeOf(a), placeOf(b)));
  return { rows: rows.slice(0, limit), truncated: rows.length > limit };
}
