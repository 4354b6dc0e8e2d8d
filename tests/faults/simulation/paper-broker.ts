// The oracle: a broker that writes down, apart from everything the worker knows, which request it carried out for whom and
// when. Its oddities (overwritten marks, records that appear late) touch what it shows, never what it wrote down.
import type { SendRequest } from "../../../bridge-worker/src/mt5/mod.ts";
import { SimBroker } from "../../../bridge-worker/src/simulator/mod.ts";
import { overriding } from "../../support/worker-fixture.ts";
import type { Booked } from "../invariants/mod.ts";

export type Oddities = {
  /** Servers that put their own magic and comment on every order. */
  overwrites: ReadonlySet<string>;
  /** Milliseconds until an order is in the records. */
  lateMs: number;
};

/** Retcodes with which something was done: placed, done, done in part. */
const EXECUTED: ReadonlySet<number> = new Set([10008, 10009, 10010]);

export function createPaperBroker(
  seed: number,
  nowMs: () => number,
  oddities: Oddities,
  onBooked: (booked: Booked) => void,
  onOddity: (fault: "marks_overwritten" | "records_late") => void,
): SimBroker {
  const real = new SimBroker({ seed });
  /** Ticket → when it was made. */
  const madeAt = new Map<string, number>();
  const isShown = ({ ticket, order }: { ticket: string; order?: string }): boolean =>
    nowMs() - (madeAt.get(order ?? ticket) ?? Number.NEGATIVE_INFINITY) >= oddities.lateMs;
  return overriding(real, {
    execute(session, request, utcMs) {
      const written = { ...request };
      if (oddities.overwrites.has(session.account.server)) {
        Object.assign(written, { magic: 0, comment: "broker" });
      }
      const before = real.positions(session.account, utcMs).length;
      const result = real.execute(session, written, utcMs);
      if (!EXECUTED.has(result.retcode)) return result;
      if (written.magic !== request.magic) onOddity("marks_overwritten");
      madeAt.set(result.order, nowMs());
      const opened = real.positions(session.account, utcMs).length > before;
      onBooked({ ...describe(session.account, request, result.order, nowMs()), opened });
      return result;
    },
    history(account, query, utcMs) {
      const whole = real.history(account, query, utcMs);
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
