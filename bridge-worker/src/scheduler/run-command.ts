// The durable heart: one command on one terminal, from the login to the signed outcome. Read from the top, it is the
// order of writes that keeps the promises: prepare, decide, J1 (intent on disk), send once, J2 by the caller.
import type { Intent, Journal, OpenIntent } from "../journal/mod.ts";
import type { Log } from "../log.ts";
import type { BrokerClock } from "../mt5/mod.ts";
import {
  classifySend,
  isRefusal,
  type Plan,
  partsFor,
  planCommand,
  type Reading,
  type SendReply,
  type TagState,
  TerminalLost,
} from "../mt5/mod.ts";
import { AppError, type Outcome, type Timings } from "../protocol.ts";
import { advanceCounters, decideRisk } from "../risk/mod.ts";
import type { AccountAccess, Claim, TerminalSession } from "../terminals/mod.ts";
import { blockedBy, unseenOpenings } from "./blocks.ts";
import type { CommandCall } from "./calls.ts";
import type { FillingMemory } from "./filling-memory.ts";
import type { Ran } from "./task.ts";

/** Longest wait for `prepare`; a read that takes longer says that the terminal is not well. */
const PREPARE_TIMEOUT_MS = 5_000;
/**
 * Longest wait for `order_send`: brokers answer within seconds, or not at all. Given up, it is asked after by its tag; and its
 * account is served elsewhere meanwhile.
 */
const SEND_TIMEOUT_MS = 7_000;
const ORDER_WINDOW_MS = 60_000;

export type RunDeps = {
  journal: Journal;
  access: AccountAccess;
  clock: BrokerClock;
  fillings: FillingMemory;
  log: Log;
  now: () => number;
  wallClock: () => number;
};

/** What `prepare` found: the order to send, and the reading that it was decided on. */
type Prepared = { plan: Plan; reading: Reading };
type Ended = Exclude<Outcome, { state: "done" } | { state: "unknown" }>;
type Stopwatch = { queuedMs: number; loginMs: number; prepareMs: number; sendMs: number; startedMs: number };

/** How it ended, and what it cost. */
export type CommandRun = { outcome: Outcome; ran: Ran };

/** Never throws for what a terminal, a broker or a caller does; throws when the journal cannot be written. */
export async function runCommand(
  deps: RunDeps,
  session: TerminalSession,
  call: CommandCall,
  arrivedMs: number,
): Promise<CommandRun> {
  const startedMs = deps.now();
  const watch: Stopwatch = { queuedMs: startedMs - arrivedMs, loginMs: 0, prepareMs: 0, sendMs: 0, startedMs };
  const outcome = await prepareAndSend(deps, session, call, watch);
  const { loginMs, prepareMs } = watch;
  const workMs = prepareMs > 0 ? deps.now() - startedMs - loginMs : null;
  return { outcome, ran: { loginMs: loginMs > 0 ? loginMs : null, workMs, snapshot: null } };
}

async function prepareAndSend(
  deps: RunDeps,
  session: TerminalSession,
  call: CommandCall,
  watch: Stopwatch,
): Promise<Outcome> {
  let ready: Prepared | Outcome;
  try {
    ready = await prepare(deps, session, call, watch);
  } catch (error) {
    return notSent(deps, call, error);
  }
  if (isOutcome(ready)) return ready;
  // J1. From here on a crash leaves an intent on the disk, and the command can only become known by proof.
  deps.journal.recordIntent(intentOf(call, ready, session));
  const sendStartedMs = deps.now();
  const reply = await sendOnce(deps, session, call, ready.plan);
  watch.sendMs = deps.now() - sendStartedMs;
  return outcomeOf(deps, call, ready, reply, timingsOf(watch, deps.now()));
}

