// The routes that make a terminal log in: connect, a new password, switch.
import { z } from "zod";
import { AccountType, Login, Password, plainText, RiskLimits, ServerName } from "../../_shared/domain/mod.ts";
import { AccountInfoView, LOGIN_TIMEOUT_DEFAULT_MS } from "../../_shared/protocol/mod.ts";
import { connectAccount, replacePassword, type ServiceContext, switchAccount } from "../services/mod.ts";
import { AccountName, AccountParams, LoginTimeout, PassMagic } from "./fields.ts";
import { LOGIN_PROBLEMS } from "./problems.ts";
import { addUserRoute, type Router } from "./route.ts";

const TAG = "Accounts";

const ConnectRequest = z.strictObject({
  account_name: AccountName,
  login: Login,
  password: Password,
  server: ServerName,
  broker_name: plainText(z.string().min(1).max(100)).optional(),
  account_type: AccountType.optional(),
  set_as_default: z.boolean().optional(),
  risk_limits: RiskLimits.optional(),
  pass_magic: PassMagic.optional(),
  timeout_ms: LoginTimeout.optional(),
});
const PasswordRequest = z.strictObject({ password: Password, timeout_ms: LoginTimeout.optional() });
const SwitchRequest = z.strictObject({ timeout_ms: LoginTimeout.optional() });
const LoggedInAccount = z.object({ id: z.guid(), ...AccountInfoView.shape });
const ConnectAnswer = z.object({ success: z.literal(true), account_id: z.guid(), account: LoggedInAccount });
const LoggedInAnswer = z.object({ success: z.literal(true), account: LoggedInAccount });
export function addLoginRoutes(router: Router, services: ServiceContext): void {
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
      problems: [
        ...([
          "login_failed",
          "server_mismatch",
          "account_not_found",
          "account_inactive",
          "credential_invalid",
        ] as const),
        ...LOGIN_PROBLEMS,
      ],
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
      problems: ["switch_failed", "account_not_found", "account_inactive", "credential_invalid", ...LOGIN_PROBLEMS],
    },
    async ({ c, caller, params, body }) => {
      const timeoutMs = body.timeout_ms ?? LOGIN_TIMEOUT_DEFAULT_MS;
      const account = await switchAccount(services, caller, { accountId: params.id, timeoutMs });
      return c.json({ success: true, account });
    },
  );
}
