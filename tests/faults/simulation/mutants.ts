// Builds that are broken on purpose, each in one place, by standing between two rooms: nothing in the product knows of
// them. A harness that does not notice one of them proves nothing.

import type { Journal } from "../../../bridge-worker/src/journal/mod.ts";
import type { TerminalPort } from "../../../bridge-worker/src/mt5/mod.ts";
import { SETTLE_POLICY } from "../../../bridge-worker/src/scheduler/mod.ts";
import type { AccountAccess } from "../../../bridge-worker/src/terminals/mod.ts";
import { overriding } from "../../support/worker-fixture.ts";
import type { Inside } from "./host-port.ts";
import type { LedgerChange } from "./ledger.ts";
import type { WorkerChange } from "./machine.ts";
import { timelessFunctionKeys } from "./seals.ts";

export type Mutant = { worker?: WorkerChange; ledger?: LedgerChange };

const RETCODE_TIMEOUT = 10012;

export const Mutants = {
  /** J1 reaches the disk some time later. */
  "skip J1's flush": { worker: { unflushed: (name) => name === "recordIntent" } },
  "skip the guard's account check": { worker: { guard: sendsOnWhateverIsShown } },
  "compare the login without the server": { worker: { guard: comparesLoginAlone } },
  "resend on 10012": { worker: { guard: resends } },
  /** J2 reaches the disk some time later, and everyone has been told. */
  "answer before J2": { worker: { unflushed: (name) => name === "recordEnding" } },
  "forget keys at a restart": { ledger: { forgetsKeysAtRestart: true } },
  "accept an expired envelope": { worker: { functionKeys: timelessFunctionKeys } },
  "settle by absence at once": {
    worker: { policy: HASTY_POLICY(), journal: believesInMarks, guard: looksAtNoPositions },
  },
  "connect without a login where the terminal is logged in": { worker: { access: trustsTheTerminal } },
  "no tombstone": { worker: { journal: buriesNothing } },
  "the guard's time limit checked before its lock only": { worker: { guard: checksTimeEarly } },
  "tags from a sequence": { ledger: { newTag: (count) => 2 ** 40 + count } },
  "a late unknown overwrites done": {
    ledger: { mayFollow: (from, to) => to === "unknown" || (from !== to && from !== "done") },
  },
} as const satisfies Record<string, Mutant>;

export type MutantName = keyof typeof Mutants;

/** The settling reads them alone, and as a last witness. */
export function looksAtNoPositions(port: TerminalPort): TerminalPort {
  return overriding(port, {
    async read(account, parts, timeoutMs) {
      const reply = await port.read(account, parts, timeoutMs);
      const isLast = Object.keys(parts).join() === "positions";
      return reply.kind === "ok" && isLast ? { ...reply, positions: [] } : reply;
    },
  });
}

function sendsOnWhateverIsShown(port: TerminalPort, { process }: Inside): TerminalPort {
  return overriding(port, {
    async send(order) {
      const shown = process().shown?.account ?? order.account;
      const reply = await port.send({ ...order, account: shown });
      return reply.kind === "sent" ? { ...reply, after: order.account } : reply;
    },
  });
}

function comparesLoginAlone(port: TerminalPort, { process }: Inside): TerminalPort {
  return overriding(port, {
    async send(order) {
      const shown = process().shown?.account;
      const account = shown?.login === order.account.login ? shown : order.account;
      const reply = await port.send({ ...order, account });
      return reply.kind === "sent" && reply.after?.login === order.account.login
        ? { ...reply, after: order.account }
        : reply;
    },
  });
}

function resends(port: TerminalPort, { process, broker, brokerClock }: Inside): TerminalPort {
  return overriding(port, {
    async send(order) {
      const reply = await port.send(order);
      const { shown } = process();
      if (reply.kind !== "sent" || reply.result?.retcode !== RETCODE_TIMEOUT || shown === null) return reply;
      const result = broker.execute({ ...shown, isAutoTradingOn: true }, order.request, brokerClock());
      return { ...reply, result };
    },
  });
}

function checksTimeEarly(port: TerminalPort, { now }: Inside): TerminalPort {
  return overriding(port, {
    async send(order) {
      if (now() > order.notAfterMs) return { kind: "refused", reason: "expired" };
      return await port.send({ ...order, notAfterMs: Number.POSITIVE_INFINITY });
    },
  });
}

function trustsTheTerminal(access: AccountAccess): AccountAccess {
  return overriding(access, {
    async verify(session, claim, notAfterMs) {
      if (session.isOn(claim.account)) return { kind: "ready", loginMs: 0 };
      return await access.verify(session, claim, notAfterMs);
    },
  });
}

function buriesNothing(journal: Journal): Journal {
  return overriding(journal, {
    recordEnding: (ending) => (ending.kind === "unseen" ? ending.result : journal.recordEnding(ending)),
  });
}

function HASTY_POLICY(): typeof SETTLE_POLICY {
  return { ...SETTLE_POLICY, quietMs: 0, searchGapMs: 0, stableMs: 0 };
}

function believesInMarks(journal: Journal): Journal {
  return overriding(journal, { markSurvival: () => ({ magic: true, comment: true }) });
}
