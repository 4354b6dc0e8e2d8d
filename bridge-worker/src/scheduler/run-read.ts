// One read on one terminal: connect, switch, status, account, positions, orders, history. Nothing here changes anything at the
// broker, so nothing is journaled, and a read that met the wrong account may simply be done again.
import type { Journal } from "../journal/mod.ts";
import {
  type AccountReply,
  accountView,
  type BrokerClock,
  type Reading,
  type ReadParts,
  type Records,
  TerminalLost,
  UnknownTradeMode,
} from "../mt5/mod.ts";
import { AppError, type ErrorCode, type ReadOutcome } from "../protocol.ts";
import type { AccessReply, Claim, TerminalSession } from "../terminals/mod.ts";
import { accountStatus, type StatusDeps } from "./account-status.ts";
import type { ReadCall } from "./calls.ts";
import { READING_TIMEOUT_MS } from "./prepare-command.ts";
import { type HistoryRead, isHistoryRead, recordsQuery, showRecords } from "./show-history.ts";
import { type AccountRead, isAccountRead, showReading } from "./show-reading.ts";
import { exposedIn } from "./snapshots.ts";
import type { Ran, Snapshot } from "./task.ts";

export type ReadDeps = StatusDeps & { journal: Journal; clock: BrokerClock };

/** How it ended, what it cost, and what it saw for others. */
export type ReadRun = { outcome: ReadOutcome; ran: Ran };

type Failure = Extract<ReadOutcome, { ok: false }>;
/** Filled in on the way. */
type Course = { loginMs: number | null; snapshot: Snapshot | null };

/** Never throws for what a terminal, a broker or a caller does. */
export async function runRead(deps: ReadDeps, session: TerminalSession, call: ReadCall): Promise<ReadRun> {
  const startedMs = deps.now();
  const course: Course = { loginMs: null, snapshot: null };
  const outcome = await outcomeOf(deps, call, () => readValue(deps, session, call, course));
  const workMs = deps.now() - startedMs - (course.loginMs ?? 0);
  return {
    outcome,
    ran: {
      ...course,
      exposed: course.snapshot && exposedIn(course.snapshot.reading),
      workMs: outcome.ok ? workMs : null,
    },
  };
}

/** The same read, answered by what the account's terminal was last seen to hold. */
export function readFrom(
  deps: ReadDeps,
  call: ReadCall,
  request: AccountRead,
  { reading, asOfMs }: Snapshot,
): Promise<ReadOutcome> {
  return outcomeOf(deps, call, async () => showReading(deps, call, request, reading, asOfMs));
}

async function outcomeOf(deps: ReadDeps, call: ReadCall, read: () => Promise<object | Failure>): Promise<ReadOutcome> {
  try {
    const value = await read();
    return "ok" in value ? value : { ok: true, value };
  } catch (error) {
    if (error instanceof AppError) return failed(error.code, error.message);
    if (error instanceof UnknownTradeMode) return failed("terminal_unavailable", error.message);
    if (error instanceof TerminalLost) {
      return deps.now() > call.notAfterMs ? failed("read_timeout") : failed("terminal_unavailable");
    }
    throw error;
  }
}

async function readValue(
  deps: ReadDeps,
  session: TerminalSession,
  call: ReadCall,
  course: Course,
): Promise<object | Failure> {
  const { request, credential } = call.body;
  const claim: Claim = { userId: call.userId, account: call.account, credential };
  if (request.kind === "account_status") {
    return accountStatus(deps, session, { claim, symbol: request.symbol, notAfterMs: call.notAfterMs });
  }
  const prove = request.kind === "connect" ? deps.access.verify : deps.access.enter;
  const access = await prove(session, claim, call.notAfterMs);
  if (access.kind !== "ready") return accessFailure(access);
  course.loginMs = access.loginMs > 0 ? access.loginMs : null;
  // Before the terminal is asked: what happens meanwhile may be in the answer or not.
  const [takenAtMs, asOfMs] = [deps.now(), deps.wallClock()];
  if (isHistoryRead(request)) {
    const reply = await readHistory(deps, session, call, request);
    return "ok" in reply ? reply : showRecords(deps, call, request, reply, asOfMs);
  }
  if (!isAccountRead(request) || (request.kind === "account_info" && request.max_age_ms === 0)) {
    const reply = await inTime<AccountReading>(deps, call, (timeoutMs) =>
      session.readAccount(call.account, Math.min(timeoutMs, READING_TIMEOUT_MS)),
    );
    if ("ok" in reply) return reply;
    deps.equity.saw(reply, deps.wallClock());
    return { account: accountView(reply.account), as_of: new Date(asOfMs).toISOString() };
  }
  const reading = await readOnce(deps, session, call, partsFor(request));
  if ("ok" in reading) return reading;
  if (isWhole(request)) course.snapshot = { reading, takenAtMs, asOfMs };
  return showReading(deps, call, request, reading, asOfMs);
}

