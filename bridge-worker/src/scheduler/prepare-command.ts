// Everything before the point of no return: the login, one reading of the account, and the decision whether and what to send.
import type { Journal, OpenIntent } from "../journal/mod.ts";
import type { Log } from "../log.ts";
import {
  type BrokerClock,
  isRefusal,
  type Plan,
  partsFor,
  planCommand,
  type Reading,
  TerminalLost,
} from "../mt5/mod.ts";
import { type AccountRef, AppError, isMarketOrder, type Outcome } from "../protocol.ts";
import { decideRisk, type EquityCounters } from "../risk/mod.ts";
import type { AccountAccess, Claim, TerminalSession } from "../terminals/mod.ts";
import { blockedBy, unseenOpenings } from "./blocks.ts";
import type { CommandCall } from "./calls.ts";
import type { EquityWatch } from "./equity-watch.ts";
import type { FillingMemory } from "./filling-memory.ts";
import type { FreshOpenings } from "./fresh-openings.ts";

/**
 * Longest wait for a reading of the account, whatever time its caller has: one that takes longer says that the terminal is
 * not well, and until that is said nobody else serves the account.
 */
export const READING_TIMEOUT_MS = 5_000;
const ORDER_WINDOW_MS = 60_000;

export type RunDeps = {
  journal: Journal;
  access: AccountAccess;
  clock: BrokerClock;
  equity: EquityWatch;
  fillings: FillingMemory;
  fresh: FreshOpenings;
  log: Log;
  now: () => number;
  wallClock: () => number;
};

/** The order to send, and the reading that it was decided on. */
export type Prepared = { plan: Plan; reading: Reading };
type Ended = Exclude<Outcome, { state: "done" } | { state: "unknown" }>;
/** Milliseconds, filled in on the way. */
export type Stopwatch = { queuedMs: number; loginMs: number; prepareMs: number; sendMs: number; startedMs: number };

/**
 * Login if needed, one reading, and the decision: the trade request to send, or the outcome that makes it needless. Whatever
 * fails in here, the order certainly does not exist.
 */
export async function prepareCommand(
  deps: RunDeps,
  session: TerminalSession,
  call: CommandCall,
  watch: Stopwatch,
): Promise<Prepared | Outcome> {
  try {
    return await prepare(deps, session, call, watch);
  } catch (error) {
    return notSent(deps, call, error);
  }
}

async function prepare(
  deps: RunDeps,
  session: TerminalSession,
  call: CommandCall,
  watch: Stopwatch,
): Promise<Prepared | Outcome> {
  const claim: Claim = { userId: call.userId, account: call.account, credential: call.body.credential };
  const access = await deps.access.enter(session, claim, call.notAfterMs);
  switch (access.kind) {
    case "auth_failed":
      return refused("credential_invalid", undefined, { last_error: access.lastError });
    case "other_account":
      return refused("credential_invalid", `The broker calls this account's server "${access.actual.server}"`);
    case "no_connection":
      return refused("terminal_unavailable", "The broker could not be reached", { last_error: access.lastError });
    case "no_time":
      return expired("A login is needed and would take longer than the time left");
    case "paused":
      return { ...refused("login_paused"), retry_after_ms: access.retryAfterMs };
    case "ready":
      watch.loginMs = access.loginMs;
  }
  const open = deps.journal.unsettledOf(call.account);
  const blocker = blockedBy(call.body.request, open);
  if (blocker !== undefined) return refused("outcome_pending", pendingSentence(call, blocker));
  const readAtMs = deps.now();
  const reply = await session.read(call.account, partsFor(call.body.request), READING_TIMEOUT_MS);
  watch.prepareMs = deps.now() - readAtMs;
  if (reply.kind === "wrong_account")
    return refused("terminal_unavailable", "The terminal was moved to another account");
  if (reply.kind === "failed") {
    return refused("terminal_unavailable", `The terminal could not answer ${reply.call}`, {
      last_error: reply.lastError,
    });
  }
  const utcMs = deps.wallClock();
  const { server } = call.account;
  if (reply.broker_now_msc !== null) deps.clock.observe(server, reply.broker_now_msc, utcMs);
  deps.equity.saw(reply, utcMs);
  const plan = planCommand(call.body.request, {
    tag: call.body.tag,
    reading: reply,
    brokerOffsetMs: deps.clock.offsetMs(server),
    utcMs,
    passMagic: call.body.pass_magic === true,
    refusedFillings: deps.fillings.refused({ server, symbol: reply.symbol?.name ?? "", market: isMarket(call.body) }),
  });
  if (isRefusal(plan)) return { state: "refused", ...plan };
  const violation = checkRisk(deps, call, { ...reply, plan, open, utcMs });
  if (violation !== undefined) return refused("risk_limit_exceeded", violation);
  if (deps.now() > call.notAfterMs) return expired("The time was over before the order could be sent");
  return { plan, reading: reply };
}

