// Log lines as JSON objects: time, level, event, the scope's fields, the call's own. Secrets are cut by field name, so
// that a careless call cannot print a token. Pure but for the injected writer.
import { z } from "zod";

const LEVELS = ["debug", "info", "warn", "error"] as const;
export const LogLevel = z.enum(LEVELS);
export type LogLevel = z.infer<typeof LogLevel>;
export type LogFields = Record<string, unknown>;

/** `event` is a constant such as `command.submitted`; sentences are not parsed. */
export type Log = Record<LogLevel, (event: string, fields?: LogFields) => void> & { scope(fields: LogFields): Log };

/** Supabase keeps 10,000 characters of a line; a longer one would lose its end, and with it the closing brace. */
export const MAX_LOG_TEXT_CHARS = 2_000;
const SECRET_NAME = /pass|token|secret|authorization|credential|envelope|apikey|jwk|jwe|jws|cookie/i;

export type LogOptions = { write: (line: string) => void; level: LogLevel; wallMs: () => number };

export function createLog(options: LogOptions, scope: LogFields = {}): Log {
  const least = LEVELS.indexOf(options.level);
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (LEVELS.indexOf(level) < least) return;
      const time = new Date(options.wallMs()).toISOString();
      options.write(JSON.stringify(redact({ time, level, event, ...scope, ...fields })));
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    scope: (fields) => createLog(options, { ...scope, ...fields }),
  };
}

function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return value.length > MAX_LOG_TEXT_CHARS ? value.slice(0, MAX_LOG_TEXT_CHARS) : value;
  if (value instanceof Error) return redact(describeError(value), depth);
  if (typeof value !== "object" || value === null) return value;
  if (depth > 6) return "[deep]";
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redact(item, depth + 1));
  const entries = Object.entries(value).map(([name, field]) => [
    name,
    SECRET_NAME.test(name) ? "[redacted]" : redact(field, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

/** An error as fields: with its code (ours, Postgres', jose's) and its cause, which says what really happened. */
function describeError(error: Error): LogFields {
  const code = "code" in error ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  return { name: error.name, message: error.message, ...code, stack: error.stack, ...cause };
}
