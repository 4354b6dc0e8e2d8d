// Many accounts on few terminals: which work runs where and when. Pure: time is an argument, and what was decided is
// told to it as done or not done. The rules and their numbers are in docs/scheduling.md.
import { type AdmissionView, admit } from "./admission.ts";
import { Assignments } from "./assignments.ts";
import { canBegin, farewellTo, isFree, isIdle, nextMove, overdueFor } from "./dispatch.ts";
import { DoubtfulLogins } from "./doubtful-logins.ts";
import { FairTags } from "./fair-tags.ts";
import { isChange, type Lane } from "./lane.ts";
import { Lanes } from "./lanes.ts";
import type { PolicyParams } from "./params.ts";
import { ServerTimes } from "./server-times.ts";
import { type TerminalSlot, Terminals } from "./terminals.ts";
import { BusyShare } from "./use-rate.ts";
import type { Admission, Decision, Finished, Seen, TerminalSpec, TerminalState, Work } from "./work.ts";

export { type PolicyParams, PRESETS, type PresetName } from "./params.ts";
export type {
  Admission,
  Decision,
  Farewell,
  Finished,
  RefusalReason,
  Seen,
  TerminalSpec,
  TerminalState,
  Work,
  WorkKind,
} from "./work.ts";

/** A lane that could still wait is looked at again after this: its victim may have become cold. */
const LOOK_AGAIN_MS = 200;
const USUAL_LOGIN = 0.5;

export class Policy {
  readonly #params: PolicyParams;
  readonly #terminals: Terminals;
  readonly #lanes: Lanes;
  readonly #times: ServerTimes;
  readonly #assignments: Assignments;
  readonly #doubtful: DoubtfulLogins;
  readonly #tags = new FairTags();
  readonly #load = new BusyShare();
  #seq = 0;

  /** Every terminal is `disconnected` until `terminalChanged` says otherwise. */
  constructor(params: PolicyParams, terminals: readonly TerminalSpec[]) {
    this.#params = params;
    this.#terminals = new Terminals(terminals);
    this.#lanes = new Lanes(params);
    this.#times = new ServerTimes(params.firstLoginMs);
    this.#assignments = new Assignments(params.settleMs);
    this.#doubtful = new DoubtfulLogins(params.doubtfulShare);
  }

  get waiting(): number {
    return this.#assignments.waiting;
  }

  /** Works that wait for the account that this terminal is on. */
  waitingAt(terminal: string): number {
    return this.#terminals.find(terminal).lane?.size ?? 0;
  }

  /** Accounts that it remembers. */
  get lanes(): number {
    return this.#lanes.size;
  }

