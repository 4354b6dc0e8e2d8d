// Pending orders: the list, and cancelling one.
import { z } from "zod";
import {
  COMMAND_TIMEOUT_MAX_MS,
  COMMAND_TIMEOUT_MIN_MS,
  MAX_AGE_DEFAULT_MS,
  OrderView,
} from "../../_shared/protocol/mod.ts";
import { readAccount, type ServiceContext } from "../services/mod.ts";
import { AccountQuery, AnsweredAccount, AsOf, queryInt, SymbolReadQuery, TicketParams } from "./fields.ts";
import { COMMAND_PROBLEMS, READ_PROBLEMS } from "./problems.ts";
import { addUserRoute, type Router } from "./route.ts";
import { COMMAND_ANSWERS, COMMAND_DESCRIPTION, sendCommand } from "./send-command.ts";

const OrdersAnswer = z.object({
  account: AnsweredAccount,
  orders: z.array(OrderView),
  truncated: z.boolean().meta({ description: "There are more than one answer holds" }),
  as_of: AsOf,
});

const CancelQuery = AccountQuery.extend({
  timeout_ms: queryInt(z.int().min(COMMAND_TIMEOUT_MIN_MS).max(COMMAND_TIMEOUT_MAX_MS)).optional(),
});

export function addOrderRoutes(router: Router, services: ServiceContext): void {
  addUserRoute(
    router,
    {
      method: "get",
      path: "/orders",
      tag: "Trading",
      summary: "Pending orders of an account",
      query: SymbolReadQuery,
      answers: { 200: { description: "As the terminal reported them", schema: OrdersAnswer } },
      problems: READ_PROBLEMS,
    },
    async ({ c, caller, query }) => {
      const { account, value } = await readAccount(services, {
        caller,
        accountId: query.account_id ?? null,
        request: { kind: "orders", max_age_ms: query.max_age_ms ?? MAX_AGE_DEFAULT_MS, symbol: query.symbol },
      });
      return c.json({ account, ...value });
    },
  );

  const cancel = {
    method: "delete",
    path: "/orders/{ticket}",
    tag: "Trading",
    summary: "Cancel a pending order",
    description: COMMAND_DESCRIPTION,
    params: TicketParams,
    query: CancelQuery,
    idempotent: true,
    answers: COMMAND_ANSWERS,
  } as const;
  addUserRoute(router, { ...cancel, problems: [...COMMAND_PROBLEMS, "order_not_found"] }, async (input) => {
    const { account_id, timeout_ms } = input.query;
    return await sendCommand(router, services, cancel, input, {
      accountId: account_id,
      timeoutMs: timeout_ms,
      request: { kind: "cancel_order", params: { ticket: input.params.ticket } },
    });
  });
}
