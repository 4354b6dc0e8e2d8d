// The oracle: a broker that writes down, apart from everything the worker knows, which request it carried out for whom and
// when. Its oddities (overwritten marks, records and lists that are late, stops, parts, orders that go astray) touch what it
// does and shows, never what it wrote down.
import type { PositionFacts, SendRequest, SendResultFacts } from "../../../bridge-worker/src/mt5/mod.ts";
import { isTagged } from "../../../bridge-worker/src/mt5/mod.ts";
import type { AccountRef } from "../../../bridge-worker/src/protocol.ts";
import { SimBroker } from "../../../bridge-worker/src/simulator/mod.ts";
import { overriding } from "../../support/worker-fixture.ts";
import type { Booked } from "../invariants/mod.ts";
import { HEDGING, NETTING } from "./actors.ts";
import type { FaultPlan } from "./faults.ts";
import { OddRecords } from "./odd-records.ts";
import type { Random } from "./random.ts";

export type Oddities = {
  /** Servers that put their own magic and comment on every order. */
  overwrites: ReadonlySet<string>;
  /** Milliseconds until an order is in the records, … */
  lateMs: number;
  /** … and until it is in the terminals' lists. */
  listsLateMs: number;
  /** Tag → what becomes of its order. */
  readonly orders: Map<number, OrderOddity>;
};

export type OrderOddity = {
  /** The terminal was switched while it took the order: it goes to this account. */
  strays?: AccountRef;
  /** Only a part is filled, and the rest cancelled; the deal does not carry the marks. */
  inPart?: true;
  /** A stop closes the position at once. The stop's records have the marks, those of the order have lost them. */
  stopped?: true;
};

const RECORDS_LATE_MS = 20_000;
/** Lists lag by less than that for which an opening counts all the same, and have caught up before a worker has started. */
const LISTS_LATE_MS = [300, 1_900] as const;

export function odditiesOf(plan: FaultPlan, random: Random): Oddities {
  return {
    overwrites: new Set([HEDGING, NETTING].filter(() => plan.includes("marks_overwritten") && random.chance(0.6))),
    lateMs: plan.includes("records_late") ? RECORDS_LATE_MS : 0,
    listsLateMs: plan.includes("lists_late") ? random.between(...LISTS_LATE_MS) : 0,
    orders: new Map(),
  };
}

export type OddityFault = "marks_overwritten" | "records_late" | "lists_late" | "filled_in_part" | "stopped_at_once";

export type PaperBroker = SimBroker & {
  /** Everything that was done by now is in the lists. */
  listsCatchUp: () => void;
};

type Session = Parameters<SimBroker["execute"]>[0];

const ACTION_DEAL = 1;
const DONE = 10009;
const DONE_PARTIAL = 10010;
/** Retcodes with which something was done: placed, done, done in part. */
const EXECUTED: ReadonlySet<number> = new Set([10008, DONE, DONE_PARTIAL]);
const FILL_OR_KILL = 0;
const LEAST_VOLUME = 0.01;

export function createPaperBroker(
  seed: number,
  nowMs: () => number,
  oddities: Oddities,
  onBooked: (booked: Booked) => void,
  onOddity: (fault: OddityFault) => void,
): PaperBroker {
  const real = new SimBroker({ seed });
  const records = new OddRecords();
  /** Ticket → when it was made, for the records and for the lists. */
  const madeAt = new Map<string, number>();
  const listedFrom = new Map<string, number>();
  const strayed = new Set<string>();
  const isShown = ({ ticket, order }: { ticket: string; order?: string }): boolean =>
    nowMs() - (madeAt.get(order ?? ticket) ?? Number.NEGATIVE_INFINITY) >= oddities.lateMs;
  const listed = <T extends { ticket: string }>(list: T[]): T[] => {
    if (oddities.listsLateMs === 0) return list;
    const shown = list.filter(({ ticket }) => (listedFrom.get(ticket) ?? 0) <= nowMs());
    if (shown.length < list.length) onOddity("lists_late");
    return shown;
  };

  /** What is left of a market order that is filled in part; undefined: this one is not. */
  const partOf = ({ action, volume = 0, type_filling }: SendRequest): number | undefined =>
    action === ACTION_DEAL && type_filling !== FILL_OR_KILL && volume > LEAST_VOLUME ? LEAST_VOLUME : undefined;

  const stopOut = (session: Session, request: SendRequest, opened: string, utcMs: number): void => {
    const close = { ...request, type: request.type === 0 ? 1 : 0, position: opened };
    const { order, retcode } = real.execute(session, { ...close, sl: 0, tp: 0 }, utcMs);
    if (retcode !== DONE) return;
    madeAt.set(order, nowMs());
    records.stopped(opened, order);
    onOddity("stopped_at_once");
  };

  const broker = overriding(real, {
    execute(asked, request, utcMs) {
      const odd = oddityOf(oddities, request);
      const session = odd?.strays === undefined ? asked : { ...asked, account: odd.strays };
      const { account } = session;
      const written = { ...request };
      if (oddities.overwrites.has(account.server)) Object.assign(written, { magic: 0, comment: "broker" });
      const part = odd?.inPart ? partOf(request) : undefined;
      const before = real.positions(account, utcMs).length;
      const answer = real.execute(session, part === undefined ? written : { ...written, volume: part }, utcMs);
      if (!EXECUTED.has(answer.retcode)) return answer;
      if (written.magic !== request.magic) onOddity("marks_overwritten");
      madeAt.set(answer.order, nowMs());
      if (odd?.strays === undefined) listedFrom.set(answer.order, nowMs() + oddities.listsLateMs);
      else strayed.add(answer.order);
      const positions = real.positions(account, utcMs);
      const opened = positions.length > before;
      // What went astray may have come here since the worker looked.
      const known = [...positions, ...real.orders(account, utcMs)].filter(({ ticket }) => !strayed.has(ticket));
      onBooked({
        ...describe(account, request, answer.order, nowMs()),
        ...{ opened, stood: known.length, ...(odd?.strays && { strayed: true }) },
      });
      if (odd?.stopped && opened) stopOut(session, written, answer.order, utcMs);
      if (part === undefined) return answer;
      records.filledInPart(answer.order, request.volume ?? 0, part);
      onOddity("filled_in_part");
      return { ...answer, retcode: DONE_PARTIAL } satisfies SendResultFacts;
    },
    positions: (account, utcMs, symbol): PositionFacts[] => listed(real.positions(account, utcMs, symbol)),
    orders: (account, utcMs, symbol) => listed(real.orders(account, utcMs, symbol)),
    history(account, query, utcMs) {
      const whole = records.shown(real.history(account, query, utcMs), query);
      if (oddities.lateMs === 0) return whole;
      const { open_orders, orders, deals } = whole;
      if (![...open_orders, ...orders, ...deals].every(isShown)) onOddity("records_late");
      return {
        ...whole,
        open_orders: open_orders.filter(isShown),
        orders: orders.filter(isShown),
        deals: deals.filter(isShown),
      };
    },
  });
  return Object.assign(broker, { listsCatchUp: () => listedFrom.clear() });
}

function oddityOf({ orders }: Oddities, { magic, comment }: SendRequest): OrderOddity | undefined {
  return [...orders].find(([tag]) => magic === tag || isTagged(comment, tag))?.[1];
}

function describe(
  { login, server }: { login: string; server: string },
  request: SendRequest,
  ticket: string,
  atMs: number,
): Booked {
  const { action, symbol = "", volume = 0, position = null, magic, comment } = request;
  return { atMs, login, server, magic, comment, ticket, action, symbol, volume, position, opened: false };
}
