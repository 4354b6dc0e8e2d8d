// The function's entry, and the only file that knows it runs on Deno: environment → configuration → parts → app.
// A process on the edge cannot refuse to start; a wrong configuration answers 503 on every route and logs every fault.
import { AppError, PROBLEM_JSON, toProblem } from "../_shared/errors/mod.ts";
import { createApp } from "./app.ts";
import { openWebSocket } from "./bridge/mod.ts";
import { ConfigError, parseConfig } from "./config.ts";
import { buildDeps } from "./deps.ts";
import { createLog, type Log, LogLevel } from "./log.ts";

type Fetch = (request: Request) => Response | Promise<Response>;

/** Supabase's runtime has it; plain Deno does not, and keeps its process alive anyway. */
declare const EdgeRuntime: { waitUntil(promise: Promise<unknown>): void } | undefined;

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
const newId = (): string => crypto.randomUUID();

function createProcessLog(level: LogLevel): Log {
  // biome-ignore lint/suspicious/noConsole: the runtime collects console lines, and offers no other log.
  return createLog({ write: (line) => console.log(line), level, wallMs: clock.wallMs });
}

async function start(): Promise<Fetch> {
  const env = Deno.env.toObject();
  const log = createProcessLog(LogLevel.safeParse(env.LOG_LEVEL).data ?? "info");
  try {
    const config = await parseConfig(env);
    const keepAlive = (promise: Promise<unknown>): void => {
      if (typeof EdgeRuntime !== "undefined") EdgeRuntime.waitUntil(promise);
    };
    const deps = buildDeps(config, { log, clock, newId, openTransport: openWebSocket, keepAlive });
    const app = createApp(deps);
    return (request) => app.fetch(request);
  } catch (thrown) {
    const faults = thrown instanceof ConfigError ? thrown.faults : [];
    log.error("config.invalid", { faults, error: thrown });
    return answerUnconfigured;
  }
}

function answerUnconfigured(): Response {
  const detail = "This function is not configured; its log names every fault";
  const problem = toProblem(new AppError("worker_unreachable", { detail }), newId());
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { "Content-Type": PROBLEM_JSON, "Cache-Control": "no-store", "Retry-After": "60" },
  });
}

// Begun by the first request: importing this file reads nothing and does nothing.
let started: Promise<Fetch> | undefined;

export default {
  async fetch(request: Request): Promise<Response> {
    started ??= start();
    return await (await started)(request);
  },
};
