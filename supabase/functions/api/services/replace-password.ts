// A new password for a connected account: proven by a real login before it replaces the old one. Id and history stay.
import { type AccountAnswer, checkLogin, credentialStatusOf } from "./account-answers.ts";
import { requireWorker } from "./choose-worker.ts";
import type { Caller, ServiceContext } from "./context.ts";
import { askWorker } from "./read-account.ts";

/** Throws `account_not_found`, `login_failed`, or what kept the terminal from trying; the old password stays then. */
export async function replacePassword(
  context: ServiceContext,
  caller: Caller,
  { accountId, password, timeoutMs }: { accountId: string; password: string; timeoutMs: number },
): Promise<AccountAnswer> {
  const resolved = await context.db.resolveAccount(caller.userId, accountId);
  const { id, login, server } = resolved;
  const workerId = requireWorker(context.workerIds, resolved.worker_id);
  const sealed = await context.sealPassword({ workerId, userId: caller.userId, account: { login, server }, password });
  const { account: info } = await askWorker(context, {
    caller,
    workerId,
    account: { id, login, server },
    request: { kind: "connect" },
    credential: sealed.credential,
    isStored: false,
    timeoutMs,
  });
  checkLogin(info, { login, server }, undefined);
  await context.db.replaceCredential(caller.userId, id, {
    encrypted_password: sealed.credential,
    credential_kid: sealed.kid,
    credential_status: credentialStatusOf(info),
    currency: info.currency,
    trade_mode: info.trade_mode,
    worker_id: workerId,
  });
  context.log.info("account.password_replaced", { accountId: id });
  return { id, ...info };
}
