// Whether the parts behind the API answer: no secrets, no user data. Cached, because anyone may ask.
import type { WorkerHealth } from "../bridge/mod.ts";
import type { ServiceContext } from "./context.ts";

export type Health = {
  status: "ok" | "degraded";
  version: string;
  database: { reachable: boolean; round_trip_ms: number | null };
  workers: WorkerHealth[];
};

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
  const [database, ...workers] = await Promise.all([
    probeDatabase(context),
    ...workerIds.map((id) => bridge.probe(id)),
  ]);
  const healthy = database.reachable && workers.every((worker) => worker.reachable);
  return { status: healthy ? "ok" : "degraded", version, database, workers };
}

async function probeDatabase({ db, clock }: HealthContext): Promise<Health["database"]> {
  const start = clock.monotonicMs();
  try {
    await db.withdrawCommand(NIL_UUID, NIL_UUID);
    return { reachable: true, round_trip_ms: Math.round((clock.monotonicMs() - start) * 10) / 10 };
  } catch {
    return { reachable: false, round_trip_ms: null };
  }
}
