// The users of the runs: each signs up as anybody would and connects one account of the double's.
import type { TestStack } from "../../support/stack.ts";
import { signUp, type Trader } from "../../support/trader.ts";

/** A user with one account, connected and current. */
export type Player = { trader: Trader; accountId: string; login: string; server: string };

export async function joinStack(
  stack: TestStack,
  name: string,
  login: string,
  server: string,
  password: string,
): Promise<Player> {
  const trader = await signUp(stack.info, name);
  const body = { account_name: name, login, password, server, set_as_default: true };
  const { status, text, body: answer } = await trader.post("/accounts/connect", body);
  if (status !== 201) throw new Error(`${name} could not connect: HTTP ${status} ${text}`);
  return { trader, accountId: answer.account_id, login, server };
}
