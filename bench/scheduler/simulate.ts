// A discrete-event simulation: requests come in, terminals log in and work, and a policy decides. What takes time in
// the product takes drawn time here; the policy cannot tell the difference.
import type { Admission, Decision, Finished, Seen, Work } from "../../bridge-worker/src/scheduler/policy/work.ts";
import { logNormal, randomOf } from "./random.ts";
import type { LoginTime, Request, Shape } from "./workload.ts";

export const DEADLINE_MS = 10_000;
/** A trade older than this when its login is over is not sent. */
export const SEND_GUARD_MS = 9_500;
const FAREWELL_MS = 12;

/** What the product's policy is for the simulation; the others implement the same. */
export interface Contender {
  submit(nowMs: number, work: Work): Admission;
  decide(nowMs: number): Decision[];
  departed(nowMs: number, terminal: string, seen: Seen | null): Work[];
  finished(nowMs: number, terminal: string, finished: Finished): Work[];
  wakeAtMs(nowMs: number): number | null;
}

export type Ending = "served" | "snapshot" | "refused" | "expired";
export type Run = {
  requests: readonly Request[];
  endings: Ending[];
  /** When the terminal began to work on each request, and when it was answered. */
  startMs: Float64Array;
  answerMs: Float64Array;
  switches: number;
  busyShare: number;
};

export type RunOptions = {
  shape: Shape;
  seed: number;
  maxAgeMs: number;
  /** The replaced ways know no deadline: what is late is served late. */
  guard: boolean;
};

const NOTHING_SEEN: Seen = { snapshotAtMs: null, exposed: null };

type Event = { atMs: number; terminal: string; work: Work | null; finished: Finished };

export function simulate(contender: Contender, requests: readonly Request[], options: RunOptions): Run {
  const { shape, seed, maxAgeMs, guard } = options;
  const logins = randomOf(seed, 5);
  const count = requests.length;
  const run: Run = {
    ...{ requests, endings: new Array<Ending>(count).fill("expired"), switches: 0, busyShare: 0 },
    ...{ startMs: new Float64Array(count), answerMs: new Float64Array(count) },
  };
  const held = heldAtFirst(requests);
  const hold = (lane: string, more: number): unknown => held.set(lane, Math.max(0, (held.get(lane) ?? 0) + more));
  const see = (lane: string, snapshotAtMs: number | null): Seen => {
    return { snapshotAtMs, exposed: (held.get(lane) ?? 0) > 0 };
  };
  // At most two per terminal: a short list is as good as a heap.
  const events: Event[] = [];
  let busyMs = 0;
  let wakeMs = Number.POSITIVE_INFINITY;

  const end = (work: Work, ending: Ending, atMs: number, startMs = atMs): void => {
    const index = Number(work.id);
    run.endings[index] = ending;
    run.answerMs[index] = atMs;
    run.startMs[index] = startMs;
  };
  const carryOut = (decision: Decision, nowMs: number): void => {
    const { work } = decision;
    if (decision.kind === "expire") {
      end(work, "expired", nowMs);
      return;
    }
    const request = requests[Number(work.id)] as Request;
    let atMs = nowMs;
    let loginMs: number | null = null;
    if (decision.kind === "switch") {
      if (decision.farewell !== null) {
        const takenMs = Math.max(nowMs, decision.farewell.notBeforeMs);
        atMs = takenMs + FAREWELL_MS;
        const finished = { loginMs: null, workMs: null, ...see(decision.farewell.lane, takenMs), onAccount: true };
        events.push({ atMs, terminal: decision.terminal, work: null, finished });
      }
      loginMs = logNormal(logins, shape.logins[request.server] as LoginTime);
      atMs += loginMs;
      run.switches += 1;
    }
    const tooLate = guard && (work.kind === "read" ? atMs > work.deadlineMs : atMs - work.arrivedMs > SEND_GUARD_MS);
    const workMs = tooLate ? null : request.workMs;
    const doneMs = atMs + (workMs ?? 0);
    end(work, tooLate ? "expired" : "served", doneMs, atMs);
    busyMs += doneMs - nowMs;
    // Nothing else happens to this account meanwhile: its lane runs one work at a time.
    if (work.kind === "open" && workMs !== null) hold(work.lane, 1);
    if (work.kind === "close" && workMs !== null) hold(work.lane, -1);
    const looked = workMs !== null && (work.kind !== "read" || work.snapshotable);
    const seen = looked ? see(work.lane, work.kind === "read" ? atMs : null) : NOTHING_SEEN;
    const finished = { loginMs, workMs, ...seen, onAccount: true };
    events.push({ atMs: doneMs, terminal: decision.terminal, work, finished });
  };

  let next = 0;
  for (;;) {
    const event = events.reduce<Event | undefined>(
      (first, one) => (first && first.atMs <= one.atMs ? first : one),
      undefined,
    );
    const arrivalMs = requests[next]?.arrivedMs ?? Number.POSITIVE_INFINITY;
    const nowMs = Math.min(arrivalMs, event?.atMs ?? Number.POSITIVE_INFINITY, wakeMs);
    if (nowMs === Number.POSITIVE_INFINITY) break;
    if (event !== undefined && event.atMs === nowMs) {
      events.splice(events.indexOf(event), 1);
      const { terminal, work, finished } = event;
      const answered =
        work === null ? contender.departed(nowMs, terminal, finished) : contender.finished(nowMs, terminal, finished);
      for (const read of answered) end(read, "served", nowMs);
    } else if (arrivalMs === nowMs) {
      const request = requests[next] as Request;
      next += 1;
      const work = workOf(request, maxAgeMs);
      const admission = contender.submit(nowMs, work);
      if (admission.kind !== "queued") end(work, admission.kind, nowMs);
    }
    for (const decision of contender.decide(nowMs)) carryOut(decision, nowMs);
    wakeMs = contender.wakeAtMs(nowMs) ?? Number.POSITIVE_INFINITY;
  }
  run.busyShare = busyMs / (shape.terminals * shape.hours * 3_600_000);
  return run;
}

/** Positions of each account that trades: who closes or changes one first has had it before the hour began. */
function heldAtFirst(requests: readonly Request[]): Map<string, number> {
  const held = new Map<string, number>();
  for (const { account, kind } of requests) {
    const lane = laneOf(account);
    if (kind !== "read" && !held.has(lane)) held.set(lane, kind === "open" ? 0 : 1);
  }
  return held;
}

const laneOf = (account: number): string => `account ${account}`;

function workOf(request: Request, maxAgeMs: number): Work {
  const { index, account, user, server, kind, arrivedMs, snapshotable } = request;
  return {
    ...{
      id: String(index),
      lane: laneOf(account),
      server: `server ${server}`,
      user,
      kind,
      arrivedMs,
      snapshotable,
    },
    ...{ deadlineMs: arrivedMs + DEADLINE_MS, maxAgeMs, proven: true },
  };
}
