// The worker's log: JSON lines on standard output, with a few fixed scope keys. What may be logged is named at the call;
// as a second net, fields that could carry a secret are cut out wherever they appear.
import { pino } from "pino";

export type Scope = {
  room?: string;
  terminal?: string;
  command_id?: string;
  call_id?: string;
  peer?: number;
};

export interface Log {
  debug(event: string, fields?: Record<string, unknown>): void;
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
  scope(scope: Scope): Log;
}

const SECRET_FIELDS = ["password", "credential", "user_token", "envelope", "authorization", "body", "token"];

export function createLog(level: string, workerId: string): Log {
  const redact = { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[secret]" };
  const options = { level, base: { worker_id: workerId }, redact, timestamp: pino.stdTimeFunctions.isoTime };
  // Synchronous: the last lines before a crash are the ones that matter.
  return wrap(pino(options, pino.destination({ dest: 1, sync: true })));
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
    scope: (scope) => wrap(logger.child(scope)),
  };
}

/** An error for the log: class and message, and those of its causes; never a stack of another process. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : ` (${describeError(error.cause)})`;
  return `${error.name}: ${error.message}${cause}`;
}