/** Whoever takes an answer of some age gets the account whole, and so do those who come after him. */
function isWhole({ max_age_ms }: AccountRead): boolean {
  return max_age_ms > 0;
}

function partsFor(request: AccountRead): ReadParts {
  if (isWhole(request)) return { positions: {}, orders: {} };
  const filter = "symbol" in request && request.symbol !== undefined ? { symbol: request.symbol } : {};
  return request.kind === "positions" ? { positions: filter } : { orders: filter };
}

async function readOnce(
  deps: ReadDeps,
  session: TerminalSession,
  call: ReadCall,
  parts: ReadParts,
): Promise<(Reading & { ok?: never }) | Failure> {
  const reply = await inTime<Reading>(deps, call, (timeoutMs) =>
    session.read(call.account, parts, Math.min(timeoutMs, READING_TIMEOUT_MS)),
  );
  if ("ok" in reply) return reply;
  const utcMs = deps.wallClock();
  if (reply.broker_now_msc !== null) deps.clock.observe(call.account.server, reply.broker_now_msc, utcMs);
  deps.equity.saw(reply, utcMs);
  return reply;
}

async function readHistory(
  deps: ReadDeps,
  session: TerminalSession,
  call: ReadCall,
  request: HistoryRead,
): Promise<(Records & { ok?: never }) | Failure> {
  const { server } = call.account;
  if (deps.clock.offsetMs(server) === undefined) {
    // The ticks of open positions may tell the offset, and records carry none.
    const reading = await readOnce(deps, session, call, { positions: {} });
    if (reading.ok === false) return reading;
  }
  const query = recordsQuery(request, server, deps.clock);
  return await inTime<Records>(deps, call, (timeoutMs) => session.records(call.account, query, timeoutMs));
}

type AccountReading = Extract<AccountReply, { kind: "ok" }>;
type Unread = Exclude<AccountReply, AccountReading>;

/** Asks the terminal if there is time left; a reply that is no reading becomes the caller's failure. */
async function inTime<Reply extends { kind: "ok" }>(
  deps: ReadDeps,
  call: ReadCall,
  ask: (timeoutMs: number) => Promise<Reply | Unread>,
): Promise<(Reply & { ok?: never }) | Failure> {
  const timeoutMs = call.notAfterMs - deps.now();
  if (timeoutMs <= 0) return failed("read_timeout");
  const reply = await ask(timeoutMs);
  switch (reply.kind) {
    case "ok":
      return reply;
    case "wrong_account":
      return failed("terminal_unavailable", "The terminal was moved to another account");
    case "failed":
      return failed("terminal_unavailable", `The terminal could not answer ${reply.call}`, reply.lastError);
  }
}

function accessFailure(access: Exclude<AccessReply, { kind: "ready" }>): Failure {
  switch (access.kind) {
    case "auth_failed":
      return failed("login_failed", undefined, access.lastError);
    case "no_connection":
      return failed("terminal_unavailable", "The broker could not be reached", access.lastError);
    case "other_account":
      return failed("server_mismatch", `The broker calls this server "${access.actual.server}"`);
    case "no_time":
      return failed("worker_busy", "A login is needed and would take longer than the time left");
    case "paused":
      return { ...failed("login_paused"), retry_after_ms: access.retryAfterMs };
  }
}

function failed(code: ErrorCode, detail?: string, lastError?: [number, string]): Failure {
  return {
    ok: false,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(lastError === undefined ? {} : { mt5: { last_error: lastError } }),
  };
}
