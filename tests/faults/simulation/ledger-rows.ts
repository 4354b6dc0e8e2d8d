// The rows of the database in memory, and how its functions show them. Pure.
import {
  ACCEPTED_GRACE_MS,
  type AccountRef,
  type CommandState,
  CommandStates,
} from "../../../bridge-worker/src/protocol.ts";
import type { CommandRow, SubmittedCommand } from "../../../supabase/functions/api/db/mod.ts";
import { WORKER_ID } from "./seals.ts";

export type RiskLimits = { max_open_positions: number } | null;
export type LedgerAccount = AccountRef & {
  id: string;
  userId: string;
  credential: string;
  passMagic: boolean;
  riskLimits: RiskLimits;
};

export type LedgerCommand = {
  id: string;
  userId: string;
  /** Null once the account is removed. */
  accountId: string | null;
  login: string;
  server: string;
  kind: string;
  key: string;
  fingerprint: string;
  request: Record<string, unknown>;
  tag: number;
  state: CommandState;
  states: CommandState[];
  status: number | null;
  body: string | null;
  evidence: unknown;
  attached: boolean;
  acknowledged: { at: string; reason: string } | null;
  createdMs: number;
  deadlineMs: number;
  completedMs: number | null;
  withdrawn: boolean;
  lost: boolean;
};

/** As `submit_command` answers; the sealed credential goes along only while there is something left to do with it. */
export function submittedRow(
  row: LedgerCommand,
  account: LedgerAccount | undefined,
  created: boolean,
  nowMs: number,
): SubmittedCommand {
  const { id, kind, accountId, login, server, state, status, body, tag } = row;
  return {
    created,
    remaining_ms: Math.floor(row.deadlineMs - nowMs),
    submitted_ago_ms: Math.floor(nowMs - row.createdMs),
    account: {
      ...{ id: accountId, login, server, risk_limits: account?.riskLimits ?? null },
      encrypted_password: account?.credential ?? null,
      pass_magic: account?.passMagic ?? null,
    },
    command: { id, kind, raw_state: state, status, body, tag, worker_id: WORKER_ID },
  };
}

/** As `get_command` answers. */
export function shownRow(row: LedgerCommand, nowMs: number): CommandRow {
  const { id, kind, state, accountId, login, server, request, status, body, evidence, acknowledged } = row;
  const isOverdue = state === "accepted" && nowMs > row.deadlineMs + ACCEPTED_GRACE_MS;
  return {
    ...{ id, kind, request, status, body, evidence, acknowledged },
    state: isOverdue ? "unknown" : state,
    open: !CommandStates[state].final,
    executed: CommandStates[state].executed,
    account: { id: accountId, login, server },
    worker_id: WORKER_ID,
    created_at: new Date(row.createdMs).toISOString(),
    deadline: new Date(row.deadlineMs).toISOString(),
    completed_at: row.completedMs === null ? null : new Date(row.completedMs).toISOString(),
  };
}
