// The way from a function to its database: slow, cut before the statement ran or after it was committed. What is cut
// before and what after looks the same to the function.
import { AppError } from "../../../bridge-worker/src/protocol.ts";
import type { AccountRow, Database } from "../../../supabase/functions/api/db/mod.ts";
import type { Fault, FaultPlan } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import type { LedgerAccount } from "./ledger-rows.ts";
import type { Lifeline } from "./lifeline.ts";
import type { Random } from "./random.ts";
import { userOfToken } from "./seals.ts";

export type DatabaseWay = {
  ledger: () => Ledger;
  life: Lifeline;
  plan: FaultPlan;
  random: Random;
  /** Which command a request was given, for the observer. */
  onSubmitted: (requestId: string, commandId: string) => void;
};

type FaultsOfCall = { down?: Fault; answerLost?: Fault };

const TIMEOUT_MS = 5_000;

export function faultyDatabase({ ledger, life, plan, random, onSubmitted }: DatabaseWay): Database {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void life.after(ms, resolve));
  const call = async <T>(run: () => T, { down, answerLost }: FaultsOfCall = {}): Promise<T> => {
    if (down !== undefined && plan.strikes(down)) {
      await wait(random.pick([5, TIMEOUT_MS]));
      throw new AppError("database_unavailable");
    }
    const isSlow = plan.strikes("database_slow");
    await wait(isSlow ? random.between(1_000, 4_000) : random.between(1, 8));
    const value = run();
    await wait(random.between(1, 4));
    if (answerLost !== undefined && plan.strikes(answerLost)) {
      await wait(random.pick([5, TIMEOUT_MS]));
      throw new AppError("database_unavailable");
    }
    return value;
  };
  const given: Partial<Database> = {
    submitCommand: (command) =>
      call(
        () => {
          const submitted = ledger().submit(command);
          onSubmitted(command.requestId, submitted.command.id);
          return submitted;
        },
        { down: "database_down_at_submit", answerLost: "database_answer_lost_at_submit" },
      ),
    withdrawCommand: (userId, commandId) => call(() => ledger().withdraw(userId, commandId)),
    completeCommand: (command) =>
      call(() => ledger().complete(command), {
        down: "database_down_at_complete",
        answerLost: "database_answer_lost_at_complete",
      }),
    acknowledgeCommand: (userId, commandId, reason) => call(() => ledger().acknowledge(userId, commandId, reason)),
    getCommand: (token, commandId) => call(() => ledger().find(userOfToken(token), commandId)),
    resolveAccount: (userId, accountId) => call(() => ledger().resolve(userId, accountId)),
    removeAccount: (token, accountId) =>
      call(() => ({ abandonedCommands: ledger().removeAccount(userOfToken(token), accountId) })),
    findWorker: (userId, login, server) => call(() => ledger().findWorker(userId, { login, server })),
    connectAccount: (userId, account) =>
      call(() => {
        const { account: row, created } = ledger().connect(userId, account);
        return { account: accountRow(row), created };
      }),
  };
  return new Proxy(given as Database, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (method === undefined) throw new Error(`the simulated database has no ${String(name)}`);
      return method;
    },
  });
}

function accountRow({ id, login, server }: LedgerAccount): AccountRow {
  return {
    ...{ id, login, server, account_name: login, broker_name: null, account_type: null, is_active: true },
    ...{
      is_default: false,
      is_current: false,
      status: "active",
      currency: null,
      trade_mode: null,
      risk_limits: null,
      pass_magic: false,
    },
    ...{ created_at: "", updated_at: "" },
  };
}
