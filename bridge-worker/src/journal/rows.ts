// Rows of the journal's tables ↔ what the worker knows of them. Pure.
import type { JournalEntry, OpenIntent, ProofKey, RiskCounters } from "./journal.ts";

export type Row = Record<string, unknown>;

export function toOpenIntent(row: Row): OpenIntent {
  return {
    ...identity(row),
    tag: Number(row.tag),
    account: accountOf(row) ?? { id: "", login: "", server: "" },
    request: parseJson(row.request),
    terminal: String(row.terminal),
    epoch: row.epoch === null ? null : String(row.epoch),
    credential: String(row.credential),
    plan: parseJson(row.plan),
    baseline: parseJson(row.baseline),
    begunAt: Number(row.begun_at),
    acknowledged: row.acknowledged === 1,
    evidence: parseJson(row.evidence) as OpenIntent["evidence"],
  };
}

export function toEntry(row: Row): JournalEntry {
  return {
    ...identity(row),
    tag: row.tag === null ? null : Number(row.tag),
    account: accountOf(row),
    state: row.state as JournalEntry["state"],
    result: row.result === null ? null : String(row.result),
    request: parseJson(row.request),
  };
}

export function toRiskCounters(row: Row): RiskCounters {
  return {
    day: String(row.day),
    dayStartEquity: Number(row.day_start_equity),
    peakEquity: Number(row.peak_equity),
  };
}

export function proofColumns({ userId, account, credentialHash }: ProofKey): [string, string, string, string] {
  return [userId, account.server, account.login, credentialHash];
}

export function parseJson(value: unknown): unknown {
  return typeof value === "string" ? JSON.parse(value) : null;
}

function identity(row: Row): { id: string; userId: string; kind: string } {
  return { id: String(row.id), userId: String(row.user_id), kind: String(row.kind) };
}

function accountOf(row: Row): JournalEntry["account"] {
  if (row.login === null) return null;
  return { id: String(row.account_id), login: String(row.login), server: String(row.server) };
}
