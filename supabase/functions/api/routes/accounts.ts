// The user's accounts: list, status, change, remove.
import { z } from "zod";
import { RiskLimits, SymbolName } from "../../_shared/domain/mod.ts";
import { HealthLayer } from "../../_shared/protocol/mod.ts";
import {
  getAccount,
  listAccounts,
  readStatus,
  removeAccount,
  type ServiceContext,
  updateAccount,
} from "../services/mod.ts";
import { AccountView } from "./account-view.ts";
import { AccountName, AccountParams, AnsweredAccount, AsOf, PassMagic, QueryBoolean } from "./fields.ts";
import { addUserRoute, type Router } from "./route.ts";

const TAG = "Accounts";

const ChangeRequest = z
  .strictObject({
    account_name: AccountName.optional(),
    risk_limits: RiskLimits.nullable().optional(),
    is_default: z.boolean().optional(),
    is_active: z.boolean().optional(),
    pass_magic: PassMagic.optional(),
  })
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change");

const RemovedAnswer = z.object({
  success: z.literal(true),
  account_id: z.guid(),
  abandoned_commands: z.int().meta({ description: "Commands left open; they stay in the ledger" }),
});
const StatusAnswer = z.object({
  account: AnsweredAccount,
  status: AccountView.shape.status.meta({ description: "As in the list of accounts" }),
  healthy: z.boolean(),
  layers: z.array(HealthLayer),
  as_of: AsOf,
});

export function addAccountsRoutes(router: Router, services: ServiceContext): void {
  addListing(router, services);
  addChanging(router, services);
}

function addListing(router: Router, services: ServiceContext): void {
  addUserRoute(
    router,
    {
      method: "get",
      path: "/accounts",
      tag: TAG,
      summary: "Your accounts",
      query: z.object({ include_inactive: QueryBoolean.optional() }),
      answers: { 200: { description: "Oldest first", schema: z.object({ accounts: z.array(AccountView) }) } },
    },
    async ({ c, caller, query }) =>
      c.json({ accounts: await listAccounts(services, caller, query.include_inactive ?? false) }),
  );
  addUserRoute(
    router,
    {
      method: "get",
      path: "/accounts/{id}",
      tag: TAG,
      summary: "One account",
      params: AccountParams,
      answers: { 200: { description: "The account", schema: AccountView } },
      problems: ["account_not_found"],
    },
    async ({ c, caller, params }) => c.json(await getAccount(services, caller, params.id)),
  );
  addUserRoute(
    router,
    {
      method: "get",
      path: "/accounts/{id}/status",
      tag: TAG,
      summary: "Which layer between you and the broker is unhealthy, and what to do",
      description:
        "Looks at the terminal by the way that a command would take, with a login if one is needed. A worker that does not " +
        "answer is shown as a layer and not as an error. Codes: docs/errors.md.",
      params: AccountParams,
      query: z.object({
        symbol: SymbolName.optional().meta({ description: "Adds a layer: whether this symbol can be traded" }),
      }),
      answers: { 200: { description: "Layer by layer, outermost first", schema: StatusAnswer } },
      // The second: no terminal of the worker may ever log in to this server, so there is no layer to look at.
      problems: ["account_not_found", "terminal_unavailable"],
    },
    async ({ c, caller, params, query }) => {
      const symbol = query.symbol === undefined ? {} : { symbol: query.symbol };
      return c.json(await readStatus(services, caller, { accountId: params.id, ...symbol }));
    },
  );
}

function addChanging(router: Router, services: ServiceContext): void {
  addUserRoute(
    router,
    {
      method: "patch",
      path: "/accounts/{id}",
      tag: TAG,
      summary: "Change name, limits, default or activity",
      description:
        "`risk_limits` replaces all limits; null removes them. Making an account the default unsets the other.",
      params: AccountParams,
      body: ChangeRequest,
      answers: { 200: { description: "The account as it is now", schema: AccountView } },
      problems: ["account_not_found", "account_inactive"],
    },
    async ({ c, caller, params, body }) => c.json(await updateAccount(services, caller, params.id, body)),
  );
  addUserRoute(
    router,
    {
      method: "delete",
      path: "/accounts/{id}",
      tag: TAG,
      summary: "Remove an account and its sealed password",
      params: AccountParams,
      query: z.object({ abandon: QueryBoolean.optional() }),
      answers: { 200: { description: "Removed", schema: RemovedAnswer } },
      problems: ["account_not_found", "account_busy"],
    },
    async ({ c, caller, params, query }) => {
      const { abandonedCommands } = await removeAccount(services, caller, params.id, query.abandon ?? false);
      return c.json({ success: true, account_id: params.id, abandoned_commands: abandonedCommands });
    },
  );
}
