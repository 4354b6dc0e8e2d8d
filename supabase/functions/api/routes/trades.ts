// POST /trades: one order.

import { TradeFields, tradeFaults } from "../../_shared/protocol/mod.ts";
import type { ServiceContext } from "../services/mod.ts";
import { AccountId, CommandTimeout } from "./fields.ts";
import { COMMAND_PROBLEMS } from "./problems.ts";
import { addUserRoute, type Router } from "./route.ts";
import { COMMAND_ANSWERS, COMMAND_DESCRIPTION, sendCommand } from "./send-command.ts";

const TradeRequest = TradeFields.extend({
  account_id: AccountId.optional(),
  timeout_ms: CommandTimeout.optional(),
}).superRefine((trade, context) => {
  for (const { path, message } of tradeFaults(trade)) context.addIssue({ code: "custom", path: [path], message });
});

export function addTradeRoutes(router: Router, services: ServiceContext): void {
  const spec = {
    method: "post",
    path: "/trades",
    tag: "Trading",
    summary: "Place a market or pending order",
    description: COMMAND_DESCRIPTION,
    body: TradeRequest,
    idempotent: true,
    answers: COMMAND_ANSWERS,
  } as const;
  addUserRoute(
    router,
    { ...spec, problems: [...COMMAND_PROBLEMS, "symbol_not_found", "quote_too_old"] },
    async (input) => {
      const { account_id, timeout_ms, ...params } = input.body;
      return await sendCommand(router, services, spec, input, {
        accountId: account_id,
        timeoutMs: timeout_ms,
        request: { kind: "trade", params },
      });
    },
  );
}
