// What an open outcome forbids. While an opening may or may not exist, another one on its symbol could double it; while a
// close may or may not have happened, another one of that position could open the other way. Everything else goes on.
// Pure.
import type { OpenIntent } from "../journal/mod.ts";
import type { Reading, SendRequest } from "../mt5/mod.ts";
import { CommandRequest } from "../protocol.ts";

/** The command that stands in the way, or undefined. `open`: all of the account's, of whichever user. */
export function blockedBy(request: CommandRequest, open: readonly OpenIntent[]): OpenIntent | undefined {
  return open.find((intent) => !intent.acknowledged && standsInTheWay(intent, request));
}

function standsInTheWay(intent: OpenIntent, request: CommandRequest): boolean {
  const before = CommandRequest.safeParse(intent.request).data;
  if (before === undefined) {
    // What cannot be read may be anything: it stands in the way of every opening, and of closing the position that it named.
    return (
      request.kind === "trade" || (request.kind === "close_position" && positionOf(intent) === request.params.ticket)
    );
  }
  if (request.kind === "trade") return before.kind === "trade" && before.params.symbol === request.params.symbol;
  if (request.kind === "close_position") {
    return before.kind === "close_position" && before.params.ticket === request.params.ticket;
  }
  // Removing an order twice removes it once.
  return false;
}

function positionOf({ plan }: OpenIntent): string | undefined {
  return (plan as SendRequest | null)?.position;
}

/**
 * Openings that may exist and that the terminal does not show: they count as open in every limit. One that shows, by its
 * tag in magic, is counted there already.
 */
export function unseenOpenings(
  open: readonly OpenIntent[],
  reading: Pick<Reading, "positions" | "orders">,
): ReturnType<typeof openingOf>[] {
  const shown = new Set([...(reading.positions ?? []), ...(reading.orders ?? [])].map(({ magic }) => magic));
  return open
    .filter(({ kind, acknowledged, tag }) => kind === "trade" && !acknowledged && !shown.has(String(tag)))
    .map(openingOf);
}

export function openingOf({ tag, plan }: OpenIntent): { tag: number; symbol: string; volume: number } {
  const { symbol = "", volume = 0 } = plan as SendRequest;
  return { tag, symbol, volume };
}
