// What idle terminals do now: which lane gets one, which lane loses one for it, and which work goes first. Decides
// only; the policy carries it out.
import type { Entry, Lane } from "./lane.ts";
import type { PolicyParams } from "./params.ts";
import type { TerminalSlot } from "./terminals.ts";
import type { WaitingRoom } from "./waiting-room.ts";
import type { Farewell } from "./work.ts";

export type Move = { slot: TerminalSlot; lane: Lane };

export function isIdle({ state, running }: TerminalSlot): boolean {
  return state === "up" && running === null;
}

/** Idle, and nothing waits for the account that it is on. */
export function isFree(slot: TerminalSlot): boolean {
  return isIdle(slot) && (slot.lane === null || slot.lane.size === 0);
}

/** The next lane that gets a free terminal, and which: the one whose account will be missed least. */
export function nextMove(rooms: readonly WaitingRoom[], params: PolicyParams, nowMs: number): Move | undefined {
  let best: Move | undefined;
  let early: Move | undefined;
  for (const room of rooms) {
    const { due, later } = room;
    const lane = due ?? later;
    if (lane === undefined || (due !== undefined && best !== undefined && best.lane.keyMs <= due.keyMs)) continue;
    const victim = leastUseful(room, params, nowMs);
    if (victim === undefined) continue;
    if (due !== undefined) best = { slot: victim.slot, lane: due };
    // Nobody misses that terminal's account: why should a read wait?
    else if (victim.perSecond <= params.coldPerSecond) early ??= { slot: victim.slot, lane };
  }
  return best ?? early;
}

/** More than any lane is used: taken only when there is no other. */
const LAST_CHOICE = 1e9;
/** Behind a terminal without account (-1), before one with an account that nobody uses. */
const SECOND_EMPTY = 0.5;

function leastUseful(
  { terminals }: WaitingRoom,
  { fastMs, slowMs, settleMs, exposedFactor, strandedRestMs }: PolicyParams,
  nowMs: number,
): { slot: TerminalSlot; perSecond: number } | undefined {
  let best: { slot: TerminalSlot; perSecond: number } | undefined;
  for (const slot of terminals) {
    if (!isFree(slot)) continue;
    let perSecond = slot.lane === null ? -1 : slot.lane.rate.perSecond(nowMs, fastMs, slowMs);
    // Whoever may have to get out of a position should find the door open.
    if (slot.lane?.exposed) perSecond *= exposedFactor;
    // A last look at it would have to wait until its latest change shows.
    if (slot.lane !== null && nowMs < slot.lane.changedAtMs + settleMs) perSecond += LAST_CHOICE;
    // Empty because its logins fail: it would be the first choice of everybody, and fail them all.
    if (nowMs < slot.strandedMs + strandedRestMs) perSecond += slot.isToBlame ? LAST_CHOICE : SECOND_EMPTY;
    if (best === undefined || perSecond < best.perSecond) best = { slot, perSecond };
  }
  return best;
}

/**
 * A lane that has waited far too long takes the terminal of one that still has work there, once that one has had its
 * turn: what waited at its login (the gate) and a least time. Without the gate, lanes would take terminals from each
 * other for one work at a time, and logins would eat all the time there is.
 */
export function overdueFor(
  slot: TerminalSlot,
  rooms: readonly WaitingRoom[],
  params: PolicyParams,
  nowMs: number,
): Lane | undefined {
  if (slot.gate > 0 || nowMs - slot.arrivedMs < params.leastVisitMs) return undefined;
  for (const { terminals, due } of rooms) {
    if (due !== undefined && nowMs > due.oldestMs + params.overdueMs && terminals.includes(slot)) return due;
  }
  return undefined;
}

/** A snapshot of the account that goes, unless nobody wants it or there is a fresh one. */
export function farewellTo(
  lane: Lane,
  { farewellUsedMs, farewellAgeMs, settleMs }: PolicyParams,
  nowMs: number,
): Farewell | null {
  if (nowMs - lane.rate.lastUsedMs > farewellUsedMs || nowMs - lane.snapshotAtMs <= farewellAgeMs) return null;
  return { lane: lane.key, notBeforeMs: Math.max(nowMs, lane.changedAtMs + settleMs) };
}

/** It can still begin after a login as this server's usually are: a wasted one costs everybody. */
export function canBegin({ beginByMs }: Entry, loginMs: number, nowMs: number): boolean {
  return nowMs + loginMs <= beginByMs;
}