/** Login if needed, one reading, and the decision: the trade request to send, or the outcome that makes it needless. */
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
  // A tag names one command, ever. The database makes it; should it ever come twice, the second one is not sent.
  if (deps.journal.tagOwner(call.body.tag) !== undefined)
    return refused("proof_refused", "The command's tag was used before");
  const open = deps.journal.unsettledOf(call.account);
  const blocker = blockedBy(call.body.request, open);
  if (blocker !== undefined) return refused("outcome_pending", pendingSentence(call, blocker));
  const readAtMs = deps.now();
  const reply = await session.read(call.account, partsFor(call.body.request), PREPARE_TIMEOUT_MS);
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
  const plan = planCommand(call.body.request, {
    tag: call.body.tag,
    reading: reply,
    brokerOffsetMs: deps.clock.offsetMs(server),
    utcMs,
    passMagic: call.body.pass_magic === true,
    refusedFillings: deps.fillings.refused(server, reply.symbol?.name ?? ""),
  });
  if (isRefusal(plan)) return { state: "refused", ...plan };
  const violation = checkRisk(deps, call, { ...reply, plan, open, utcMs });
  if (violation !== undefined) return refused("risk_limit_exceeded", violation);
  if (deps.now() > call.notAfterMs) return expired("The time was over before the order could be sent");
  return { plan, reading: reply };
}

type RiskInput = Reading & { plan: Plan; open: readonly OpenIntent[]; utcMs: number };

function checkRisk(deps: RunDeps, call: CommandCall, reading: RiskInput): string | undefined {
  const { plan, open, utcMs } = reading;
  const offset = deps.clock.offsetMs(call.account.server);
  const brokerNowMs = offset === undefined ? undefined : utcMs + offset;
  const { equity } = reading.account;
  const before = deps.journal.riskCounters(call.account);
  const counters = advanceCounters(before, equity, brokerNowMs ?? reading.broker_now_msc ?? utcMs);
  if (JSON.stringify(counters) !== JSON.stringify(before)) deps.journal.saveRiskCounters(call.account, counters);
  return decideRisk(call.body.risk_limits, {
    order: plan.effect,
    exposure: [
      ...(reading.positions ?? []),
      ...(reading.orders ?? []).map((order) => ({ symbol: order.symbol, volume: order.volume_current })),
      ...unseenOpenings(open, reading),
    ],
    equity,
    dayStartEquity: counters.dayStartEquity,
    peakEquity: counters.peakEquity,
    ordersLastMinute: deps.journal.intentsSince(call.account, utcMs - ORDER_WINDOW_MS),
    brokerNowMs,
  })?.detail;
}

/** Only to its own user: another one's command is no business of the caller's. */
function pendingSentence({ userId }: CommandCall, blocker: OpenIntent): string {
  const which = blocker.userId === userId ? `Command ${blocker.id}` : "An earlier command on this account";
  return `${which} has no known outcome yet`;
}

/** The one place that sends. A lost answer is asked for once, by tag, from the terminal's own process. */
async function sendOnce(
  deps: RunDeps,
  session: TerminalSession,
  call: CommandCall,
  plan: Plan,
): Promise<SendReply | { kind: "lost"; error: unknown; seen: string }> {
  const { tag } = call.body;
  // Asked afterwards, another process would deny what this one has sent.
  const { epoch } = session;
  try {
    return await session.send({
      tag,
      commandId: call.id,
      account: call.account,
      request: plan.request,
      ...(plan.requirePosition === undefined ? {} : { requirePosition: plan.requirePosition }),
      ...(plan.ownMagic === undefined ? {} : { ownMagic: plan.ownMagic }),
      notAfterMs: call.notAfterMs,
      timeoutMs: SEND_TIMEOUT_MS,
    });
  } catch (error) {
    deps.log.warn("command.send_lost", { command_id: call.id, error: error instanceof Error ? error.message : "" });
    const state = await poisoned(session, call, epoch);
    if (state.kind === "finished") return state.reply;
    // Poisoned before it ever began, in the same process: it never ran and never can.
    if (state.kind === "poisoned") return { kind: "refused", reason: "poisoned" };
    return { kind: "lost", error, seen: state.kind };
  }
}

