// Whether the parts behind the API answer: no secrets, no user data. Cached, because anyone may ask.
import type { WorkerHealth } from "../../_shared/protocol/mod.ts";
import type { WorkerProbe } from "../bridge/mod.ts";
import type { ServiceContext } from "./context.ts";

export type Health = {
  status: "ok" | "degraded";
  /** The database and one terminal of one worker can serve: some requests can succeed. */
  serving: boolean;
  version: string;
  database: { reachable: boolean; round_trip_ms: number | null };
  workers: WorkerStatus[];
};

/** What a worker says of itself, but for its clock: that is shown as the difference to ours. */
export type WorkerStatus = {
  id: string;
  reachable: boolean;
  round_trip_ms: number | null;
  clock_skew_ms: number | null;
  clock_skew_warning: boolean;
} & Partial<Omit<WorkerHealth, "wall_ms">>;

export const HEALTH_CACHE_MS = 2_000;
/** Tokens and envelopes are refused from 30 s on; a clock that is kept at all is never this far off. */
export const CLOCK_SKEW_WARN_MS = 2_000;
/** Belongs to nobody: asking the ledger to forget it proves the way there and back, and changes nothing. */
const NIL_UUID = "00000000-0000-0000-0000-000000000000";
type TerminalStatus = WorkerHealth["terminals"][number];

type HealthContext = Pick<ServiceContext, "db" | "bridge" | "clock" | "workerIds">;

/** Concurrent and close questions share one answer. */
export function createHealthCheck(context: HealthContext, version: string): () => Promise<Health> {
  let latest: { atMs: number; health: Promise<Health> } | undefined;
  return async () => {
    const now = context.clock.monotonicMs();
    if (latest === undefined || now - latest.atMs > HEALTH_CACHE_MS) {
      latest = { atMs: now, health: checkHealth(context, version) };
    }
    return await latest.health;
  };
}

async function checkHealth(context: HealthContext, version: string): Promise<Health> {
  const { bridge, workerIds } = context;
  const [database, ...probes] = await Promise.all([probeDatabase(context), ...workerIds.map((id) => bridge.probe(id))]);
  const workers = probes.map(showWorker);
  const isWell = database.reachable && workers.every((worker) => worker.reachable && !hasTrouble(worker));
  const serving = database.reachable && workers.some(canServe);
  return { status: isWell && serving ? "ok" : "degraded", serving, version, database, workers };
}

function hasTrouble({ terminals = [], clock_skew_warning }: WorkerStatus): boolean {
  return clock_skew_warning || terminals.some(isOutOfService);
}

function canServe({ reachable, terminals = [] }: WorkerStatus): boolean {
  return reachable && !terminals.every(isOutOfService);
}

/** Also while it is tried again: its trouble is over when it is connected. Never used so far: well until it is tried. */
function isOutOfService({ state, reason }: TerminalStatus): boolean {
  return reason !== undefined || state === "quarantined" || state === "draining";
}

async function probeDatabase({ db, clock }: HealthContext): Promise<Health["database"]> {
  const start = clock.monotonicMs();
  try {
    await db.withdrawCommand(NIL_UUID, NIL_UUID);
    return { reachable: true, round_trip_ms: toTenths(clock.monotonicMs() - start) };
  } catch {
    return { reachable: false, round_trip_ms: null };
  }
}

function showWorker({ id, reachable, roundTripMs, clockSkewMs, health }: WorkerProbe): WorkerStatus {
  const { wall_ms: _wall, ...said } = health ?? { wall_ms: 0 };
  return {
    ...{
      id,
      reachable,
      round_trip_ms: roundTripMs === null ? null : toTenths(roundTripMs),
      clock_skew_ms: clockSkewMs,
    },
    clock_skew_warning: Math.abs(clockSkewMs ?? 0) > CLOCK_SKEW_WARN_MS,
    ...said,
  };
}

function toTenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
