// One read on one terminal: connect, switch, status, account, positions, orders. Nothing here changes anything at the
// broker, so nothing is journaled, and a read that met the wrong account may simply be done again.
import type { Journal, TagOwner } from "../journal/mod.ts";
import {
  type AccountReply,
  accountView,
  type BrokerClock,
  type MarksOf,
  orderView,
  positionView,
  type Reading,
  type ReadParts,
  TerminalLost,
  tagOfComment,
  UnknownTradeMode,
} from "../mt5/mod.ts";
import { AppError, CommandRequest, type ErrorCode, MAX_ROWS, type ReadOutcome, type ReadRequest } from "../protocol.ts";
import type { AccessReply, AccountAccess, Claim, TerminalSession } from "../terminals/mod.ts";
import { accountStatus } from "./account-status.ts";
import type { ReadCall } from "./calls.ts";

export type ReadDeps = {
  journal: Journal;
  access: AccountAccess;
  clock: BrokerClock;
  now: () => number;
  wallClock: () => number;
};

/** Never throws for what a terminal, a broker or a caller does. */
export async function runRead(deps: ReadDeps, session: TerminalSession, call: ReadCall): Promise<ReadOutcome> {
  try {
    const value = await readValue(deps, session, call);
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

type Failure = Extract<ReadOutcome, { ok: false }>;

async function readValue(deps: ReadDeps, session: TerminalSession, call: ReadCall): Promise<object | Failure> {
  const { request } = call.body;
  const claim: Claim = { userId: call.userId, account: call.account, credential: call.body.credential };
  if (request.kind === "account_status") {
    return accountStatus(deps, session, { claim, symbol: request.symbol, notAfterMs: call.notAfterMs });
  }
  const prove = request.kind === "connect" ? deps.access.verify : deps.access.enter;
  const access = await prove(session, claim, call.notAfterMs);
  if (access.kind !== "ready") return accessFailure(access);
  const as_of = (): string => new Date(deps.wallClock()).toISOString();
  if (request.kind !== "positions" && request.kind !== "orders") {
    const reply = await inTime<AccountReading>(deps, call, (timeoutMs) => session.readAccount(call.account, timeoutMs));
    return "ok" in reply ? reply : { account: accountView(reply.account), as_of: as_of() };
  }
  const reading = await readOnce(deps, session, call, partsFor(request));
  if ("ok" in reading) return reading;
  switch (request.kind) {
    case "positions": {
      const rows = reading.positions ?? [];
      const marks = marksFor(deps.journal, call.userId);
      const { server } = call.account;
      const positions = rows.slice(0, MAX_ROWS).map((row) => positionView(row, server, deps.clock, marks));
      return { positions, truncated: rows.length > MAX_ROWS, as_of: as_of() };
    }
    case "orders": {
      const rows = reading.orders ?? [];
      const marks = marksFor(deps.journal, call.userId);
      const { server } = call.account;
      const orders = rows.slice(0, MAX_ROWS).map((row) => orderView(row, server, deps.clock, marks));
      return { orders, truncated: rows.length > MAX_ROWS, as_of: as_of() };
    }
  }
}

function partsFor(request: Extract<ReadRequest, { symbol?: unknown }>): ReadParts {
  const filter = request.symbol === undefined ? {} : { symbol: request.symbol };
  return request.kind === "positions" ? { positions: filter } : { orders: filter };
}

async function readOnce(
  deps: ReadDeps,
  session: TerminalSession,
  call: ReadCall,
  parts: ReadParts,
): Promise<(Reading & { ok?: never }) | Failure> {
  const reply = await inTime<Reading>(deps, call, (timeoutMs) => session.read(call.account, parts, timeoutMs));
  if (!("ok" in reply) && reply.broker_now_msc !== null) {
    deps.clock.observe(call.account.server, reply.broker_now_msc, deps.wallClock());
  }
  return reply;
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

/** The caller's own magic and comment, for orders that one of his commands made; nothing for anyone else's. */
function marksFor(journal: Journal, userId: string): MarksOf {
  return ({ magic, comment }) => {
    const owner = ownerOf(journal, Number(magic)) ?? ownerOf(journal, tagOfComment(comment));
    if (owner === undefined || owner.userId !== userId) return { magic: null, comment: null, command_id: null };
    const request = CommandRequest.safeParse(owner.request).data;
    const params = request?.kind === "trade" ? request.params : undefined;
    return { magic: params?.magic ?? null, comment: params?.comment ?? null, command_id: owner.id };
  };
}

function ownerOf(journal: Journal, tag: number | undefined): TagOwner | undefined {
  return Number.isSafeInteger(tag) && tag !== undefined ? journal.tagOwner(tag) : undefined;
}

function failed(code: ErrorCode, detail?: string, lastError?: [number, string]): Failure {
  return {
    ok: false,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(lastError === undefined ? {} : { mt5: { last_error: lastError } }),
  };
}
