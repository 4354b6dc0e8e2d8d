// The way of results that nobody confirmed: from the worker's outbox to whatever isolate takes the request.
import { receiveResults } from "../../../supabase/functions/api/services/mod.ts";
import type { FaultPlan } from "./faults.ts";
import type { Isolate } from "./isolate.ts";
import type { Loop } from "./loop.ts";
import type { Random } from "./random.ts";

type ResultsWay = { loop: Loop; random: Random; plan: FaultPlan; isolates: readonly Isolate[] };

export function resultsWay({ loop, random, plan, isolates }: ResultsWay): typeof fetch {
  const carry = async (body: string): Promise<Response> => {
    await loop.sleep(random.between(1, 20));
    if (plan.strikes("post_lost")) throw new Error("connection refused");
    const { context } = random.pick(isolates);
    const { results } = JSON.parse(body) as { results: string[] };
    const receipt = await receiveResults(context, results);
    await loop.sleep(random.between(1, 20));
    if (plan.strikes("post_answer_lost")) throw new Error("connection reset");
    return { ok: true, status: 200, json: async () => receipt } as Response;
  };
  return (_url, init) =>
    new Promise((resolve, reject) => {
      // The isolate may be gone, and then nobody answers: who asked has a time limit.
      init?.signal?.addEventListener("abort", () => reject(new Error("given up")));
      carry(String(init?.body)).then(resolve, reject);
    });
}
