// What the middleware leaves in a request's context for those after it.
import type { Log } from "../log.ts";

export type AppEnv = { Variables: { requestId: string; log: Log } };
