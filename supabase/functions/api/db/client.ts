// Calls SQL functions through the project's REST gateway, and turns what fails there into the catalogue. The only file
// that talks to the database.
import { createClient } from "@supabase/supabase-js";
import type { z } from "zod";
import { AppError, isErrorCode } from "../../_shared/errors/mod.ts";

/** A call that hangs is a database that is away: above any honest lock wait, below every gateway's own patience. */
export const DB_TIMEOUT_MS = 5_000;

/** Calls one SQL function. `userToken`: as that user; without it, as the trusted service. Throws AppError only. */
export type CallSql = <Schema extends z.ZodType>(
  name: string,
  args: Record<string, unknown>,
  answer: Schema,
  userToken?: string,
) => Promise<z.infer<Schema>>;

export type SqlClientOptions = { url: string; secretKey: string; publishableKey: string; timeoutMs?: number };

export function createSqlClient(options: SqlClientOptions): CallSql {
  const settings = {
    // An isolate serves many users at once: no session may ever live in a client.
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    // supabase-js repeats nothing that writes, and its quiet 7 s of repeats for the rest would outlast our callers.
    db: { timeout: options.timeoutMs ?? DB_TIMEOUT_MS, retry: false },
  };
  const trusted = createClient(options.url, options.secretKey, settings);
  const asUser = createClient(options.url, options.publishableKey, settings);
  return async (name, args, answer, userToken) => {
    const call =
      userToken === undefined
        ? trusted.rpc(name, args)
        : asUser.rpc(name, args).setHeader("Authorization", `Bearer ${userToken}`);
    const { data, error } = await call;
    if (error !== null) throw toDatabaseError(error);
    const parsed = answer.safeParse(data);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues.map((issue) => issue.path.join("."));
    throw new AppError("internal_error", { cause: new Error(`${name}() answered an unexpected shape: ${where}`) });
  };
}

export type SqlFault = { code?: string; message: string; details?: string | null; hint?: string | null };

/** SQLSTATE classes of a server that is away, stopping, out of room, or asked us to try again. PostgREST's own too. */
const AWAY = /^(08|53|57|40|55|PGRST00)/;
/** PostgREST refuses a token that expired on the way or that it knows no key for. */
const TOKEN_REFUSED = /^PGRST30[0-3]$/;

/** The one key that a call can break: to its own user, who was deleted while the token still counts. */
const USER_GONE = "23503";

/** Our functions raise SQLSTATE `PTnnn` with a catalogue code as message and a sentence as detail. Pure. */
export function toDatabaseError(fault: SqlFault): AppError {
  const { code = "", message } = fault;
  const cause = new SqlError(fault);
  if (/^PT\d{3}$/.test(code) && isErrorCode(message)) {
    return new AppError(message, { ...(fault.details ? { detail: fault.details } : {}), cause });
  }
  if (code === USER_GONE || TOKEN_REFUSED.test(code)) return new AppError("unauthenticated", { cause });
  // Without a code nothing answered as a database does: a network fault, or a gateway's own page.
  if (code === "" || AWAY.test(code)) return new AppError("database_unavailable", { cause });
  return new AppError("internal_error", { cause });
}

/** What the database said, for the log. Not `details`: Postgres quotes rows there, ciphertext included. */
class SqlError extends Error {
  readonly code: string;

  constructor(fault: SqlFault) {
    super(fault.message);
    this.name = "SqlError";
    this.code = fault.code ?? "";
  }
}