async function poisoned(
  session: TerminalSession,
  { id, body }: CommandCall,
  epoch: string | null,
): Promise<TagState | { kind: "unreachable" }> {
  if (epoch === null) return { kind: "unreachable" };
  return session.poison(body.tag, id, epoch).catch(() => ({ kind: "unreachable" as const }));
}

function outcomeOf(
  deps: RunDeps,
  call: CommandCall,
  { plan, reading }: Prepared,
  reply: Awaited<ReturnType<typeof sendOnce>>,
  timings: Timings,
): Outcome {
  if (reply.kind === "lost") {
    const reason = reply.error instanceof TerminalLost ? reply.error.reason : "connection";
    return { state: "unknown", evidence: { phase: "sending", reason, guard: reply.seen } };
  }
  const verdict = classifySend(reply, call.account, plan.request, reading.account.margin_mode);
  if (verdict.retcode === RETCODE_INVALID_FILL && plan.request.type_filling !== undefined) {
    deps.fillings.remember(call.account.server, plan.effect.symbol, plan.request.type_filling);
  }
  switch (verdict.state) {
    case "done":
      return { state: "done", result: verdict.result, timings };
    case "unknown":
      return { state: "unknown", evidence: { phase: "sent", ...verdict.evidence } };
    case "rejected":
    case "refused":
    case "expired": {
      const { state, code, detail, mt5 } = verdict;
      return { state, code, detail, ...(mt5 === undefined ? {} : { mt5 }), timings };
    }
  }
}

/** 10030 TRADE_RETCODE_INVALID_FILL. */
const RETCODE_INVALID_FILL = 10030;

function intentOf(call: CommandCall, { plan, reading }: Prepared, { name, epoch }: TerminalSession): Intent {
  const { request, tag, credential } = call.body;
  return {
    id: call.id,
    userId: call.userId,
    kind: request.kind,
    tag,
    account: call.account,
    request,
    credential,
    plan: plan.request,
    baseline: baselineOf(reading),
    terminal: name,
    epoch,
  };
}

/** Highest tickets and counts before the send: what a reconciler compares with. */
function baselineOf(reading: Reading): unknown {
  const tickets = (list: readonly { ticket: string }[] | undefined): string[] =>
    (list ?? []).map(({ ticket }) => ticket);
  return {
    positions: tickets(reading.positions),
    orders: tickets(reading.orders),
    broker_now_msc: reading.broker_now_msc,
  };
}

/** Whatever failed before J1: the order certainly does not exist. */
function notSent(deps: RunDeps, call: CommandCall, error: unknown): Outcome {
  if (error instanceof AppError) return refused(error.code, error.message);
  if (error instanceof TerminalLost) {
    return deps.now() > call.notAfterMs
      ? expired("The terminal did not answer in time")
      : refused("terminal_unavailable");
  }
  throw error;
}

function isOutcome(ready: Prepared | Outcome): ready is Outcome {
  return "state" in ready;
}

function refused(code: Ended["code"], detail?: string, mt5?: Ended["mt5"]): Ended {
  return { state: "refused", code, ...(detail === undefined ? {} : { detail }), ...(mt5 === undefined ? {} : { mt5 }) };
}

export function expired(detail: string): Outcome {
  return { state: "expired", code: "deadline_exceeded", detail };
}

function timingsOf(watch: Stopwatch, nowMs: number): Timings {
  const { queuedMs, loginMs, prepareMs, sendMs, startedMs } = watch;
  const round = (ms: number): number => Math.round(ms * 10) / 10;
  return {
    queued_ms: round(queuedMs),
    login_ms: round(loginMs),
    prepare_ms: round(prepareMs),
    send_ms: round(sendMs),
    total_ms: round(queuedMs + nowMs - startedMs),
  };
}
