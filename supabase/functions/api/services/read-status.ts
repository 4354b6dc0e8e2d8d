// How one account is, layer by layer: what the worker found out at the terminal, and what the account's row says of it. A
// worker that does not answer is a layer, too: whoever asks what is wrong is not answered with an error.
import type { AccountTarget } from "../../_shared/domain/mod.ts";
import { AppError } from "../../_shared/errors/mod.ts";
import {
  type AccountHealth,
  type Findings,
  type HealthLayer,
  healthOf,
  type LayerFault,
  READ_TIMEOUT_MS,
} from "../../_shared/protocol/mod.ts";
import type { AccountRow, ResolvedAccount } from "../db/mod.ts";
import { getAccount } from "./change-accounts.ts";
import { requireWorker } from "./choose-worker.ts";
import type { Caller, ServiceContext } from "./context.ts";
import { askWorker } from "./read-account.ts";

export type StatusQuestion = { accountId: string; symbol?: string };
export type AccountStatusAnswer = AccountHealth & {
  account: AccountTarget;
  status: AccountRow["status"];
  as_of: string;
};

/** Throws `account_not_found`, and what no layer is at fault for. */
export async function readStatus(
  context: ServiceContext,
  caller: Caller,
  { accountId, symbol }: StatusQuestion,
): Promise<AccountStatusAnswer> {
  const withSymbol = symbol !== undefined;
  const here = (findings: Findings): AccountHealth & { as_of: string } => ({
    ...healthOf(findings, withSymbol),
    as_of: new Date(context.clock.wallMs()).toISOString(),
  });
  const known = await findAccount(context, caller, accountId);
  const { id, login, server, status } = known;
  const answer = { account: { id, login, server }, status };
  // Without a worker: no terminal is logged in for what cannot work anyway.
  if (!("encrypted_password" in known)) {
    const unusable = known.is_active ? { credential: nameless() } : { trading_permission: inactive() };
    return { ...answer, ...here(unusable) };
  }
  if (status === "credential_invalid") return { ...answer, ...here({ credential: unusablePassword() }) };
  const request = { kind: "account_status", ...(withSymbol ? { symbol } : {}) } as const;
  try {
    const said = await askWorker(context, {
      ...{ caller, request, account: { id, login, server }, credential: known.encrypted_password },
      isStored: true,
      workerId: requireWorker(context.workerIds, known.worker_id),
      timeoutMs: READ_TIMEOUT_MS,
    });
    return { ...answer, ...said, layers: said.layers.map((layer) => withRow(layer, status)) };
  } catch (thrown) {
    const fault = thrown instanceof AppError ? capacityFault(thrown) : undefined;
    if (fault === undefined) throw thrown;
    const { healthy, layers, as_of } = here({ capacity: fault });
    return { ...answer, healthy, layers: layers.map((layer) => withRow(layer, status)), as_of };
  }
}

/** What the database says of an account that is there and not to be worked on. */
const UNUSABLE: ReadonlySet<string> = new Set(["account_inactive", "credential_invalid"]);

async function findAccount(
  context: ServiceContext,
  caller: Caller,
  accountId: string,
): Promise<ResolvedAccount | AccountRow> {
  try {
    return await context.db.resolveAccount(caller.userId, accountId);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || !UNUSABLE.has(thrown.code)) throw thrown;
    return await getAccount(context, caller, accountId);
  }
}

/**
 * The terminal shows an investor password and an account that the broker has closed for trading alike. The row knows
 * whether this very password could trade when it was stored.
 */
function withRow(layer: HealthLayer, status: AccountRow["status"]): HealthLayer {
  if (layer.layer !== "trading_permission") return layer;
  if (status === "read_only" && (layer.ok === null || layer.code === "read_only")) {
    return { layer: layer.layer, ok: false, ...investorPassword() };
  }
  return layer.code === "read_only" ? { layer: layer.layer, ok: false, ...closedAccount() } : layer;
}

function capacityFault({ code, message }: AppError): LayerFault | undefined {
  switch (code) {
    case "worker_unreachable":
      return {
        code,
        detail: message,
        action: "The operator must start the worker, or mend the way to it. See /health.",
      };
    case "worker_busy":
    case "too_many_requests":
      return { code: "worker_busy", detail: message, action: "Ask again in a moment." };
    case "read_timeout":
      return {
        code,
        detail: "No answer came in time: the account's terminal is busy, is being started, or hangs",
        action: "Ask again in a moment; if it stays, the operator must look at the terminal. See /health.",
      };
    default:
      return undefined;
  }
}

function inactive(): LayerFault {
  return {
    code: "account_inactive",
    detail: "The account is deactivated here",
    action: 'Activate it: PATCH /accounts/{id} with {"is_active": true}, or connect it again.',
  };
}

function unusablePassword(): LayerFault {
  return {
    code: "credential_invalid",
    detail: "The stored password is not usable",
    action: "Replace the password: PUT /accounts/{id}/password.",
  };
}

function nameless(): LayerFault {
  return {
    code: "credential_invalid",
    detail: "No broker has the login and server that the account was stored with",
    action: "Connect the account again, with the server's name as the broker calls it, and remove this one.",
  };
}

function investorPassword(): LayerFault {
  return {
    code: "investor_password",
    detail:
      "The account could not trade when this password was stored: it is the investor password, or trading is disabled",
    action:
      "Replace the password with the master password (PUT /accounts/{id}/password); if it is the master password, ask the " +
      "broker to enable trading.",
  };
}

function closedAccount(): LayerFault {
  return {
    code: "account_trade_disabled",
    detail:
      "The account could trade when this password was stored, and is read-only now: the broker has disabled trading",
    action: "Ask the broker to enable trading on the account.",
  };
}
