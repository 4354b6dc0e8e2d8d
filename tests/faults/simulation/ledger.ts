// The database in memory: accounts and commands with the semantics of the SQL functions (supabase/migrations), which have
// their own tests against real Postgres. Its clock is its own; nothing else here knows the time.
import type { AccountRef, CommandState } from "../../../bridge-worker/src/protocol.ts";
import { AppError, CommandStates, mayFollow } from "../../../bridge-worker/src/protocol.ts";
import type {
  CommandRow,
  CommandToComplete,
  CommandToSubmit,
  NewAccount,
  ResolvedAccount,
  StoredAnswer,
  SubmittedCommand,
} from "../../../supabase/functions/api/db/mod.ts";
import { type LedgerAccount, type LedgerCommand, shownRow, submittedRow } from "./ledger-rows.ts";
import { WORKER_ID } from "./seals.ts";

/** What a broken build of the database does otherwise. */
export type LedgerChange = {
  newTag?: (count: number) => number;
  forgetsKeysAtRestart?: boolean;
  mayFollow?: (from: CommandState, to: CommandState) => boolean;
};

export type LedgerOptions = { clock: () => number; newId: () => string; newTag: () => number; change?: LedgerChange };

/** What a user may set for an account. */
export const NOTHING_SET = { passMagic: false, riskLimits: null };

export class Ledger {
  readonly #options: LedgerOptions;
  readonly accounts = new Map<string, LedgerAccount>();
  /** Every row there ever was, for the observer; those released or lost are marked. */
  readonly all: LedgerCommand[] = [];
  #byId = new Map<string, LedgerCommand>();
  #byKey = new Map<string, LedgerCommand>();
  #tags = 0;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  addAccount(account: Omit<LedgerAccount, "id">): LedgerAccount {
    const added = { ...account, id: this.#options.newId() };
    this.accounts.set(added.id, added);
    return added;
  }

  /** Everything is as on the first day, but for the accounts that their users connect again. */
  reset(): void {
    for (const row of this.#byId.values()) row.lost = true;
    this.#byId = new Map();
    this.#byKey = new Map();
    this.#tags = 0;
    const before = [...this.accounts.values()];
    this.accounts.clear();
    for (const account of before) this.addAccount(account);
  }

  /** Keys are forgotten: the broken build of one mutant. */
  forgetKeys(): void {
    this.#byKey = new Map();
  }

  submit({ userId, accountId, kind, key, fingerprint, request, timeoutMs }: CommandToSubmit): SubmittedCommand {
    const now = this.#options.clock();
    const known = this.#byKey.get(`${userId}\n${key}`);
    if (known !== undefined && known.fingerprint !== fingerprint) throw new AppError("idempotency_key_reused");
    if (known?.state === "accepted") known.attached = true;
    const row = known ?? this.#insert({ userId, accountId, kind, key, fingerprint, request, timeoutMs }, now);
    const account = CommandStates[row.state].final ? undefined : this.accounts.get(row.accountId ?? "");
    return submittedRow(row, account, known === undefined, now);
  }

  #insert(
    { userId, accountId, kind, key, fingerprint, request, timeoutMs }: Omit<CommandToSubmit, "requestId">,
    now: number,
  ): LedgerCommand {
    const account = this.accountOf(userId, accountId);
    this.#tags += 1;
    const row: LedgerCommand = {
      id: this.#options.newId(),
      userId,
      accountId: account.id,
      login: account.login,
      server: account.server,
      kind,
      key,
      fingerprint,
      request,
      tag: this.#options.change?.newTag?.(this.#tags) ?? this.#options.newTag(),
      state: "accepted",
      states: ["accepted"],
      status: null,
      body: null,
      evidence: null,
      attached: false,
      acknowledged: null,
      createdMs: now,
      deadlineMs: now + timeoutMs,
      completedMs: null,
      withdrawn: false,
      lost: false,
    };
    this.all.push(row);
    this.#byId.set(row.id, row);
    this.#byKey.set(`${userId}\n${key}`, row);
    return row;
  }

  withdraw(userId: string, commandId: string): boolean {
    const row = this.#byId.get(commandId);
    if (row === undefined || row.userId !== userId || row.state !== "accepted" || row.attached) return false;
    row.withdrawn = true;
    this.#byId.delete(commandId);
    this.#byKey.delete(`${userId}\n${row.key}`);
    return true;
  }

  complete({ userId, commandId, state, executed, status, body, evidence }: CommandToComplete): StoredAnswer {
    const row = this.#byId.get(commandId);
    if (row === undefined || row.userId !== userId) throw new AppError("command_not_found");
    if (executed !== CommandStates[state].executed) throw new AppError("invalid_request");
    const may = this.#options.change?.mayFollow ?? mayFollow;
    const stored = may(row.state, state);
    if (stored) {
      const completedMs = CommandStates[state].final ? this.#options.clock() : null;
      Object.assign(row, { state, status, body, evidence: evidence ?? row.evidence, completedMs });
      row.states.push(state);
    }
    return {
      stored,
      state: row.state,
      executed: CommandStates[row.state].executed,
      status: row.status,
      body: row.body,
    };
  }

  /** The first reason counts; one that has ended is left as it is. */
  acknowledge(userId: string, commandId: string, reason: string): CommandRow {
    const row = this.#byId.get(commandId);
    if (row === undefined || row.userId !== userId) throw new AppError("command_not_found");
    if (row.state === "accepted") throw new AppError("command_under_way");
    if (row.state === "unknown") row.acknowledged ??= { at: new Date(this.#options.clock()).toISOString(), reason };
    return shownRow(row, this.#options.clock());
  }

  find(userId: string, commandId: string): CommandRow | null {
    const row = this.#byId.get(commandId);
    return row === undefined || row.userId !== userId ? null : shownRow(row, this.#options.clock());
  }

  ageMs({ createdMs }: { createdMs: number }): number {
    return this.#options.clock() - createdMs;
  }

  accountOf(userId: string, accountId: string | null): LedgerAccount {
    const account = this.accounts.get(accountId ?? "");
    if (account === undefined || account.userId !== userId) throw new AppError("account_not_found");
    return account;
  }

  resolve(userId: string, accountId: string | null): ResolvedAccount {
    const { id, login, server, credential } = this.accountOf(userId, accountId);
    return { id, login, server, status: "active", encrypted_password: credential, worker_id: WORKER_ID };
  }

  /** With `abandon`: its commands stay, open ones too. */
  removeAccount(userId: string, accountId: string): number {
    const { id } = this.accountOf(userId, accountId);
    this.accounts.delete(id);
    const left = this.all.filter((row) => row.accountId === id);
    for (const row of left) row.accountId = null;
    return left.filter(({ state }) => !CommandStates[state].final).length;
  }

  /** There is one worker here. */
  findWorker(userId: string, { login, server }: AccountRef): string | null {
    const mine = [...this.accounts.values()].filter((one) => one.userId === userId);
    return mine.some((one) => one.login === login && one.server === server) ? WORKER_ID : null;
  }

  connect(
    userId: string,
    { login, server, encrypted_password }: NewAccount,
  ): { account: LedgerAccount; created: boolean } {
    const known = [...this.accounts.values()].find(
      (one) => one.userId === userId && one.login === login && one.server === server,
    );
    if (known !== undefined) known.credential = encrypted_password;
    return {
      account: known ?? this.addAccount({ userId, login, server, credential: encrypted_password, ...NOTHING_SET }),
      created: known === undefined,
    };
  }
}
