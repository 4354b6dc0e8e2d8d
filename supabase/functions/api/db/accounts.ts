// The SQL functions about accounts, and the rows they answer.
import { z } from "zod";
import { type AccountType, Login, ServerName, type TradeMode } from "../../_shared/domain/mod.ts";
import type { CallSql } from "./client.ts";

export const AccountStatus = z.enum(["active", "inactive", "credential_invalid", "read_only"]);

/** An account as its owner sees it. `risk_limits` is shown as stored: limits from an older version may not parse. */
export const AccountRow = z.object({
  id: z.guid(),
  account_name: z.string(),
  login: z.string(),
  server: z.string(),
  broker_name: z.string().nullable(),
  account_type: z.string().nullable(),
  is_active: z.boolean(),
  is_default: z.boolean(),
  is_current: z.boolean(),
  status: AccountStatus,
  currency: z.string().nullable(),
  trade_mode: z.string().nullable(),
  risk_limits: z.record(z.string(), z.unknown()).nullable(),
  pass_magic: z.boolean(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type AccountRow = z.infer<typeof AccountRow>;

/** An account to work on, with the sealed password for its worker. */
export const ResolvedAccount = z.object({
  id: z.guid(),
  login: Login,
  server: ServerName,
  status: AccountStatus,
  encrypted_password: z.string(),
  worker_id: z.string().nullable(),
});
export type ResolvedAccount = z.infer<typeof ResolvedAccount>;

export type AccountChanges = {
  account_name?: string;
  risk_limits?: Record<string, unknown> | null;
  is_default?: boolean;
  is_active?: boolean;
  pass_magic?: boolean;
};

/** What a proven credential adds to its account. `credential_status`: `read_only` after the investor password. */
export type CredentialToStore = {
  encrypted_password: string;
  credential_kid: string;
  credential_status: "ok" | "read_only";
  currency: string;
  trade_mode: TradeMode;
  worker_id: string;
};

/** `risk_limits` and `pass_magic` absent: a known account keeps its own. */
export type NewAccount = CredentialToStore & {
  account_name: string;
  login: string;
  server: string;
  account_type: AccountType;
  broker_name?: string;
  risk_limits?: Record<string, unknown>;
  pass_magic?: boolean;
  set_as_default: boolean;
};

const Changed = z.object({ account: AccountRow });
const Connected = Changed.extend({ created: z.boolean() });
const Found = z.object({ worker_id: z.string().nullable() });
const Removed = z.object({ abandoned_commands: z.int() });

export type AccountDatabase = {
  listAccounts(token: string, includeInactive: boolean): Promise<AccountRow[]>;
  getAccount(token: string, accountId: string): Promise<AccountRow | null>;
  updateAccount(token: string, accountId: string, changes: AccountChanges): Promise<AccountRow>;
  removeAccount(token: string, accountId: string, abandon: boolean): Promise<{ abandonedCommands: number }>;
  /** `accountId` null: the account the user last switched to, else the default one. */
  resolveAccount(userId: string, accountId: string | null): Promise<ResolvedAccount>;
  /** The worker that knows this account, also if it is inactive or was removed with a command open; else null. */
  findWorker(userId: string, login: string, server: string): Promise<string | null>;
  connectAccount(userId: string, account: NewAccount): Promise<{ account: AccountRow; created: boolean }>;
  replaceCredential(userId: string, accountId: string, credential: CredentialToStore): Promise<AccountRow>;
  switchAccount(userId: string, accountId: string): Promise<AccountRow>;
};

export function createAccountDatabase(call: CallSql): AccountDatabase {
  return {
    listAccounts: (token, includeInactive) =>
      call("list_accounts", { p_include_inactive: includeInactive }, z.array(AccountRow), token),
    getAccount: (token, accountId) => call("get_account", { p_account_id: accountId }, AccountRow.nullable(), token),
    updateAccount: (token, accountId, changes) =>
      call("update_account", { p_account_id: accountId, p_changes: changes }, AccountRow, token),
    removeAccount: async (token, accountId, abandon) => {
      const args = { p_account_id: accountId, p_abandon: abandon };
      const { abandoned_commands } = await call("remove_account", args, Removed, token);
      return { abandonedCommands: abandoned_commands };
    },
    resolveAccount: (userId, accountId) =>
      call("resolve_account", { p_user_id: userId, p_account_id: accountId }, ResolvedAccount),
    findWorker: async (userId, login, server) => {
      const args = { p_user_id: userId, p_login: login, p_server: server };
      return (await call("find_worker", args, Found)).worker_id;
    },
    connectAccount: (userId, account) => call("connect_account", { p_user_id: userId, p_account: account }, Connected),
    replaceCredential: async (userId, accountId, credential) => {
      const args = { p_user_id: userId, p_account_id: accountId, p_credential: credential };
      return (await call("replace_credential", args, Changed)).account;
    },
    switchAccount: async (userId, accountId) =>
      (await call("switch_account", { p_user_id: userId, p_account_id: accountId }, Changed)).account,
  };
}
