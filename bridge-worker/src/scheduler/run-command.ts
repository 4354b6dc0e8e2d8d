// The durable heart: one command on one terminal, from the login to the signed outcome. Read from the top, it is the
// order of writes that keeps the promises: prepare, decide, J1 (intent on disk), send once, J2 by the caller.
import type { Intent } from "../journal/mod.ts";
import { classifySend, type Plan, type Reading, type SendReply, type TagState, TerminalLost } from "../mt5/mod.ts";
import type { Outcome, Timings } from "../protocol.ts";
import type { TerminalSession } from "../terminals/mod.ts";
import type { CommandCall } from "./calls.ts";
import { ticketsIn } from "./fresh-openings.ts";
import { type Prepared, prepareCommand, type RunDeps, refused, type Stopwatch } from "./prepare-command.ts";
import type { Ran } from "./task.ts";

/**
 * Longest wait for `order_send`: brokers answer within seconds, or not at all. Given up, it is asked after by its tag; and its
 * account is served elsewhere meanwhile.
 */
const SEND_TIMEOUT_MS = 7_000;

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
  const { outcome, exposed } = await prepareAndSend(deps, session, call, watch);
  const { loginMs, prepareMs } = watch;
  const workMs = prepareMs > 0 ? deps.now() - startedMs - loginMs : null;
  return { outcome, ran: { loginMs: loginMs > 0 ? loginMs : null, workMs, snapshot: null, exposed } };
}

async function prepareAndSend(
  deps: RunDeps,
  session: TerminalSession,
  call: CommandCall,
  watch: Stopwatch,
): Promise<{ outcome: Outcome; exposed: boolean | null }> {
  const ready = await prepareCommand(deps, session, call, watch);
  if (isOutcome(ready)) return { outcome: ready, exposed: null };
  // A tag names one command, ever. The database makes it; should it ever come twice, the second one is not sent. Nothing may
  // be awaited between this look and the record.
  if (deps.journal.tagOwner(call.body.tag) !== undefined)
    return { outcome: refused("internal_error", "The command's tag was used before"), exposed: null };
  // J1. From here on a crash leaves an intent on the disk, and the command can only become known by proof.
  deps.journal.recordIntent(intentOf(call, ready, session));
  const sendStartedMs = deps.now();
  const reply = await sendOnce(deps, session, call, ready.plan);
  watch.sendMs = deps.now() - sendStartedMs;
  const outcome = outcomeOf(deps, call, ready, reply, timingsOf(watch, deps.now()));
  const { effect } = ready.plan;
  if (effect.opens && outcome.state === "done") {
    const tickets = ticketsIn(outcome.result);
    deps.fresh.opened(call.account, { ...effect, tag: call.body.tag, tickets }, ready.reading, deps.now());
  }
  return { outcome, exposed: isExposedAfter(call, ready, outcome) };
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
  const { action, type_filling: filling } = plan.request;
  if (verdict.retcode === RETCODE_INVALID_FILL && filling !== undefined) {
    const of = { server: call.account.server, symbol: plan.effect.symbol, market: action === ACTION_DEAL };
    deps.fillings.remember(of, filling);
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

/** ENUM_TRADE_REQUEST_ACTIONS: at once, at the market. */
const ACTION_DEAL = 1;
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

/** What was there before the send: for a person who looks into the journal; nothing is decided by it. */
function baselineOf(reading: Reading): unknown {
  const tickets = (list: readonly { ticket: string }[] | undefined): string[] =>
    (list ?? []).map(({ ticket }) => ticket);
  return {
    positions: tickets(reading.positions),
    orders: tickets(reading.orders),
    broker_now_msc: reading.broker_now_msc,
  };
}

/** What its own reading and its outcome tell. A guess does no harm: it is only about whose terminal goes first. */
function isExposedAfter({ body }: CommandCall, { plan, reading }: Prepared, { state }: Outcome): boolean {
  const { opens, volume } = plan.effect;
  if (opens && state === "done") return true;
  const held = (reading.positions ?? []).reduce((sum, position) => sum + position.volume, 0);
  return held - (body.request.kind === "close_position" && state === "done" ? volume : 0) > LEAST_VOLUME;
}

/** Below every broker's step: sums of volumes are not exact. */
const LEAST_VOLUME = 1e-6;

function isOutcome(ready: Prepared | Outcome): ready is Outcome {
  return "state" in ready;
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
