// One send inside the simulated terminal's process: the guard's checks, then at most one order at the broker.
import {
  COMMENT_MAX_CHARS,
  type LastError,
  type SendOrder,
  type SendRefusal,
  type SendReply,
  type SendRequest,
  type SendResultFacts,
} from "../mt5/mod.ts";
import { isSameAccount } from "../protocol.ts";
import type { SendFault } from "./faults.ts";
import type { SimBroker, TradingSession } from "./sim-broker.ts";
import { refusal } from "./sim-desk.ts";
import type { SimProcess } from "./sim-process.ts";
import type { TagEntry } from "./sim-tags.ts";

export const NO_ERROR: LastError = [1, "Success"];
const VOLUME_TOLERANCE = 1e-9;

export type SendContext = {
  process: SimProcess;
  broker: SimBroker;
  owner: string;
  expectedPath: string;
  /** The clock of `notAfterMs`. */
  now: () => number;
  utcNow: () => number;
  /** Waits as long as the broker takes to answer. */
  brokerAnswers: () => Promise<void>;
};

type Sent = { result: SendResultFacts | null; lastError: LastError };

/** Runs while the terminal's lock is held. Checks and the step to `sending` are one turn: nothing comes between them. */
export async function sendNow(
  context: SendContext,
  entry: TagEntry,
  order: SendOrder,
  fault: SendFault | undefined,
): Promise<SendReply> {
  const { process } = context;
  const hindrance = obstacle(context, order);
  if (process.owner !== context.owner) return refused("stale_owner");
  if (context.now() > order.notAfterMs) return refused("expired");
  if (hindrance !== null) return hindrance;
  const shown = process.shown;
  if (shown === null || !process.tags.startSending(entry)) return refused("poisoned");

  // The order goes out on the account of this moment, whatever is shown when the answer comes.
  const { result, lastError } = await orderSend(context, shown, order.request, fault);
  if (fault?.kind === "switch_account") process.switchBehindBack(fault.to);
  return { kind: "sent", result, lastError, after: process.shown?.account ?? null };
}

export function refused(reason: SendRefusal): SendReply {
  return { kind: "refused", reason };
}

/** Why this order may not be sent on what the terminal shows now; null if it may. */
function obstacle(context: SendContext, order: SendOrder): SendReply | null {
  const { process, broker } = context;
  if (!process.isRunning || !process.isConnected) return refused("not_connected");
  if (process.path !== context.expectedPath) return refused("wrong_terminal");
  const { shown } = process;
  if (shown === null || !isSameAccount(shown.account, order.account)) {
    return { kind: "refused", reason: "wrong_account", actual: shown?.account ?? null };
  }
  const mayTrade = process.isAutoTradingOn && !process.isApiDisabled && shown.access === "trade";
  if (!mayTrade) return refused("trading_disabled");
  const required = order.requirePosition;
  if (required === undefined) return null;
  const isThere = broker
    .positions(shown.account, context.utcNow())
    .some(
      (one) =>
        one.ticket === required.ticket &&
        one.type === required.type &&
        one.volume + VOLUME_TOLERANCE >= required.minVolume,
    );
  return isThere ? null : refused("position_changed");
}

/** `order_send`, as the script wants it. */
async function orderSend(
  context: SendContext,
  shown: Omit<TradingSession, "isAutoTradingOn">,
  request: SendRequest,
  fault: SendFault | undefined,
): Promise<Sent> {
  const invalid = invalidField(request);
  if (invalid !== undefined) return { result: null, lastError: [-2, `Invalid "${invalid}" argument`] };
  await context.brokerAnswers();
  const execute = (): SendResultFacts => {
    const session = { ...shown, isAutoTradingOn: context.process.isAutoTradingOn };
    return context.broker.execute(session, request, context.utcNow());
  };
  const done = fault !== undefined && "executes" in fault && !fault.executes ? null : execute();
  switch (fault?.kind) {
    case "hang":
      await fault.until;
      // Nothing reached the broker: the package gives up with an error of its link to the terminal.
      return done === null
        ? { result: null, lastError: [-10005, "IPC timeout"] }
        : { result: done, lastError: NO_ERROR };
    case "retcode":
      return { result: { ...refusal(fault.retcode), order: done?.order ?? "0" }, lastError: NO_ERROR };
    case "none":
      return { result: null, lastError: fault.lastError };
    default:
      return { result: done, lastError: NO_ERROR };
  }
}

/** The package checks the request's values itself and sends nothing when one is wrong. */
function invalidField(request: SendRequest): string | undefined {
  const isFit = request.comment.length <= COMMENT_MAX_CHARS && /^[\x20-\x7e]*$/.test(request.comment);
  if (!isFit) return "comment";
  const broken = Object.entries(request).find(([, value]) => typeof value === "number" && !Number.isFinite(value));
  return broken?.[0];
}
