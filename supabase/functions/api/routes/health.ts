// GET /health: for load balancers and people. No token, no secrets, no user data.
import { z } from "zod";
import { WorkerHealth } from "../../_shared/protocol/mod.ts";
import type { Health } from "../services/mod.ts";
import { addOpenRoute, type Router } from "./route.ts";

const HealthAnswer = z.object({
  status: z.enum(["ok", "degraded"]),
  version: z.string(),
  database: z.object({ reachable: z.boolean(), round_trip_ms: z.number().nullable() }),
  workers: z.array(
    z.object({
      id: z.string(),
      reachable: z.boolean(),
      round_trip_ms: z.number().nullable(),
      clock_skew_ms: z.number().nullable().meta({ description: "The worker's wall clock minus the function's" }),
      ...WorkerHealth.omit({ wall_ms: true }).partial().shape,
    }),
  ),
});

export function addHealthRoutes(router: Router, checkHealth: () => Promise<Health>): void {
  addOpenRoute(
    router,
    {
      method: "get",
      path: "/health",
      tag: "Service",
      summary: "Whether the database and the workers answer",
      description: "Always 200 when the function itself runs; `status` says whether all is well. At most 2 s old.",
      auth: false,
      answers: { 200: { description: "What answers and what does not", schema: HealthAnswer } },
    },
    async ({ c }) => c.json(await checkHealth()),
  );
}
