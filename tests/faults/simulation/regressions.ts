// Faults that were found in the product, by runs or by reading, put back by standing between two rooms: the story of each
// stays, so that they stay found.
import { pause } from "../../../bridge-worker/src/after.ts";
import type { Ending, Journal, OpenIntent } from "../../../bridge-worker/src/journal/mod.ts";
import type { FunctionKeys } from "../../../bridge-worker/src/link/mod.ts";
import { isTagged, type TerminalPort } from "../../../bridge-worker/src/mt5/mod.ts";
import type { Scheduler } from "../../../bridge-worker/src/scheduler/mod.ts";
import { overriding } from "../../support/worker-fixture.ts";
import type { Inside } from "./host-port.ts";
import type { SchedulerInside } from "./machine.ts";
import { looksAtNoPositions, type Mutant } from "./mutants.ts";

export const Regressions = {
  "a command does not age while its frame is on the way": { worker: { functionKeys: agelessEnvelopes } },
  "a frame that is too late ends its command without a second look": { worker: { scheduler: buriesAtOnce } },
  "that no account was shown after a send counts for nothing": { worker: { journal: forgetsUnread } },
  "what a process tells of another account is not written down": { worker: { journal: writesNoReason } },
  "an order that was filled in part is taken for a cancelled one": { worker: { guard: seesNoPart } },
  "a stop that has the tag is no trace": { worker: { guard: seesNoStops } },
  "records are looked through up to the machine's own time": { worker: { guard: looksUntilNow } },
  "a journal from the future knows nothing": { worker: { journal: trustsTheClock } },
  "an opening counts as shown before the lists show it": { worker: { guard: seesTooMuch } },
  "a settled opening counts as shown before the lists show it": { worker: { guard: seesTooMuch } },
  "what has to wait again goes behind what came later": { worker: { scheduler: losesItsPlace } },
} as const satisfies Record<string, Mutant>;

export type RegressionName = keyof typeof Regressions;

/** Outcome of a frame that came after its time, as the scheduler words it. */
const TOO_LATE = {
  state: "expired",
  code: "deadline_exceeded",
  detail: "The command arrived after its time was over",
} as const;
const CANCELLED = 2;
const BY_PROGRAM = 3;
const WINDOW_MARGIN_S = 26 * 3600;

function agelessEnvelopes(keys: FunctionKeys): FunctionKeys {
  return overriding(keys, {
    verifyEnvelope: async (envelope, body) => ({
      ...(await keys.verifyEnvelope(envelope, body)),
      made_at_ms: Number.MAX_SAFE_INTEGER,
    }),
  });
}

function buriesAtOnce(scheduler: Scheduler, { journal, sign, now }: SchedulerInside): Scheduler {
  const taken = new Set<string>();
  return overriding(scheduler, {
    async command(call, subscriber) {
      const { id, userId, account, body } = call;
      if (now() <= call.notAfterMs) taken.add(id);
      if (taken.has(id) || journal.find(id) !== undefined) return await scheduler.command(call, subscriber);
      const ended = { id, userId, kind: body.request.kind };
      const result = await sign({ ...ended, account, command: TOO_LATE });
      subscriber({ result: journal.recordEnding({ ...ended, result, evidence: null, final: true }) });
    },
  });
}

/** The first of several on one account begins after the others. */
function losesItsPlace(scheduler: Scheduler, { after }: SchedulerInside): Scheduler {
  let waiting = 0;
  return overriding(scheduler, {
    async command(call, subscriber) {
      if (waiting++ === 0) await pause(after, 1_000);
      waiting -= 1;
      await scheduler.command(call, subscriber);
    },
  });
}

/** Of such an answer nothing is left, not even the tickets in it. */
function forgetsUnread(journal: Journal): Journal {
  const forget = (intents: OpenIntent[]): OpenIntent[] =>
    intents.map((intent) =>
      intent.evidence?.reason === "account_unread_after_send"
        ? { ...intent, evidence: { phase: "sent", reason: "no_result" } }
        : intent,
    );
  return overriding(journal, {
    unsettledOf: (account) => forget(journal.unsettledOf(account)),
    unsettled: () => forget(journal.unsettled()),
  });
}

/** Of a command that a crash interrupted, all that the worker learns afterwards from its process. */
function writesNoReason(journal: Journal): Journal {
  const strip = (ending: Ending): Ending => {
    const { phase, detail } = (ending.evidence ?? {}) as Record<string, unknown>;
    return phase === "interrupted" ? { ...ending, evidence: { phase, detail } } : ending;
  };
  return overriding(journal, { recordEnding: (ending) => journal.recordEnding(strip(ending)) });
}

function seesNoPart(port: TerminalPort): TerminalPort {
  return overriding(port, {
    async history(account, query, timeoutMs) {
      const reply = await port.history(account, query, timeoutMs);
      if (reply.kind !== "ok") return reply;
      const isMarked = ({ magic, comment }: { magic: string; comment: string }): boolean =>
        magic === String(query.tag) || isTagged(comment, query.tag);
      const whole = reply.orders.map((one) =>
        one.state === CANCELLED ? { ...one, volume_current: one.volume_initial } : one,
      );
      return { ...reply, orders: whole, deals: reply.deals.filter(isMarked) };
    },
  });
}

function seesNoStops(port: TerminalPort): TerminalPort {
  return overriding(port, {
    async history(account, query, timeoutMs) {
      const reply = await port.history(account, query, timeoutMs);
      if (reply.kind !== "ok") return reply;
      const ours = <T extends { reason: number }>(list: T[]): T[] => list.filter(({ reason }) => reason === BY_PROGRAM);
      return { ...reply, orders: ours(reply.orders), deals: ours(reply.deals) };
    },
  });
}

function looksUntilNow(port: TerminalPort, { wallClock }: Inside): TerminalPort {
  return overriding(looksAtNoPositions(port), {
    history: (account, query, timeoutMs) =>
      port.history(account, { ...query, to: Math.ceil(wallClock() / 1000) + WINDOW_MARGIN_S }, timeoutMs),
  });
}

/** Another moment at every look: nothing tells the worker that this is the journal that it began with. */
function trustsTheClock(journal: Journal): Journal {
  let looks = 0;
  return new Proxy(journal, {
    get(target, name) {
      if (name === "knowsSince") return target.knowsSince + (looks++ === 0 ? 0 : 0.001);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Takes the first position in the list for the order that was sent last. */
function seesTooMuch(port: TerminalPort): TerminalPort {
  let last: string | undefined;
  return overriding(port, {
    async send(order) {
      const reply = await port.send(order);
      last = String(order.tag);
      return reply;
    },
    async read(account, parts, timeoutMs) {
      const reply = await port.read(account, parts, timeoutMs);
      const [first, ...more] = (reply.kind === "ok" && reply.positions) || [];
      if (reply.kind !== "ok" || first === undefined || last === undefined) return reply;
      return { ...reply, positions: [{ ...first, magic: last }, ...more] };
    },
  });
}
