// I4, I8, I11: what clients were told, against each other and against what became of it. Pure.
import { type CommandState, mayFollow } from "../../../bridge-worker/src/protocol.ts";
import { bookedFor, type Facts, FINAL, type LedgerRow, type Violation } from "./facts.ts";

/** I4: `executed` true or false is never taken back, neither by another answer nor by the broker. */
export function neverContradicted(facts: Facts): Violation[] {
  const found: Violation[] = [];
  for (const row of facts.rows) {
    for (const answer of facts.answers) {
      if (answer.commandId !== row.id || answer.executed == null) continue;
      const why = answer.executed ? contradictsYes(facts, row) : contradictsNo(facts, row);
      if (why === undefined) continue;
      const told = `${answer.what} was answered ${answer.status} executed ${answer.executed} at ${Math.round(answer.atMs)}`;
      found.push({ invariant: "I4", what: `command ${row.id}: ${told}, and ${why}` });
    }
    found.push(...jumps(row));
  }
  return found;
}

function contradictsYes(facts: Facts, row: LedgerRow): string | undefined {
  if (FINAL.has(row.state) && row.state !== "done" && !row.lost) return `it is ${row.state} now`;
  if (row.kind === "cancel_order" || bookedFor(facts, row.tag).length > 0) return undefined;
  return "the broker has no order";
}

function contradictsNo(facts: Facts, row: LedgerRow): string | undefined {
  const booked = bookedFor(facts, row.tag)[0];
  if (booked === undefined) {
    return row.state === "done" && row.kind !== "cancel_order" ? "it is done now" : undefined;
  }
  return `the broker has order ${booked.ticket} since ${Math.round(booked.atMs)}`;
}

/** The arrows of a command's life; a final state is never left. */
function jumps({ id, states }: LedgerRow): Violation[] {
  const found: Violation[] = [];
  for (let index = 1; index < states.length; index += 1) {
    const [from, to] = [states[index - 1], states[index]] as [CommandState, CommandState];
    if (!mayFollow(from, to)) found.push({ invariant: "I4", what: `command ${id} went from ${from} to ${to}` });
  }
  return found;
}

/** I8: after everything works again, nothing is open. `exempt`: ids of which nobody can ever know more. */
export function allSettled(facts: Facts, exempt: ReadonlySet<string>): Violation[] {
  return facts.rows
    .filter((row) => !row.withdrawn && !row.lost && !FINAL.has(row.state) && !exempt.has(row.id))
    .map(({ id, state, kind, evidence }) => ({
      invariant: "I8",
      what: `${kind} ${id} is still ${state}: ${JSON.stringify(evidence ?? null)}`,
    }));
}

/** I8, the other half: what the journal knows to have ended, the ledger knows. */
export function noneLost(facts: Facts): Violation[] {
  const rows = new Map(facts.rows.map((row) => [row.id, row]));
  return facts.journal.flatMap(({ id, state, outcome }) => {
    const row = rows.get(id);
    if (state !== "final" || row === undefined || row.lost || row.withdrawn) return [];
    if (row.state === outcome) return [];
    return [{ invariant: "I8", what: `command ${id} is ${outcome} in the journal and ${row.state} in the ledger` }];
  });
}

/** I11: one key, one final answer, byte for byte. */
export function sameBytes(facts: Facts): Violation[] {
  const found: Violation[] = [];
  const finals = facts.answers.filter(
    ({ what, commandId, executed, code }) =>
      what === "submit" && commandId !== null && executed != null && !RELEASES.has(code ?? ""),
  );
  for (const [id, list] of Map.groupBy(finals, ({ commandId }) => commandId)) {
    const row = facts.rows.find((one) => one.id === id);
    const texts = new Set(list.map(({ status, body }) => `${status} ${body}`));
    if (row !== undefined && FINAL.has(row.state) && !row.lost) texts.add(`${row.status} ${row.body}`);
    if (texts.size > 1)
      found.push({ invariant: "I11", what: `command ${id} has ${texts.size} answers: ${[...texts].join(" | ")}` });
  }
  return found;
}

/** Refusals before or instead of a stored answer: they name the request that got them. */
const RELEASES: ReadonlySet<string> = new Set([
  "worker_unreachable",
  "worker_busy",
  "terminal_unavailable",
  "too_many_requests",
  "outcome_pending",
  "login_paused",
]);
