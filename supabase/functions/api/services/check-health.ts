// Whether the parts behind the API answer: no secrets, no user data. Cached, because anyone may ask.
import type { WorkerHealth } from "../../_shared/protocol/mod.ts";
import type { WorkerProbe } from "../bridge/mod.ts";
import type { ServiceContext } from "./context.ts";

export type Health = {
  status: "ok" | "degraded";
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
} & Partial<Omit<WorkerHealth, "wall_ms">>;

export const HEALTH_CACHE_MS = 2_000;
/** Belongs to nobody: asking the ledger to forget it proves the way there and back, and changes nothing. */
const NIL_UUID = "00000000-0000-0000-0000-000000000000";

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
  const healthy = database.reachable && workers.every((worker) => worker.reachable);
  return { status: healthy ? "ok" : "degraded", version, database, workers };
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
  const round_trip_ms = roundTripMs === null ? null : toTenths(roundTripMs);
  return { id, reachable, round_trip_ms, clock_skew_ms: clockSkewMs, ...said };
}

function toTenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
