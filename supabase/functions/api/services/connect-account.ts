// Connects a broker account: seal, log in for real, and store only what the broker confirmed.
import { type AccountType, accountTypeOf, type RiskLimits } from "../../_shared/domain/mod.ts";
import { type AccountAnswer, checkLogin, credentialStatusOf } from "./account-answers.ts";
import { workerToConnect } from "./choose-worker.ts";
import type { Caller, ServiceContext } from "./context.ts";
import { askWorker } from "./read-account.ts";

export type AccountToConnect = {
  account_name: string;
  login: string;
  server: string;
  password: string;
  broker_name?: string;
  account_type?: AccountType;
  set_as_default?: boolean;
  risk_limits?: RiskLimits;
  pass_magic?: boolean;
};

/**
 * The same (login, server) again verifies, re-seals and revives the account, which keeps its id: `created` is false.
 * Throws `login_failed`, `server_mismatch`, `account_type_mismatch`, or what kept the terminal from trying; then nothing
 * is stored.
 */
export async function connectAccount(
  context: ServiceContext,
  caller: Caller,
  { password, ...request }: AccountToConnect,
  timeoutMs: number,
): Promise<{ account: AccountAnswer; created: boolean }> {
  const account = { login: request.login, server: request.server };
  const stored = await context.db.findWorker(caller.userId, request.login, request.server);
  const workerId = workerToConnect(context.workerIds, stored);
  // Before anything else happens to it: from here on only the worker can read the password.
  const sealed = await context.sealPassword({ workerId, userId: caller.userId, account, password });
  const { account: info } = await askWorker(context, {
    caller,
    workerId,
    account,
    request: { kind: "connect", account_type: request.account_type },
    credential: sealed.credential,
    isStored: false,
    timeoutMs,
  });
  checkLogin(info, account, request.account_type);
  const { account: row, created } = await context.db.connectAccount(caller.userId, {
    account_name: request.account_name,
    ...account,
    encrypted_password: sealed.credential,
    credential_kid: sealed.kid,
    credential_status: credentialStatusOf(info),
    broker_name: request.broker_name ?? info.company,
    account_type: accountTypeOf(info.trade_mode),
    trade_mode: info.trade_mode,
    currency: info.currency,
    risk_limits: request.risk_limits,
    pass_magic: request.pass_magic,
    set_as_default: request.set_as_default ?? false,
    worker_id: workerId,
  });
  context.log.info("account.connected", { accountId: row.id, created });
  return { account: { id: row.id, ...info }, created };
}