function isMarket({ request }: CommandCall["body"]): boolean {
  return request.kind !== "trade" || isMarketOrder(request.params.order_type);
}

type RiskInput = Reading & { plan: Plan; open: readonly OpenIntent[]; utcMs: number };

function checkRisk(deps: RunDeps, call: CommandCall, reading: RiskInput): string | undefined {
  const { plan, open, utcMs } = reading;
  const offset = deps.clock.offsetMs(call.account.server);
  const brokerNowMs = offset === undefined ? undefined : utcMs + offset;
  const { equity } = reading.account;
  // One that was settled during this reading is in both.
  const counted = new Set(open.map(({ tag }) => tag));
  const fresh = deps.fresh.unseen(call.account, reading, deps.now()).filter(({ tag }) => !counted.has(tag));
  const counters = countersOf(deps, call.account);
  return decideRisk(call.body.risk_limits, {
    order: plan.effect,
    exposure: [
      ...(reading.positions ?? []),
      ...(reading.orders ?? []).map((order) => ({ symbol: order.symbol, volume: order.volume_current })),
      ...unseenOpenings(open, reading),
      ...fresh,
    ],
    equity,
    dayStartEquity: counters?.dayStartEquity ?? equity,
    peakEquity: counters?.peakEquity ?? equity,
    ordersLastMinute: deps.journal.intentsSince(call.account, utcMs - ORDER_WINDOW_MS),
    brokerNowMs,
  })?.detail;
}

/** What was seen by now counts from here on, whatever becomes of the process. Undefined: no equity that is a number. */
function countersOf({ journal, equity }: RunDeps, account: AccountRef): EquityCounters | undefined {
  const saved = journal.riskCounters(account);
  const counters = equity.joined(account, saved);
  if (counters !== undefined && JSON.stringify(counters) !== JSON.stringify(saved))
    journal.saveRiskCounters(account, counters);
  return counters;
}

/** Only to its own user: another one's command is no business of the caller's. */
function pendingSentence({ userId }: CommandCall, blocker: OpenIntent): string {
  const which = blocker.userId === userId ? `Command ${blocker.id}` : "An earlier command on this account";
  return `${which} has no known outcome yet`;
}

function notSent(deps: RunDeps, call: CommandCall, error: unknown): Outcome {
  if (error instanceof AppError) return refused(error.code, error.message);
  if (error instanceof TerminalLost) {
    return deps.now() > call.notAfterMs
      ? expired("The terminal did not answer in time")
      : refused("terminal_unavailable");
  }
  throw error;
}

export function refused(code: Ended["code"], detail?: string, mt5?: Ended["mt5"]): Ended {
  return { state: "refused", code, ...(detail === undefined ? {} : { detail }), ...(mt5 === undefined ? {} : { mt5 }) };
}

export function expired(detail: string): Outcome {
  return { state: "expired", code: "deadline_exceeded", detail };
}
