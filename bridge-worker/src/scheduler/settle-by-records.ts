// Settles from the broker's own records what the terminal's process could not. It reads and never sends: the sealed
// password comes from the journal, so no user needs to be there.
import type { Journal, OpenIntent } from "../journal/mod.ts";
import type { History, HistoryQuery } from "../mt5/mod.ts";
import { AppError, type Outcome } from "../protocol.ts";
import type { AccountAccess, TerminalSession } from "../terminals/mod.ts";
import { isWhole, looksCount, missingForProof, type Watch } from "./absence.ts";
import { type Finding, isMarked, judgeRecords, taggedOrder, ticketsOf } from "./judge-records.ts";
import { notExecuted } from "./settle-by-guard.ts";
import type { SettlePolicy } from "./settle-policy.ts";

/** Zones run from UTC−12 to UTC+14, and the broker's clock may not be known: the window is wide on both sides. */
const WINDOW_MARGIN_S = 26 * 3600;
const LOGIN_TIMEOUT_MS = 30_000;
const HISTORY_TIMEOUT_MS = 10_000;
const MOVED = "the terminal was moved to another account";

export type RecordsDeps = {
  journal: Journal;
  access: Pick<AccountAccess, "enterToRead">;
  policy: SettlePolicy;
  now: () => number;
  wallClock: () => number;
  wait: (ms: number) => Promise<void>;
};

/** The final outcome, or what is to be said about a command that stays unknown. */
export type RecordsWord = { outcome?: Outcome; seen: string; tickets?: readonly string[] };

type Look = { finding: Finding; counts: History["counts"] };

/** On a terminal that no job uses. May throw TerminalLost; `watch` is brought up to date. */
export async function askRecords(
  deps: RecordsDeps,
  session: TerminalSession,
  intent: OpenIntent,
  watch: Watch,
): Promise<RecordsWord> {
  const closed = await enter(deps, session, intent);
  if (closed !== undefined) return { seen: closed };
  const counts = looksCount(watch, deps.policy, deps.now());
  let look = await lookOnce(deps, session, intent);
  if (typeof look === "string") return { seen: look };
  if (look.finding.kind === "nothing" && !isWhole(watch, look.counts))
    return { seen: "nothing found; the history showed more before" };
  watch.most = mostOf(watch.most, look.counts);
  if (look.finding.kind === "nothing" && counts) {
    // A terminal that has just logged in loads its history bit by bit: only one that stands still can be empty.
    await deps.wait(deps.policy.stableMs);
    const again = await lookOnce(deps, session, intent);
    if (typeof again === "string") return { seen: again };
    if (again.finding.kind === "nothing") {
      if (!isSameSize(look, again)) return { seen: "nothing found; the history was still growing" };
      watch.emptyLooksMs.push(deps.now());
    }
    look = again;
  }
  const { finding } = look;
  if (finding.kind === "settled") return { outcome: finding.outcome, seen: "found" };
  if (finding.kind === "unclear") {
    watch.emptyLooksMs = [];
    return { seen: finding.why, tickets: finding.tickets };
  }
  const missing = missingForProof(intent, watch, deps.journal.markSurvival(intent.account.server), deps.policy);
  if (missing !== undefined) return { seen: `nothing found; ${missing}` };
  const open = await positionsOf(session, intent);
  if (typeof open === "string") return { seen: open };
  if (open.length > 0) return { seen: "a position carries the tag, but no order does", tickets: open };
  return { outcome: absent(intent, watch, look.counts), seen: "absent" };
}

/** Undefined: the terminal is on the account. Otherwise why it is not. */
async function enter(deps: RecordsDeps, session: TerminalSession, intent: OpenIntent): Promise<string | undefined> {
  const { userId, account, credential } = intent;
  try {
    const reply = await deps.access.enterToRead(
      session,
      { userId, account, credential },
      deps.now() + LOGIN_TIMEOUT_MS,
    );
    if (reply.kind === "ready") return undefined;
    if (reply.kind === "paused") return "logins to the account are paused";
    return reply.kind === "auth_failed" ? "the broker refuses the password of then" : "the broker was not reached";
  } catch (error) {
    // The key that opens this password is gone: only a person, or a user's own login, leads there.
    if (error instanceof AppError) return "the sealed password cannot be opened any more";
    throw error;
  }
}

async function lookOnce(deps: RecordsDeps, session: TerminalSession, intent: OpenIntent): Promise<Look | string> {
  const records = await read(deps, session, intent, ticketsOf(intent));
  if (typeof records === "string") return records;
  const ticket = taggedOrder(intent, records);
  if (ticket === undefined) return { finding: judgeRecords(intent, records), counts: records.counts };
  const whole = await read(deps, session, intent, [ticket]);
  return typeof whole === "string" ? whole : { finding: judgeRecords(intent, whole), counts: whole.counts };
}

async function read(
  deps: RecordsDeps,
  session: TerminalSession,
  { tag, account, begunAt }: OpenIntent,
  tickets: readonly string[],
): Promise<History | string> {
  // A machine may start with a clock of long ago: between the two times, whichever comes first, lies the send.
  const [first, last] = [begunAt, deps.wallClock()].sort((a, b) => a - b) as [number, number];
  const query: HistoryQuery = {
    tag,
    tickets,
    from: Math.floor(first / 1000) - WINDOW_MARGIN_S,
    to: Math.ceil(last / 1000) + WINDOW_MARGIN_S,
  };
  const reply = await session.history(account, query, HISTORY_TIMEOUT_MS);
  switch (reply.kind) {
    case "ok":
      return reply;
    case "wrong_account":
      return MOVED;
    case "failed":
      return `the terminal could not answer ${reply.call}`;
  }
}

/**
 * Open positions that carry the tag. A terminal has them from its login on, while it loads its history: they prove nothing,
 * but that the records are not complete.
 */
async function positionsOf(session: TerminalSession, intent: OpenIntent): Promise<string[] | string> {
  if (intent.kind === "cancel_order") return [];
  const reply = await session.read(intent.account, { positions: {} }, HISTORY_TIMEOUT_MS);
  switch (reply.kind) {
    case "ok":
      return (reply.positions ?? []).filter((one) => isMarked(intent, one)).map(({ ticket }) => ticket);
    case "wrong_account":
      return MOVED;
    case "failed":
      return `the terminal could not answer ${reply.call}`;
  }
}

function mostOf(a: History["counts"], b: History["counts"]): History["counts"] {
  return { orders: Math.max(a.orders, b.orders), deals: Math.max(a.deals, b.deals) };
}

function isSameSize(a: Look, b: Look): boolean {
  return a.counts.orders === b.counts.orders && a.counts.deals === b.counts.deals;
}

function absent({ kind }: OpenIntent, watch: Watch, counts: History["counts"]): Outcome {
  const evidence = { settled_by: "broker", looks_without_a_find: watch.emptyLooksMs.length, records: counts };
  const shown = kind === "cancel_order" ? "the order still working" : "no trace of the order";
  return notExecuted(`The broker's records, looked through twice, show ${shown}`, evidence);
}
