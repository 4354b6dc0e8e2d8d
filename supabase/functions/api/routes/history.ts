// What an account did: orders that are done, and deals, newest first.
import { z } from "zod";
import { Ticket } from "../../_shared/domain/mod.ts";
import {
  DealView,
  HISTORY_DEFAULT_MS,
  HISTORY_MAX_MS,
  HISTORY_PAGE_DEFAULT,
  HISTORY_PAGE_MAX,
  HistoryCursor,
  HistoryOrderView,
} from "../../_shared/protocol/mod.ts";
import { historyPage, readAccount, type ServiceContext } from "../services/mod.ts";
import { AccountQuery, AnsweredAccount, AsOf, queryInt } from "./fields.ts";
import { READ_PROBLEMS } from "./problems.ts";
import { addUserRoute, type Router } from "./route.ts";

const HOUR_MS = 60 * 60 * 1000;
const DESCRIPTION =
  "The same query with `next_cursor` as `cursor` gives the next page. While the worker does not know how far the broker's " +
  "clock is from UTC (it has seen no tick of an open market), `time` is null and the list reaches up to 26 hours beyond " +
  "the period on either side: choose by `broker_time` then. Times are computed with the offset of today. A terminal that has " +
  "just logged in may not have loaded everything yet.";

const HistoryQuery = AccountQuery.extend({
  from: z.iso
    .datetime()
    .optional()
    .meta({ description: `UTC, included. Default ${HISTORY_DEFAULT_MS / HOUR_MS} hours before \`to\`` }),
  to: z.iso
    .datetime()
    .optional()
    .meta({
      description: `UTC, not included; at most ${HISTORY_MAX_MS / HOUR_MS / 24} days after \`from\`. Default now`,
    }),
  position: Ticket.optional().meta({ description: "Only what belongs to this position" }),
  limit: queryInt(z.int().min(1).max(HISTORY_PAGE_MAX))
    .optional()
    .meta({ description: `Default ${HISTORY_PAGE_DEFAULT}` }),
  cursor: HistoryCursor.optional().meta({ description: "`next_cursor` of the page before" }),
});

function page<Row extends z.ZodType>(row: Row) {
  const next_cursor = z.string().nullable();
  return {
    description: "A page; `next_cursor` is null on the last",
    schema: z.object({ account: AnsweredAccount, data: z.array(row), next_cursor, as_of: AsOf }),
  };
}

const common = { method: "get", tag: "Trading", query: HistoryQuery, problems: READ_PROBLEMS } as const;

export function addHistoryRoutes(router: Router, services: ServiceContext): void {
  addUserRoute(
    router,
    {
      ...common,
      path: "/history/orders",
      summary: "Orders of an account that are filled, cancelled, expired or refused, newest first",
      description: `In the order in which they were done; a period holds those placed or done in it. ${DESCRIPTION}`,
      answers: { 200: page(HistoryOrderView) },
    },
    async ({ c, caller, query }) => {
      const { account, value } = await readAccount(services, {
        caller,
        accountId: query.account_id ?? null,
        request: { kind: "history_orders", ...historyPage(query, services.clock.wallMs()) },
      });
      return c.json({ account, ...value });
    },
  );
  addUserRoute(
    router,
    {
      ...common,
      path: "/history/deals",
      summary: "Deals of an account, newest first: what orders were filled with, and what was booked otherwise",
      description: DESCRIPTION,
      answers: { 200: page(DealView) },
    },
    async ({ c, caller, query }) => {
      const { account, value } = await readAccount(services, {
        caller,
        accountId: query.account_id ?? null,
        request: { kind: "history_deals", ...historyPage(query, services.clock.wallMs()) },
      });
      return c.json({ account, ...value });
    },
  );
}
