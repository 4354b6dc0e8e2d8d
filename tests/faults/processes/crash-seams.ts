// Where a worker under test stops: the real journal and the real terminal, with a halt before or after a write or call.
import type { Journal } from "../../../bridge-worker/src/journal/mod.ts";
import type { TerminalPort } from "../../../bridge-worker/src/mt5/mod.ts";
import { SETTLE_POLICY, type SettlePolicy } from "../../../bridge-worker/src/scheduler/mod.ts";
import type { Seams } from "../../../bridge-worker/src/worker.ts";
import type { WorkerPoint } from "./crash-points.ts";

type Stop = (point: WorkerPoint) => void;

/** Every interval of a proof is this much shorter than production's floor. */
const SHORTER = 100;

export const SHORT_POLICY: SettlePolicy = {
  pausesMs: SETTLE_POLICY.pausesMs.map((ms) => ms / SHORTER),
  onDemandMs: SETTLE_POLICY.onDemandMs / SHORTER,
  giveUpAfterMs: SETTLE_POLICY.giveUpAfterMs / SHORTER,
  quietMs: SETTLE_POLICY.quietMs / SHORTER,
  searchGapMs: SETTLE_POLICY.searchGapMs / SHORTER,
  stableMs: SETTLE_POLICY.stableMs / SHORTER,
};

export function crashSeams(stop: Stop): Seams {
  return {
    journal: (journal) => stoppingJournal(journal, stop),
    port: (port) => stoppingPort(port, stop),
    policy: SHORT_POLICY,
  };
}

function stoppingJournal(journal: Journal, stop: Stop): Journal {
  return changed(journal, {
    // The first thing that a command which has got its terminal asks.
    isProven(key, sinceMs) {
      stop("admitted");
      return journal.isProven(key, sinceMs);
    },
    recordIntent(intent) {
      stop("before_intent");
      journal.recordIntent(intent);
      stop("intent_written");
    },
    recordEnding(ending) {
      // A final ending of what was unknown: the reconciler has its proof in hand.
      if (ending.final && journal.find(ending.id)?.state === "unknown") stop("settling");
      const result = journal.recordEnding(ending);
      stop(ending.kind === "unseen" ? "tombstone_written" : "result_written");
      return result;
    },
    confirmDelivery(id, result) {
      stop("told");
      journal.confirmDelivery(id, result);
    },
  });
}

function stoppingPort(port: TerminalPort, stop: Stop): TerminalPort {
  return changed(port, {
    async login(account, password, timeoutMs) {
      stop("before_login");
      const reply = await port.login(account, password, timeoutMs);
      stop("logged_in");
      return reply;
    },
    async send(order) {
      const reply = await port.send(order);
      stop("answered");
      return reply;
    },
  });
}

/** `real` with some methods replaced; its private fields stay its own. */
function changed<T extends object>(real: T, methods: Partial<T>): T {
  return new Proxy(real, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
