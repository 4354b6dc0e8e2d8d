// What an account held, as the API shows it to one user: what was asked for of it, with that user's own marks.
import type { Journal, TagOwner } from "../journal/mod.ts";
import {
  accountView,
  type BrokerClock,
  type MarksOf,
  orderView,
  positionView,
  type Reading,
  tagOfComment,
} from "../mt5/mod.ts";
import { CommandRequest, MAX_ROWS, type ReadRequest } from "../protocol.ts";
import type { ReadCall } from "./calls.ts";

/** Reads that one whole reading of the account answers. */
export type AccountRead = Extract<ReadRequest, { max_age_ms: number }>;

export function isAccountRead(request: ReadRequest): request is AccountRead {
  return "max_age_ms" in request;
}

export type ShowDeps = { journal: Journal; clock: BrokerClock };

/** `asOfMs`: Unix milliseconds at which it was read. Throws UnknownTradeMode. */
export function showReading(
  { journal, clock }: ShowDeps,
  { userId, account: { server } }: ReadCall,
  request: AccountRead,
  reading: Pick<Reading, "account" | "positions" | "orders">,
  asOfMs: number,
): object {
  const as_of = new Date(asOfMs).toISOString();
  const marks = marksFor(journal, userId);
  switch (request.kind) {
    case "account_info":
      return { account: accountView(reading.account), as_of };
    case "positions": {
      const { rows, truncated } = cut(reading.positions, request.symbol);
      return { positions: rows.map((row) => positionView(row, server, clock, marks)), truncated, as_of };
    }
    case "orders": {
      const { rows, truncated } = cut(reading.orders, request.symbol);
      return { orders: rows.map((row) => orderView(row, server, clock, marks)), truncated, as_of };
    }
  }
}

function cut<Row extends { symbol: string }>(
  all: readonly Row[] = [],
  symbol: string | undefined,
): { rows: Row[]; truncated: boolean } {
  const rows = all.filter((row) => symbol === undefined || row.symbol === symbol);
  return { rows: rows.slice(0, MAX_ROWS), truncated: rows.length > MAX_ROWS };
}

/** The caller's own magic and comment, for orders that one of his commands made; nothing for anyone else's. */
export function marksFor(journal: Journal, userId: string): MarksOf {
  return ({ magic, comment }) => {
    const owner = ownerOf(journal, Number(magic)) ?? ownerOf(journal, tagOfComment(comment));
    if (owner === undefined || owner.userId !== userId) return { magic: null, comment: null, command_id: null };
    const request = CommandRequest.safeParse(owner.request).data;
    const params = request?.kind === "trade" ? request.params : undefined;
    return { magic: params?.magic ?? null, comment: params?.comment ?? null, command_id: owner.id };
  };
}

function ownerOf(journal: Journal, tag: number | undefined): TagOwner | undefined {
  return Number.isSafeInteger(tag) && tag !== undefined ? journal.tagOwner(tag) : undefined;
}
