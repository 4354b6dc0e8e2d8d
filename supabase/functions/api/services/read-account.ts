// Asks the worker something about one account. Reads change nothing at the broker and may be repeated.
import type { AccountTarget } from "../../_shared/domain/mod.ts";
import { AppError, type ErrorCode } from "../../_shared/errors/mod.ts";
import {
  READ_TIMEOUT_MS,
  type ReadBody,
  type ReadKind,
  type ReadOutcome,
  type ReadRequest,
  type ReadValue,
  ReadValues,
} from "../../_shared/protocol/mod.ts";
import { ANSWER_GRACE_MS } from "../bridge/mod.ts";
import { requireWorker } from "./choose-worker.ts";
import type { Caller, ServiceContext } from "./context.ts";

export type AccountRead<K extends ReadKind> = {
  caller: Caller;
  /** Null: the account the user last switched to, else the default. */
  accountId: string | null;
  request: Extract<ReadRequest, { kind: K }>;
};

/** Throws what resolving the account, the link or the worker fails with. */
export async function readAccount<K extends ReadKind>(
  context: ServiceContext,
  { caller, accountId, request }: AccountRead<K>,
): Promise<{ account: AccountTarget; value: ReadValue<K> }> {
  const resolved = await context.db.resolveAccount(caller.userId, accountId);
  const { id, login, server } = resolved;
  const value = await askWorker(context, {
    caller,
    workerId: requireWorker(context.workerIds, resolved.worker_id),
    account: { id, login, server },
    request,
    credential: resolved.encrypted_password,
    isStored: true,
    timeoutMs: READ_TIMEOUT_MS,
  });
  return { account: { id, login, server }, value };
}

export type WorkerQuestion<K extends ReadKind> = {
  caller: Caller;
  workerId: string;
  account: { id?: string; login: string; server: string };
  request: Extract<ReadRequest, { kind: K }>;
  /** Sealed. */
  credential: string;
  /** It was accepted once; otherwise it came with this request and is being proven. */
  isStored: boolean;
  timeoutMs: number;
};

/** One read of a known account with a known credential. The answer is checked against the schema of its kind. */
export async function askWorker<K extends ReadKind>(
  { bridge, clock, newId, log }: ServiceContext,
  { caller, workerId, account, request, credential, isStored, timeoutMs }: WorkerQuestion<K>,
): Promise<ReadValue<K>> {
  const now = clock.monotonicMs();
  const body: ReadBody = { request, credential };
  const outcome = await bridge.read({
    workerId,
    id: newId(),
    userId: caller.userId,
    userToken: caller.token,
    kind: request.kind,
    account,
    body: JSON.stringify(body),
    startByMs: now + timeoutMs,
    submittedAtMs: now,
    waitUntilMs: now + timeoutMs + ANSWER_GRACE_MS,
  });
  if (!outcome.ok) throw failureOf(outcome, isStored);
  const value = ReadValues[request.kind].safeParse(outcome.value);
  if (value.success) return value.data as ReadValue<K>;
  log.error("read.unexpected_shape", { kind: request.kind, workerId, error: value.error });
  throw new AppError("worker_unreachable", { detail: "The worker's answer was not valid" });
}

/** Refused by the broker, under another spelling of its server, or sealed to a key that the worker does not have. */
const REFUSED_CREDENTIAL: ReadonlySet<ErrorCode> = new Set(["login_failed", "server_mismatch", "proof_refused"]);

function failureOf(failure: Extract<ReadOutcome, { ok: false }>, isStored: boolean): AppError {
  const { code, detail, fields, mt5, retry_after_ms: retryAfterMs } = failure;
  if (isStored && REFUSED_CREDENTIAL.has(code)) return new AppError("credential_invalid", { detail, mt5 });
  const fault = new AppError(code, { detail, fields, mt5, retryAfterMs });
  // Sealed a moment ago and not opened: the keys of the two sides do not belong together, and no caller can mend that.
  return code === "proof_refused" ? new AppError("worker_unreachable", { cause: fault }) : fault;
}
