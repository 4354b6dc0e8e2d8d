// When does "the records show nothing" prove that a command made no order? Only when all of it holds: the send is
// certainly over and has been for a while; the records were complete (connected, right account, stable size); two full
// looks some time apart found nothing; and this broker is known to keep the mark that was looked for. Pure: times are
// arguments, monotonic milliseconds.
import type { MarkSurvival, OpenIntent } from "../journal/mod.ts";
import type { History } from "../mt5/mod.ts";
import { carriesOwnMagic } from "./judge-records.ts";
import type { SettlePolicy } from "./settle-policy.ts";

/** What has been seen of one open command since this process began to look. */
export type Watch = {
  /** Since when the send is known to be over: its process has ended, or has said so. */
  overSinceMs: number | null;
  /** The account shown after the send was another one, or none although the broker said yes: the order may be anywhere. */
  elsewhere: boolean;
  /** Full looks without a find, while the send was over for long enough and the history stood still. */
  emptyLooksMs: number[];
  /** The most records that any look has shown. */
  most: History["counts"];
  attempts: number;
};

export function newWatch(): Watch {
  return { overSinceMs: null, elsewhere: false, emptyLooksMs: [], most: { orders: 0, deals: 0 }, attempts: 0 };
}

/** A history only grows: one that shows less than another look did, on whichever terminal, is not all there. */
export function isWhole({ most }: Watch, { orders, deals }: History["counts"]): boolean {
  return orders >= most.orders && deals >= most.deals;
}

/** Is it time for a look whose emptiness counts? Before, a look can only find. */
export function looksCount(watch: Watch, policy: SettlePolicy, nowMs: number): boolean {
  return watch.overSinceMs !== null && nowMs - watch.overSinceMs >= policy.quietMs;
}

/** What is still missing for the proof of absence; undefined: nothing, it is proven. */
export function missingForProof(
  intent: OpenIntent,
  watch: Watch,
  marks: MarkSurvival,
  policy: SettlePolicy,
): string | undefined {
  if (watch.elsewhere) return "another account was shown after the send, or none: the order may be there";
  if (wasSeen(intent)) return "a trace of it was seen before: what shows none is not complete";
  if (!keepsMark(intent, marks)) return "this broker is not known to keep the mark that would be found";
  if (watch.overSinceMs === null) return "the send may still be under way";
  const first = watch.emptyLooksMs[0];
  const last = watch.emptyLooksMs.at(-1);
  if (first === undefined || last === undefined) return "not looked at for long enough after the send";
  if (last - first < policy.searchGapMs) return "a second look has to follow";
  return undefined;
}

/** In the records once, or by its ticket in an unclear answer of the broker's. The order of a removal is there in any case. */
function wasSeen({ kind, evidence }: OpenIntent): boolean {
  if (kind === "cancel_order" || evidence === null) return false;
  return Array.isArray(evidence.tickets) || [evidence.order, evidence.deal].some(isTicket);
}

function isTicket(id: unknown): boolean {
  return typeof id === "string" && !/^0*$/.test(id);
}

/** The removal of an order is seen at the order itself; everything else must be found by its mark. */
function keepsMark(intent: OpenIntent, marks: MarkSurvival): boolean {
  if (intent.kind === "cancel_order") return true;
  return carriesOwnMagic(intent) ? marks.comment === true : marks.magic === true;
}
