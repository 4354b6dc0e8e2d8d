// The SQL functions about commands, and the rows of the ledger they answer.
import { z } from "zod";
import { Tag } from "../../_shared/domain/mod.ts";
import { type CommandKind, type CommandState, CommandStates } from "../../_shared/protocol/mod.ts";
import type { CallSql } from "./client.ts";

export const CommandStateName = z.enum(Object.keys(CommandStates) as [CommandState, ...CommandState[]]);

/** The account a command acted on, as stored. `id` is null once the account is deleted; login and server stay. */
export const LedgerAccount = z.object({ id: z.guid().nullable(), login: z.string(), server: z.string() });
export type LedgerAccount = z.infer<typeof LedgerAccount>;

/** When and why its user stopped waiting for an unknown outcome. */
export const Acknowledgement = z.object({ at: z.string(), reason: z.string() });
export type Acknowledgement = z.infer<typeof Acknowledgement>;

const ListedCommand = z.object({
  id: z.guid(),
  kind: z.string(),
  /** As shown: an accepted command well past its deadline reads `unknown`. */
  state: CommandStateName,
  /** Nothing final is stored: the worker may know more. */
  open: z.boolean(),
  executed: z.boolean().nullable(),
  account: LedgerAccount,
  request: z.record(z.string(), z.unknown()),
  status: z.int().nullable(),
  evidence: z.unknown(),
  acknowledged: Acknowledgement.nullable(),
  worker_id: z.string().nullable(),
  created_at: z.string(),
  deadline: z.string(),
  completed_at: z.string().nullable(),
});
export type ListedCommand = z.infer<typeof ListedCommand>;

export const CommandRow = ListedCommand.extend({ body: z.string().nullable() });
export type CommandRow = z.infer<typeof CommandRow>;

export const CommandPage = z.object({ data: z.array(ListedCommand), next_cursor: z.string().nullable() });
export type CommandPage = z.infer<typeof CommandPage>;

export type CommandToSubmit = {
  userId: string;
  accountId: string | null;
  kind: CommandKind;
  key: string;
  fingerprint: string;
  /** The command's parameters, without account and timeout: what the ledger shows as `request`. */
  request: Record<string, unknown>;
  timeoutMs: number;
  requestId: string;
};

/** `encrypted_password` is null when there is nothing left to do with it, or the account is gone. */
export const SubmittedCommand = z.object({
  created: z.boolean(),
  remaining_ms: z.number(),
  submitted_ago_ms: z.number(),
  account: LedgerAccount.extend({
    encrypted_password: z.string().nullable(),
    risk_limits: z.unknown(),
    pass_magic: z.boolean().nullable(),
  }),
  command: z.object({
    id: z.guid(),
    kind: z.string(),
    raw_state: CommandStateName,
    status: z.int().nullable(),
    body: z.string().nullable(),
    tag: z.coerce.number().pipe(Tag),
    worker_id: z.string().nullable(),
  }),
});
export type SubmittedCommand = z.infer<typeof SubmittedCommand>;

export type CommandToComplete = {
  userId: string;
  commandId: string;
  state: CommandState;
  executed: boolean | null;
  status: number;
  body: string;
  evidence: Record<string, unknown> | null;
  workerId: string;
};

/** What the ledger holds now, whoever wrote it. */
export const StoredAnswer = z.object({
  stored: z.boolean(),
  state: CommandStateName,
  executed: z.boolean().nullable(),
  status: z.int().nullable(),
  body: z.string().nullable(),
});
export type StoredAnswer = z.infer<typeof StoredAnswer>;

const Withdrawn = z.object({ withdrawn: z.boolean() });

export type CommandFilter = {
  accountId: string | null;
  state: CommandState | null;
  limit: number;
  cursor: string | null;
};

export type CommandDatabase = {
  getCommand(token: string, commandId: string): Promise<CommandRow | null>;
  listCommands(token: string, filter: CommandFilter): Promise<CommandPage>;
  submitCommand(command: CommandToSubmit): Promise<SubmittedCommand>;
  /** False when somebody else may have sent the command: then it must not be forgotten. */
  withdrawCommand(userId: string, commandId: string): Promise<boolean>;
  completeCommand(command: CommandToComplete): Promise<StoredAnswer>;
  /** The command afterwards: one that has ended is left as it is, and the first acknowledgement counts. */
  acknowledgeCommand(userId: string, commandId: string, reason: string): Promise<CommandRow>;
};

export function createCommandDatabase(call: CallSql): CommandDatabase {
  return {
    getCommand: (token, commandId) => call("get_command", { p_command_id: commandId }, CommandRow.nullable(), token),
    listCommands: (token, filter) => {
      const { accountId, state, limit, cursor } = filter;
      const args = { p_account_id: accountId, p_state: state, p_limit: limit, p_cursor: cursor };
      return call("list_commands", args, CommandPage, token);
    },
    submitCommand: (command) => {
      const args = {
        p_user_id: command.userId,
        p_account_id: command.accountId,
        p_kind: command.kind,
        p_key: command.key,
        p_fingerprint: command.fingerprint,
        p_request: command.request,
        p_timeout_ms: command.timeoutMs,
        p_request_id: command.requestId,
      };
      return call("submit_command", args, SubmittedCommand);
    },
    withdrawCommand: async (userId, commandId) => {
      const args = { p_user_id: userId, p_command_id: commandId };
      return (await call("withdraw_command", args, Withdrawn)).withdrawn;
    },
    completeCommand: (command) => {
      const args = {
        p_user_id: command.userId,
        p_command_id: command.commandId,
        p_state: command.state,
        p_executed: command.executed,
        p_status: command.status,
        p_body: command.body,
        p_evidence: command.evidence,
        p_worker_id: command.workerId,
      };
      return call("complete_command", args, StoredAnswer);
    },
    acknowledgeCommand: (userId, commandId, reason) =>
      call("acknowledge_command", { p_user_id: userId, p_command_id: commandId, p_reason: reason }, CommandRow),
  };
}