  /** Takes work in, answers it, or says when to come back. `decide` comes next. */
  submit(nowMs: number, work: Work): Admission {
    if (this.#assignments.find(work.id) !== undefined) throw new RangeError(`work ${work.id} waits already`);
    const room = this.#terminals.roomOf(work.lane, work.server);
    if (room.terminals.length === 0) return { kind: "refused", reason: "no_terminal", retryAfterMs: 0 };
    const lane = this.#lanes.use(work.lane, work.server, room, nowMs);
    lane.rate.count(nowMs, this.#params.fastMs, this.#params.slowMs);
    // An idle terminal that is there answers as fast and fresher.
    const asksTerminal = lane.terminal !== null && isIdle(lane.terminal);
    if (!asksTerminal && lane.answersFromSnapshot(work, this.#params)) {
      return { kind: "snapshot", takenAtMs: lane.snapshotAtMs };
    }
    const view: AdmissionView = {
      ...{ params: this.#params, times: this.#times, tags: this.#tags },
      ...{ load: this.#load.share, waiting: this.waiting },
    };
    const place = admit(view, lane, work, nowMs);
    if (place.kind === "refused") return place;
    this.#seq += 1;
    this.#assignments.queue({ ...place, work, lane, seq: this.#seq, place: -1 }, nowMs);
    return { kind: "queued" };
  }

  /** What begins and what expires now. A decision counts as carried out until `finished` says how it ended. */
  decide(nowMs: number): Decision[] {
    this.#advance(nowMs);
    const decisions: Decision[] = [];
    const { rooms } = this.#terminals;
    const takeExpired = (): Work | undefined => this.#assignments.takeExpired(nowMs);
    for (let work = takeExpired(); work !== undefined; work = takeExpired()) decisions.push({ kind: "expire", work });
    for (const room of rooms) room.promote(nowMs);
    do this.#fillFree(nowMs, decisions);
    while (!this.#terminals.all.some(({ isDoubtful }) => isDoubtful) && this.#doubtful.releaseAll(nowMs));
    for (const slot of this.#terminals.all) {
      if (!isIdle(slot) || isFree(slot)) continue;
      const overdue = overdueFor(slot, rooms, this.#params, nowMs);
      if (overdue !== undefined && !this.#doubtful.park(overdue, nowMs)) {
        this.#switch(slot, overdue, nowMs, decisions);
      }
      if (isIdle(slot)) this.#serveOwn(slot, nowMs, decisions);
    }
    return decisions;
  }

  /** The account that a `switch` leaves was read, or could not be. Returns the reads that this answers. */
  departed(nowMs: number, terminal: string, seen: Seen | null): Work[] {
    const lane = this.#assignments.left(this.#terminals.find(terminal), nowMs);
    return lane === undefined ? [] : this.#assignments.keep(lane, seen, nowMs);
  }

  /** What runs there has logged in, and goes on. */
  arrived(nowMs: number, terminal: string): void {
    const slot = this.#terminals.find(terminal);
    if (slot.running === null) return;
    this.#endDoubt(slot, this.#doubtful.reached(slot.running.work.server, nowMs), nowMs);
  }

  /** The work of a `run` or `switch` has ended. Returns the waiting reads that it answers. */
  finished(nowMs: number, terminal: string, ended: Finished): Work[] {
    const { loginMs, workMs, onAccount } = ended;
    this.#advance(nowMs);
    this.departed(nowMs, terminal, null);
    const slot = this.#terminals.find(terminal);
    const hasLoggedIn = loginMs !== null || (onAccount && slot.switching);
    const entry = this.#assignments.end(slot, nowMs);
    const { lane, work } = entry;
    if (loginMs !== null) this.#times.loggedIn(work.server, loginMs, nowMs);
    if (workMs !== null) this.#times.worked(work.server, workMs);
    if (ended.stranded) this.#stranded(slot, work, nowMs);
    else if (hasLoggedIn) slot.strandedMs = Number.NEGATIVE_INFINITY;
    const isNews = hasLoggedIn && this.#doubtful.reached(work.server, nowMs);
    this.#endDoubt(slot, isNews, nowMs);
    // Sent or not: who is wrong here shows an account as it was before its own trade.
    if (isChange(entry)) lane.changed(nowMs);
    if (!onAccount || !keepsAccount(slot.state)) this.#assignments.release(slot, nowMs);
    const answered = this.#assignments.keep(lane, onAccount ? ended : null, nowMs);
    if (lane.size === 0) this.#endVisit(slot);
    return answered;
  }

  /** The terminal of a `switch` was lost before its work began: it waits again, in front of what came after it. */
  returned(nowMs: number, terminal: string): void {
    this.#advance(nowMs);
    this.departed(nowMs, terminal, null);
    const slot = this.#terminals.find(terminal);
    const entry = this.#assignments.end(slot, nowMs);
    this.#assignments.release(slot, nowMs);
    slot.visitMs = null;
    this.#assignments.queue(entry, nowMs);
    this.#endDoubt(slot, false, nowMs);
  }

  /** `account`: which one it was found on; without it, what was known stays true. */
  terminalChanged(
    nowMs: number,
    terminal: string,
    state: TerminalState,
    account?: { lane: string; server: string } | null,
  ): void {
    this.#advance(nowMs);
    const slot = this.#terminals.find(terminal);
    slot.state = state;
    this.#doubtful.release(nowMs);
    // What runs there ends first: until then nobody else may touch its lane.
    if (slot.running !== null) return;
    if (account !== undefined || !keepsAccount(state)) this.#assignments.release(slot, nowMs);
    if (account === undefined || account === null || !keepsAccount(state)) return;
    const room = this.#terminals.roomOf(account.lane, account.server);
    if (!room.terminals.includes(slot)) return;
    const lane = this.#lanes.use(account.lane, account.server, room, nowMs);
    if (lane.terminal === null && !lane.leaving) this.#assignments.occupy(slot, lane, nowMs);
  }

  /** Takes work out that has not begun. */
  cancel(nowMs: number, id: string): boolean {
    const entry = this.#assignments.find(id);
    if (entry !== undefined) this.#assignments.takeOut(entry, nowMs);
    return entry !== undefined;
  }

  /** When to call `decide` at the latest, if nothing happens before; null: no need. */
  wakeAtMs(nowMs: number): number | null {
    let wakeMs = this.#assignments.nextExpiryMs;
    for (const { later, terminals } of this.#terminals.rooms) {
      if (later === undefined) continue;
      wakeMs = Math.min(wakeMs, later.dueMs);
      if (terminals.some(isFree)) wakeMs = Math.min(wakeMs, nowMs + LOOK_AGAIN_MS);
    }
    return Number.isFinite(wakeMs) ? wakeMs : null;
  }

  #fillFree(nowMs: number, decisions: Decision[]): void {
    const next = (): ReturnType<typeof nextMove> => nextMove(this.#terminals.rooms, this.#params, nowMs);
    for (let move = next(); move !== undefined; move = next()) {
      if (!this.#doubtful.park(move.lane, nowMs)) this.#switch(move.slot, move.lane, nowMs, decisions);
    }
  }

  #switch(slot: TerminalSlot, lane: Lane, nowMs: number, decisions: Decision[]): void {
    const usualMs = this.#times.loginMs(lane.server, USUAL_LOGIN, nowMs);
    let entry = lane.next(nowMs, this.#params);
    while (entry !== undefined && !canBegin(entry, usualMs, nowMs)) {
      this.#assignments.takeOut(entry, nowMs);
      decisions.push({ kind: "expire", work: entry.work });
      entry = lane.next(nowMs, this.#params);
    }
    if (entry === undefined) return;
    const farewell = slot.lane === null ? null : farewellTo(slot.lane, this.#params, nowMs);
    if (slot.lane !== null && farewell !== null) this.#assignments.leave(slot, slot.lane);
    this.#assignments.release(slot, nowMs);
    this.#assignments.occupy(slot, lane, nowMs);
    this.#endVisit(slot);
    slot.visitMs = 0;
    slot.switching = true;
    slot.isDoubtful = !this.#doubtful.isReached(lane.server, nowMs);
    this.#assignments.begin(slot, entry, nowMs);
    decisions.push({ kind: "switch", terminal: slot.id, farewell, work: entry.work });
  }

  /** `isNews`: a server answers of which that was not known. */
  #endDoubt(slot: TerminalSlot, isNews: boolean, nowMs: number): void {
    if (isNews || slot.isDoubtful) this.#doubtful.release(nowMs);
    slot.isDoubtful = false;
  }

  /** Its login got no answer, from the broker or from nobody's. */
  #stranded(slot: TerminalSlot, { user, server, proven }: Work, nowMs: number): void {
    slot.strandedMs = nowMs;
    slot.isToBlame = this.#doubtful.isReached(server, nowMs);
    // A login that nobody has is no word of a broker that others have reached: else anybody could have it doubted.
    if (proven || !slot.isToBlame) this.#doubtful.lost(server, nowMs);
    // Charged as a login that takes what they usually take; it took far longer.
    const { userShare } = this.#params;
    this.#tags.charge(user, nowMs, (nowMs - slot.beganMs) / (Math.max(1, this.#terminals.up) * userShare));
  }

  /** It has served what waited for its account, or leaves that to somebody else: whoever comes next may have it. */
  #endVisit(slot: TerminalSlot): void {
    if (slot.visitMs !== null) this.#times.visited(slot.visitMs);
    slot.visitMs = null;
  }

  #serveOwn(slot: TerminalSlot, nowMs: number, decisions: Decision[]): void {
    const entry = slot.lane?.next(nowMs, this.#params);
    if (entry === undefined) return;
    slot.gate -= 1;
    this.#assignments.begin(slot, entry, nowMs);
    decisions.push({ kind: "run", terminal: slot.id, work: entry.work });
  }

  #advance(nowMs: number): void {
    const { busy, up } = this.#terminals;
    this.#load.advance(nowMs, busy, up);
  }
}

function keepsAccount(state: TerminalState): boolean {
  return state === "up" || state === "held";
}
