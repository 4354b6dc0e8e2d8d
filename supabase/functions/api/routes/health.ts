// GET /health: for load balancers and people. No token, no secrets, no user data.
import { z } from "zod";
import { WorkerHealth } from "../../_shared/protocol/mod.ts";
import type { Health } from "../services/mod.ts";
import { QueryBoolean } from "./fields.ts";
import { addOpenRoute, type Router } from "./route.ts";

const HealthAnswer = z.object({
  status: z
    .enum(["ok", "degraded"])
    .meta({ description: "`degraded`: something does not answer or is out of service" }),
  serving: z.boolean().meta({ description: "The database and at least one terminal can serve" }),
  version: z.string(),
  database: z.object({ reachable: z.boolean(), round_trip_ms: z.number().nullable() }),
  workers: z.array(
    z.object({
      id: z.string(),
      reachable: z.boolean(),
      round_trip_ms: z.number().nullable(),
      clock_skew_ms: z.number().nullable().meta({ description: "The worker's wall clock minus the function's" }),
      clock_skew_warning: z.boolean().meta({ description: "More than 2 s apart: look after the hosts' clocks" }),
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
      description:
        "200 when the function itself runs; `status` says whether all is well. With `strict=true` the same body comes with " +
        "503 while `serving` is false: for monitors that look at the status code alone. At most 2 s old.",
      auth: false,
      query: z.object({ strict: QueryBoolean.optional() }),
      answers: {
        200: { description: "What answers and what does not", schema: HealthAnswer },
        503: { description: "Only with `strict=true`: nothing can be served", schema: HealthAnswer },
      },
    },
    async ({ c, query }) => {
      const health = await checkHealth();
      return c.json(health, query.strict === true && !health.serving ? 503 : 200);
    },
  );
}
