// Which ways a command went in a run. A harness that never comes by a way says nothing about it. Pure.
import type { Facts } from "../invariants/mod.ts";

export const Ways = [
  "done",
  "rejected",
  "refused",
  "expired",
  "cancelled",
  "unknown",
  "not_executed",
  "released",
  "settled_by_guard",
  "settled_by_broker",
  "absence_proven",
  "blocked_by_unknown",
  "attached_and_answered_alike",
  "tombstones",
  "acknowledged",
  "logins_paused",
  "too_late_and_in_time",
  "limits_kept",
] as const;
export type Way = (typeof Ways)[number];
export type Reached = Record<Way, number>;

export function nothingReached(): Reached {
  return Object.fromEntries(Ways.map((way) => [way, 0])) as Reached;
}

export function reachedBy({ rows, answers, admissions }: Facts): Reached {
  const reached = nothingReached();
  const isWay = (name: string): name is Way => (Ways as readonly string[]).includes(name);
  for (const row of rows) {
    if (isWay(row.state)) reached[row.state] += 1;
    if (row.withdrawn) reached.released += 1;
    const evidence = (row.evidence ?? {}) as { settled_by?: string; looks_without_a_find?: number };
    if (evidence.settled_by === "guard") reached.settled_by_guard += 1;
    if (evidence.settled_by === "broker") reached.settled_by_broker += 1;
    if (row.state === "not_executed" && evidence.looks_without_a_find !== undefined) reached.absence_proven += 1;
    if (row.state === "expired" && row.body?.includes("never received") === true) reached.tombstones += 1;
    if (row.acknowledged !== undefined && row.acknowledged !== null) reached.acknowledged += 1;
  }
  const finals = answers.filter(
    ({ what, status, executed }) => what === "submit" && status === 200 && executed === true,
  );
  for (const list of Map.groupBy(finals, ({ commandId }) => commandId).values()) {
    if (list.length > 1) reached.attached_and_answered_alike += 1;
  }
  for (const list of Map.groupBy(admissions, ({ tag, life }) => `${tag} ${life}`).values()) {
    const late = list.findIndex(({ isTooLate }) => isTooLate);
    if (late >= 0 && list.slice(late).some(({ isTooLate }) => !isTooLate)) reached.too_late_and_in_time += 1;
  }
  reached.limits_kept += answers.filter(({ code }) => code === "risk_limit_exceeded").length;
  reached.blocked_by_unknown += answers.filter(({ code }) => code === "outcome_pending").length;
  reached.logins_paused += answers.filter(({ code }) => code === "login_paused").length;
  return reached;
}
