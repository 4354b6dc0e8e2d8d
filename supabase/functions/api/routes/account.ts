// GET /account/info: the account as the terminal sees it now.
import { z } from "zod";
import { AccountInfoView, MAX_AGE_DEFAULT_MS } from "../../_shared/protocol/mod.ts";
import { readAccount, type ServiceContext } from "../services/mod.ts";
import { AnsweredAccount, AsOf, ReadQuery } from "./fields.ts";
import { READ_PROBLEMS } from "./problems.ts";
import { addUserRoute, type Router } from "./route.ts";

/** The figures stand at the top level, where clients of the replaced service look for them. */
const AccountInfoAnswer = z.object({ account: AnsweredAccount, ...AccountInfoView.shape, as_of: AsOf });

export function addAccountRoutes(router: Router, services: ServiceContext): void {
  addUserRoute(
    router,
    {
      method: "get",
      path: "/account/info",
      tag: "Account",
      summary: "Balance, equity, margin and permissions of an account",
      query: ReadQuery,
      answers: { 200: { description: "As the terminal reported it", schema: AccountInfoAnswer } },
      problems: READ_PROBLEMS,
    },
    async ({ c, caller, query }) => {
      const { account, value } = await readAccount(services, {
        caller,
        accountId: query.account_id ?? null,
        request: { kind: "account_info", max_age_ms: query.max_age_ms ?? MAX_AGE_DEFAULT_MS },
      });
      return c.json({ account, ...value.account, as_of: value.as_of });
    },
  );
}
