// What a worker says of itself when it is pinged, for `/health`, which anybody may read: counts, ages and states; no account,
// no user, no id.
import type { Journal } from "../journal/mod.ts";
import type { WorkerHealth } from "../protocol.ts";
import type { Scheduler } from "../scheduler/mod.ts";

export type WorkerParts = {
  version: string;
  plainRpc: boolean;
  scheduler: Pick<Scheduler, "health" | "inFlight">;
  journal: Pick<Journal, "backlog" | "createdAt">;
  journalBytes: () => number;
  wallClock: () => number;
};

export function describeWorker(parts: WorkerParts): WorkerHealth {
  const { scheduler, journal, wallClock } = parts;
  const now = wallClock();
  // A wall clock that was set back must not make an age negative.
  const age = (since: number): number => Math.max(0, Math.round((now - since) / 1000));
  const { unknown, undeliveredSince } = journal.backlog();
  return {
    version: parts.version,
    wall_ms: now,
    terminals: scheduler.health(),
    in_flight: scheduler.inFlight,
    plain_rpc: parts.plainRpc,
    unknown_commands: unknown,
    oldest_undelivered_s: undeliveredSince === null ? null : age(undeliveredSince),
    journal: { age_s: age(journal.createdAt), bytes: parts.journalBytes() },
  };
}
