// Whether work can begin in time, and from when on a user above his share counts. A refusal here is certain and early;
// the same work would otherwise wait and then expire.
import type { FairTags } from "./fair-tags.ts";
import type { Lane } from "./lane.ts";
import type { PolicyParams } from "./params.ts";
import type { ServerTimes } from "./server-times.ts";
import { count } from "./terminals.ts";
import type { RefusalReason, Work } from "./work.ts";

/** Quantiles of the logins of a server: a change that is taken in should be in time, a read may be asked for again. */
const SLOW_LOGIN = 0.95;
const USUAL_LOGIN = 0.5;
const LEAST_RETRY_MS = 100;

export type Refusal = { kind: "refused"; reason: RefusalReason; retryAfterMs: number };
export type Place = {
  kind: "admitted";
  tagMs: number;
  dueMs: number;
  keyMs: number;
  oldestMs: number;
  beginByMs: number;
};

export type AdmissionView = {
  params: PolicyParams;
  times: ServerTimes;
  tags: FairTags;
  /** Share of the terminals' time that is busy. */
  load: number;
  /** Works waiting, in all. */
  waiting: number;
};

export function admit(view: AdmissionView, lane: Lane, work: Work, nowMs: number): Place | Refusal {
  const { params, times, tags } = view;
  const beginByMs = beginBy(work, params);
  if (view.waiting >= params.maxWaiting || lane.size >= params.maxLaneWaiting) {
    return refusal("queue_full", times.meanVisitMs);
  }
  const up = count(lane.room.terminals, ({ state }) => state === "up");
  const costsLogin = causesLogin(lane, work);
  const stepMs = times.meanLoginMs / (Math.max(1, up) * params.userShare);
  let tagMs = costsLogin ? tags.tag(work.user, nowMs, stepMs, params.userBurst) : nowMs;
  const ownLoginMs = lane.terminal === null ? loginMs(work, times, nowMs) : 0;
  const lateMs = nowMs + aheadMs(lane, work, times, { up, isDeferred: tagMs > nowMs }) + ownLoginMs - beginByMs;
  // Without any terminal nothing is known; one may come back in time.
  if (up > 0 && lateMs > 0) {
    // However few wait: it will be tried when it is not known any more how slow its logins are.
    if (nowMs + ownLoginMs > beginByMs) return slowLogin(times.loginsCountForMs(work.server, nowMs));
    return refusal("overloaded", wholeSteps(lateMs, lane, work, times, up));
  }
  const latestMs = beginByMs - times.loginMs(work.server, SLOW_LOGIN, nowMs);
  if (costsLogin) {
    if (tagMs > Math.max(nowMs, latestMs)) {
      // Whoever wants to get out of positions on all his accounts may: last in order, but never sent away.
      if (work.kind !== "close") return refusal("user_share", tagMs - latestMs);
      tagMs = Math.max(nowMs, latestMs);
    }
    tags.charge(work.user, nowMs, stepMs);
  }
  return { kind: "admitted", tagMs, beginByMs, ...orderOf(view, work, tagMs, latestMs) };
}

/** Of a short time to live, no more than a quarter is kept back for the send. */
function beginBy({ kind, arrivedMs, deadlineMs }: Work, { sendMarginMs }: PolicyParams): number {
  if (kind === "read" || kind === "verify") return deadlineMs;
  return deadlineMs - Math.min(sendMarginMs, Math.max(0, deadlineMs - arrivedMs) / 4);
}

/** A lane that has a terminal, or waits for one already, costs no other login. */
function causesLogin(lane: Lane, { kind, proven, user }: Work): boolean {
  return (
    kind === "verify" ||
    (!proven && !lane.logsInFor(user)) ||
    (lane.terminal === null && lane.running === null && lane.size === 0)
  );
}

type Room = { up: number; isDeferred: boolean };

function aheadMs(lane: Lane, { kind, server }: Work, times: ServerTimes, { up, isDeferred }: Room): number {
  if (lane.terminal !== null) return lane.size * times.workMs(server);
  const ahead = lane.room.ahead(kind === "close" || kind === "read" ? kind : "change", isDeferred);
  return (ahead / Math.max(1, up)) * times.meanVisitMs;
}

/** What is ahead becomes less only when one of it has ended. */
function wholeSteps(lateMs: number, lane: Lane, { server }: Work, times: ServerTimes, up: number): number {
  const stepMs = lane.terminal === null ? times.meanVisitMs / up : times.workMs(server);
  return stepMs > 0 ? Math.ceil(lateMs / stepMs) * stepMs : lateMs;
}

function loginMs({ kind, server }: Work, times: ServerTimes, nowMs: number): number {
  return times.loginMs(server, kind === "read" ? USUAL_LOGIN : SLOW_LOGIN, nowMs);
}

type Order = Pick<Place, "dueMs" | "keyMs" | "oldestMs">;

function orderOf({ params, load }: AdmissionView, { kind }: Work, tagMs: number, latestMs: number): Order {
  switch (kind) {
    case "read": {
      const keyMs = tagMs + params.readHandicapMs;
      return { dueMs: tagMs + hold(params, load), keyMs, oldestMs: keyMs };
    }
    case "verify": {
      // Behind everything else at first, and in time for its deadline nevertheless.
      const keyMs = Math.max(tagMs, latestMs - params.verifyLeadMs);
      return { dueMs: Math.min(tagMs + params.verifyHoldMs * patience(params, load), keyMs), keyMs, oldestMs: keyMs };
    }
    case "close":
      return { dueMs: tagMs, keyMs: tagMs - params.closeLeadMs, oldestMs: tagMs };
    case "open":
    case "change":
      return { dueMs: tagMs, keyMs: tagMs, oldestMs: tagMs };
  }
}

export function hold(params: PolicyParams, load: number): number {
  return params.holdMs * patience(params, load);
}

/** 0 to 1: while terminals stand idle, a switch costs nobody anything, and nothing need wait for a better moment. */
function patience({ holdFromShare, holdFullShare }: PolicyParams, load: number): number {
  return Math.min(1, Math.max(0, (load - holdFromShare) / (holdFullShare - holdFromShare)));
}

/** 0: not even a login of an unknown server would be in time. */
function slowLogin(ms: number): Refusal {
  return { kind: "refused", reason: "slow_login", retryAfterMs: Math.ceil(ms) };
}

function refusal(reason: RefusalReason, ms: number): Refusal {
  return { kind: "refused", reason, retryAfterMs: Math.max(LEAST_RETRY_MS, Math.ceil(ms)) };
}
