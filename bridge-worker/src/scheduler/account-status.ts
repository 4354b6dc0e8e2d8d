// Which layer between a caller and the broker is broken: one look at the terminal, by the way that a command would take.
// What lies behind a broken layer is not guessed.
import { permissionFault, type Reading, type ReadReply, symbolFault, TerminalLost } from "../mt5/mod.ts";
import { type AccountHealth, AppError, type Findings, healthOf } from "../protocol.ts";
import {
  type AccessReply,
  type AccountAccess,
  type Claim,
  isSilent,
  type QuarantineReason,
  type TerminalSession,
} from "../terminals/mod.ts";
import type { EquityWatch } from "./equity-watch.ts";
import {
  lostLink,
  noTime,
  otherSpelling,
  pausedLogins,
  refusedPassword,
  sealedPassword,
  silentTerminal,
  terminalFault,
  unreadableSymbol,
} from "./layer-faults.ts";
import { READING_TIMEOUT_MS } from "./prepare-command.ts";

export type StatusDeps = {
  access: AccountAccess;
  equity: EquityWatch;
  now: () => number;
  wallClock: () => number;
};
export type StatusQuestion = { claim: Claim; symbol: string | undefined; notAfterMs: number };

/** Kept back of the caller's time: a terminal that hangs must be found out while the caller still listens. */
const TELL_MS = 2_500;

/** Throws what is no layer's fault. */
export async function accountStatus(
  deps: StatusDeps,
  session: TerminalSession,
  question: StatusQuestion,
): Promise<AccountHealth & { as_of: string }> {
  const findings = await lookAt(deps, session, question).catch((error: unknown) => failedLook(session, error));
  const as_of = new Date(deps.wallClock()).toISOString();
  return { ...healthOf(findings, question.symbol !== undefined), as_of };
}

async function lookAt(
  { access, equity, now, wallClock }: StatusDeps,
  session: TerminalSession,
  { claim, symbol, notAfterMs }: StatusQuestion,
): Promise<Findings> {
  const untilMs = notAfterMs - TELL_MS;
  const { reason } = session.health();
  // It is left alone for a while: to ask it would only say so.
  if (reason !== undefined && session.unavailableForMs > 0)
    return { capacity: "well", terminal: terminalFault(reason) };
  const entered = await access.enter(session, claim, untilMs);
  if (entered.kind !== "ready") return refusedEntry(entered, session.health().reason);
  const timeoutMs = untilMs - now();
  if (timeoutMs <= 0) return { capacity: noTime() };
  const parts = symbol === undefined ? {} : { symbol };
  const reply = await session.read(claim.account, parts, Math.min(timeoutMs, READING_TIMEOUT_MS));
  if (reply.kind !== "ok") return unread(reply);
  equity.saw(reply, wallClock());
  return behindTheTerminal(reply, symbol);
}

function behindTheTerminal({ account, terminal, symbol, tick }: Reading, asked: string | undefined): Findings {
  const findings: Findings = {
    ...{ capacity: "well", terminal: "well", credential: "well" },
    broker_link: terminal.connected ? "well" : lostLink(),
    // What the broker said last still stands when the link is lost.
    trading_permission: permissionFault(account, terminal) ?? "well",
  };
  if (asked === undefined || !terminal.connected) return findings;
  return { ...findings, symbol: symbolFault(asked, symbol ?? null, tick ?? null) ?? "well" };
}

/** `reason`: what the attempt has shown to be wrong with the terminal itself. */
function refusedEntry(
  entered: Exclude<AccessReply, { kind: "ready" }>,
  reason: QuarantineReason | undefined,
): Findings {
  if (reason !== undefined) return { capacity: "well", terminal: terminalFault(reason) };
  const reached: Findings = { capacity: "well", terminal: "well" };
  switch (entered.kind) {
    case "no_time":
      return { capacity: noTime() };
    case "no_connection":
      return isSilent(entered.lastError)
        ? { capacity: "well", terminal: silentTerminal("login", entered.lastError) }
        : { ...reached, broker_link: lostLink() };
    case "auth_failed":
      return { ...reached, credential: refusedPassword(entered.lastError) };
    case "other_account":
      return { ...reached, broker_link: "well", credential: otherSpelling(entered.actual.server) };
    case "paused":
      return { ...reached, credential: pausedLogins(entered.retryAfterMs) };
  }
}

function unread(reply: Exclude<ReadReply, { kind: "ok" }>): Findings {
  if (reply.kind === "wrong_account") return { capacity: "well", terminal: terminalFault("wrong_account") };
  return reply.call.startsWith("symbol_")
    ? { capacity: "well", terminal: "well", symbol: unreadableSymbol(reply.call, reply.lastError) }
    : { capacity: "well", terminal: silentTerminal(reply.call, reply.lastError) };
}

function failedLook(session: TerminalSession, error: unknown): Findings {
  if (error instanceof TerminalLost) {
    return { capacity: "well", terminal: terminalFault(session.health().reason ?? "unreachable", error.message) };
  }
  if (error instanceof AppError && error.code === "proof_refused") {
    return { capacity: "well", terminal: "well", credential: sealedPassword() };
  }
  throw error;
}
