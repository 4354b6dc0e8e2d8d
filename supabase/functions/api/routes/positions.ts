// Open positions: the list, and closing one.
import { z } from "zod";
import { ClosePositionParams, MAX_AGE_DEFAULT_MS, PositionView } from "../../_shared/protocol/mod.ts";
import { readAccount, type ServiceContext } from "../services/mod.ts";
import { AccountId, AnsweredAccount, AsOf, CommandTimeout, SymbolReadQuery, TicketParams } from "./fields.ts";
import { COMMAND_PROBLEMS, READ_PROBLEMS } from "./problems.ts";
import { addUserRoute, type Router } from "./route.ts";
import { COMMAND_ANSWERS, COMMAND_DESCRIPTION, sendCommand } from "./send-command.ts";

const PositionsAnswer = z.object({
  account: AnsweredAccount,
  positions: z.array(PositionView),
  truncated: z.boolean().meta({ description: "There are more than one answer holds" }),
  as_of: AsOf,
});

const CloseRequest = ClosePositionParams.omit({ ticket: true }).extend({
  account_id: AccountId.optional(),
  timeout_ms: CommandTimeout.optional(),
});

export function addPositionRoutes(router: Router, services: ServiceContext): void {
  addUserRoute(
    router,
    {
      method: "get",
      path: "/positions",
      tag: "Trading",
      summary: "Open positions of an account",
      query: SymbolReadQuery,
      answers: { 200: { description: "As the terminal reported them", schema: PositionsAnswer } },
      problems: READ_PROBLEMS,
    },
    async ({ c, caller, query }) => {
      const { account, value } = await readAccount(services, {
        caller,
        accountId: query.account_id ?? null,
        request: { kind: "positions", max_age_ms: query.max_age_ms ?? MAX_AGE_DEFAULT_MS, symbol: query.symbol },
      });
      return c.json({ account, ...value });
    },
  );

  const close = {
    method: "post",
    path: "/positions/{ticket}/close",
    tag: "Trading",
    summary: "Close a position, whole or in part",
    description: `A close never opens or reverses a position. ${COMMAND_DESCRIPTION}`,
    params: TicketParams,
    body: CloseRequest,
    bodyOptional: true,
    idempotent: true,
    answers: COMMAND_ANSWERS,
  } as const;
  addUserRoute(router, { ...close, problems: [...COMMAND_PROBLEMS, "position_not_found"] }, async (input) => {
    const { account_id, timeout_ms, volume } = input.body;
    return await sendCommand(router, services, close, input, {
      accountId: account_id,
      timeoutMs: timeout_ms,
      request: { kind: "close_position", params: { ticket: input.params.ticket, volume } },
    });
  });
}
