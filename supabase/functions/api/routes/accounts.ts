// The user's accounts: connect, list, change, switch, remove.
import { z } from "zod";
import { AccountType, Login, Password, RiskLimits, ServerName } from "../../_shared/domain/mod.ts";
import { AccountInfoView, HealthLayer, LOGIN_TIMEOUT_DEFAULT_MS } from "../../_shared/protocol/mod.ts";
import {
  connectAccount,
  getAccount,
  listAccounts,
  readAccount,
  removeAccount,
  replacePassword,
  type ServiceContext,
  switchAccount,
  updateAccount,
} from "../services/mod.ts";
import { AccountView } from "./account-view.ts";
import { AccountParams, AnsweredAccount, AsOf, LoginTimeout, QueryBoolean } from "./fields.ts";
import { LOGIN_PROBLEMS, WORKER_PROBLEMS } from "./problems.ts";
import { addUserRoute, type Router } from "./route.ts";

const TAG = "Accounts";
const AccountName = z.string().min(1).max(100);

const ConnectRequest = z.strictObject({
  account_name: AccountName,
  login: Login,
  password: Password,
  server: ServerName,
  broker_name: z.string().min(1).max(100).optional(),
  account_type: AccountType.optional(),
  set_as_default: z.boolean().optional(),
  risk_limits: RiskLimits.optional(),
  timeout_ms: LoginTimeout.optional(),
});
const PasswordRequest = z.strictObject({ password: Password, timeout_ms: LoginTimeout.optional() });
const SwitchRequest = z.strictObject({ timeout_ms: LoginTimeout.optional() });
const ChangeRequest = z
  .strictObject({
    account_name: AccountName.optional(),
    risk_limits: RiskLimits.nullable().optional(),
    is_default: z.boolean().optional(),
    is_active: z.boolean().optional(),
  })
  .refine((changes) => Object.keys(changes).length > 0, "names nothing to change");

const LoggedInAccount = z.object({ id: z.guid(), ...AccountInfoView.shape });
const ConnectAnswer = z.object({ success: z.literal(true), account_id: z.guid(), account: LoggedInAccount });
const LoggedInAnswer = z.object({ success: z.literal(true), account: LoggedInAccount });
const RemovedAnswer = z.object({
  success: z.literal(true),
  account_id: z.guid(),
  abandoned_commands: z.int().meta({ description: "Commands left open; they stay in the ledger" }),
});
const StatusAnswer = z.object({
  account: AnsweredAccount,
  healthy: z.boolean(),
  layers: z.array(HealthLayer),
  as_of: AsOf,
});

export function addAccountsRoutes(router: Router, services: ServiceContext): void {
  addConnecting(router, services);
  addListing(router, services);
  addChanging(router, services);
}

/** The routes that make a terminal log in. */
function addConnecting(router: Router, services: ServiceContext): void {
  const connected = { description: "Connected", schema: ConnectAnswer };
  addUserRoute(
    router,
    {
      method: "post",
      path: "/accounts/connect",
      tag: TAG,
      summary: "Connect a broker account",
      description:
        "Logs in first and stores only what the broker confirmed. Connecting a known (login, server) again verifies it, " +
        "replaces the password and revives the account under its id.",
      body: ConnectRequest,
      answers: { 201: connected, 200: { ...connected, description: "Connected again: the account was known" } },
      problems: ["login_failed", "server_mismatch", "account_type_mismatch", ...LOGIN_PROBLEMS],
    },
    async ({ c, caller, body }) => {
      const { timeout_ms: timeoutMs = LOGIN_TIMEOUT_DEFAULT_MS, ...request } = body;
      const { account, created } = await connectAccount(services, caller, request, timeoutMs);
      return c.json({ success: true, account_id: account.id, account }, created ? 201 : 200);
    },
  );
  addUserRoute(
    router,
    {
      method: "put",
      path: "/accounts/{id}/password",
      tag: TAG,
      summary: "Replace the password, after a real login with it",
      params: AccountParams,
      body: PasswordRequest,
      answers: { 200: { description: "Replaced; id and history stay", schema: LoggedInAnswer } },
      problems: ["login_failed", "account_not_found", "account_inactive", ...LOGIN_PROBLEMS],
    },
    async ({ c, caller, params, body }) => {
      const { password, timeout_ms: timeoutMs = LOGIN_TIMEOUT_DEFAULT_MS } = body;
      const account = await replacePassword(services, caller, { accountId: params.id, password, timeoutMs });
      return c.json({ success: true, account });
    },
  );
  addUserRoute(
    router,
    {
      method: "post",
      path: "/accounts/{id}/switch",
      tag: TAG,
      summary: "Make an account the current one",
      description: "Logs a terminal in to it. On failure the current account stays what it was.",
      params: AccountParams,
      body: SwitchRequest,
      bodyOptional: true,
      answers: { 200: { description: "Switched", schema: LoggedInAnswer } },
      problems: ["switch_failed", "account_not_found", "account_inactive", ...LOGIN_PROBLEMS],
    },
    async ({ c, caller, params, body }) => {
      const timeoutMs = body.timeout_ms ?? LOGIN_TIMEOUT_DEFAULT_MS;
      const account = await switchAccount(services, caller, { accountId: params.id, timeoutMs });
      return c.json({ success: true, account });
    },
  );
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
      summary: "Which layer between you and the broker is unhealthy",
      params: AccountParams,
      answers: { 200: { description: "Layer by layer", schema: StatusAnswer } },
      problems: ["account_not_found", "account_inactive", ...WORKER_PROBLEMS, "read_timeout"],
    },
    async ({ c, caller, params }) => {
      const request = { kind: "account_status" } as const;
      const { account, value } = await readAccount(services, { caller, accountId: params.id, request });
      return c.json({ account, ...value });
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
