// Makes an account the current one, after a terminal has really logged in to it.
import { AppError } from "../../_shared/errors/mod.ts";
import type { AccountAnswer } from "./account-answers.ts";
import { requireWorker } from "./choose-worker.ts";
import type { Caller, ServiceContext } from "./context.ts";
import { askWorker } from "./read-account.ts";

/** Throws `switch_failed` when the broker refuses the login. On any failure the current account stays what it was. */
export async function switchAccount(
  context: ServiceContext,
  caller: Caller,
  { accountId, timeoutMs }: { accountId: string; timeoutMs: number },
): Promise<AccountAnswer> {
  const resolved = await context.db.resolveAccount(caller.userId, accountId);
  const { id, login, server } = resolved;
  try {
    const { account: info } = await askWorker(context, {
      caller,
      workerId: requireWorker(context.workerIds, resolved.worker_id),
      account: { id, login, server },
      request: { kind: "switch" },
      credential: resolved.encrypted_password,
      isStored: true,
      timeoutMs,
    });
    await context.db.switchAccount(caller.userId, id);
    context.log.info("account.switched", { accountId: id });
    return { id, ...info };
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== "credential_invalid") throw thrown;
    throw new AppError("switch_failed", { detail: thrown.message, mt5: thrown.extras.mt5, cause: thrown });
  }
}
