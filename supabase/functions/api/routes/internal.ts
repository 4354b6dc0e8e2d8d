// POST /internal/results: the worker's outbox. No bearer token: every result carries its own signature.
import { z } from "zod";
import { MAX_RESULTS_BODY_BYTES, MAX_RESULTS_PER_POST } from "../../_shared/protocol/mod.ts";
import { receiveResults, type ServiceContext } from "../services/mod.ts";
import { addOpenRoute, type Router } from "./route.ts";

const ResultsRequest = z.strictObject({ results: z.array(z.string().min(1)).min(1).max(MAX_RESULTS_PER_POST) });
const Receipt = z.object({
  stored: z.array(z.guid()),
  rejected: z.array(z.object({ index: z.int(), code: z.string() })),
});

export function addInternalRoutes(router: Router, services: ServiceContext): void {
  addOpenRoute(
    router,
    {
      method: "post",
      path: "/internal/results",
      tag: "Internal",
      summary: "Deliver signed results",
      auth: false,
      hidden: true,
      body: ResultsRequest,
      maxBodyBytes: MAX_RESULTS_BODY_BYTES,
      answers: { 200: { description: "Which were stored", schema: Receipt } },
    },
    async ({ c, body }) => c.json(await receiveResults(services, body.results)),
  );
}
