// `npm run demo`: the main job, end to end, on the real parts: two users sign up, connect broker accounts, switch between
// them, read, trade and close, with unmodified supabase-js. Prints every step with the account it ran on; exits 0 when
// each did what it should.
import { randomUUID } from "node:crypto";
import { createClient, FunctionsHttpError, type SupabaseClient } from "@supabase/supabase-js";
import { startStack } from "../local-stack/mod.ts";

type Account = { id: string; login: string; server: string };
type Answer = { account?: Account; [field: string]: unknown };
type User = { name: string; client: SupabaseClient };

const started = performance.now();
const seconds = (): string => ((performance.now() - started) / 1000).toFixed(1).padStart(5);

function say(user: User | null, what: string, account?: Account): void {
  const where = account === undefined ? "" : `  [${account.login} @ ${account.server}]`;
  console.log(`${seconds()} s  ${(user?.name ?? "").padEnd(4)} ${what}${where}`);
}

/** One call through supabase-js, as an app makes it. Throws on any answer that is not a success. */
async function call<T extends Answer>(
  user: User,
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<T> {
  const options = { method, headers, ...(body === undefined ? {} : { body }) };
  const { data, error } = await user.client.functions.invoke<T>(`api/v1${path}`, options);
  if (error instanceof FunctionsHttpError) {
    const problem: unknown = await error.context.json();
    throw new DemoFailure(`${method} ${path} answered ${error.context.status}`, problem);
  }
  if (error !== null) throw new DemoFailure(`${method} ${path} failed: ${error.message}`);
  if (data === null) throw new DemoFailure(`${method} ${path} answered nothing`);
  return data;
}

class DemoFailure extends Error {
  readonly problem: unknown;
  constructor(message: string, problem?: unknown) {
    super(problem === undefined ? message : `${message}: ${JSON.stringify(problem)}`);
    this.problem = problem;
  }
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new DemoFailure(`expected: ${what}`);
}

async function codeOf(attempt: Promise<unknown>): Promise<unknown> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof DemoFailure) return (error.problem as { code?: unknown } | undefined)?.code;
    throw error;
  }
  return undefined;
}

async function connect(user: User, name: string, login: string, server: string): Promise<Account> {
  const body = { account_name: name, login, password: `demo-${login}`, server };
  const answer = await call<Answer & { account_id: string }>(user, "POST", "/accounts/connect", body);
  const info = answer.account as unknown as { balance: number; currency: string };
  const account = { id: answer.account_id, login, server };
  say(user, `connected "${name}": balance ${info.balance} ${info.currency}`, account);
  return account;
}

async function switchTo(user: User, account: Account): Promise<void> {
  const answer = await call(user, "POST", `/accounts/${account.id}/switch`);
  expect(answer.account?.id === account.id, "the switch names the account");
  say(user, "switched", answer.account);
}

async function trade(user: User, order: Record<string, unknown>, expected: Account): Promise<string> {
  type Trade = Answer & { result: { position_ticket: string; price: number }; executed: boolean };
  const key = randomUUID();
  const answer = await call<Trade>(user, "POST", "/trades", order, { "idempotency-key": key });
  expect(answer.executed && answer.account?.id === expected.id, "the order is on the current account");
  say(user, `${order.order_type} ${order.volume} ${order.symbol} at ${answer.result.price}`, answer.account);
  const again = await call<Trade>(user, "POST", "/trades", order, { "idempotency-key": key });
  expect(JSON.stringify(again) === JSON.stringify(answer), "the same key gives the same answer, and no second order");
  return answer.result.position_ticket;
}

async function positions(user: User): Promise<{ account: Account; tickets: string[] }> {
  type List = Answer & { positions: { ticket: string; symbol: string; side: string; volume: number }[] };
  const list = await call<List>(user, "GET", "/positions");
  const shown = list.positions.map(({ side, volume, symbol }) => `${side} ${volume} ${symbol}`).join(", ");
  say(user, `positions: ${shown || "none"}`, list.account);
  return { account: list.account as Account, tickets: list.positions.map(({ ticket }) => ticket) };
}

const stack = await startStack({ ephemeral: true });
let failed = false;
stack.onFailure((part, why) => console.error(`${part} ended: ${why}`));
try {
  const { api_url, publishable_key } = stack.info;
  say(null, `the stack runs at ${api_url}: Postgres, auth, the Edge Function, the worker and two simulated terminals`);
  const join = async (name: string): Promise<User> => {
    const client = createClient(api_url, publishable_key, { auth: { persistSession: false, autoRefreshToken: false } });
    const { error } = await client.auth.signUp({ email: `${name.toLowerCase()}@example.com`, password: randomUUID() });
    if (error !== null) throw new DemoFailure(`sign-up: ${error.message}`);
    const user = { name, client };
    say(user, "signed up");
    return user;
  };
  const [ann, bob] = await Promise.all([join("Ann"), join("Bob")]);

  const wrong = call(ann, "POST", "/accounts/connect", {
    account_name: "typo",
    login: "5000004",
    password: "not-the-password",
    server: "Switchyard-Demo",
  });
  expect((await codeOf(wrong)) === "login_failed", "a wrong password is refused");
  say(ann, "a wrong password is refused, nothing is stored");

  const annMain = await connect(ann, "Main", "5000001", "Switchyard-Demo");
  const annNetting = await connect(ann, "Netting", "5000002", "Switchyard-Netting");
  const bobMain = await connect(bob, "Bob's", "5000003", "Switchyard-Demo");
  const list = await call<Answer & { accounts: (Account & { account_name: string })[] }>(ann, "GET", "/accounts");
  say(ann, `accounts: ${list.accounts.map(({ account_name }) => account_name).join(", ")}`);
  expect((await codeOf(call(bob, "GET", `/accounts/${annMain.id}`))) === "account_not_found", "accounts are private");
  say(bob, "cannot see Ann's account");

  await Promise.all([switchTo(ann, annMain), switchTo(bob, bobMain)]);
  const [annTicket, bobTicket] = await Promise.all([
    trade(ann, { symbol: "EURUSD", order_type: "buy", volume: 0.1 }, annMain),
    trade(bob, { symbol: "XAUUSD", order_type: "sell", volume: 0.01 }, bobMain),
  ]);
  await switchTo(ann, annNetting);
  await trade(ann, { symbol: "EURUSD", order_type: "sell", volume: 0.2 }, annNetting);
  const netting = await positions(ann);
  expect(
    netting.account.id === annNetting.id && netting.tickets.length === 1,
    "the netting account has its own position",
  );
  const info = await call<Answer & { equity: number; currency: string }>(ann, "GET", "/account/info");
  say(ann, `equity ${info.equity} ${info.currency}`, info.account);

  await switchTo(ann, annMain);
  const before = await positions(ann);
  expect(before.tickets.includes(annTicket), "Ann's position is where she opened it");
  await call(ann, "POST", `/positions/${annTicket}/close`, {});
  say(ann, "closed her position", annMain);
  expect((await positions(ann)).tickets.length === 0, "the position is gone");
  expect((await positions(bob)).tickets.includes(bobTicket), "Bob's position is untouched");
  await call(bob, "POST", `/positions/${bobTicket}/close`, {});
  say(bob, "closed his position", bobMain);

  const ledger = await call<Answer & { data: { state: string }[] }>(ann, "GET", "/commands");
  expect(ledger.data.length === 3 && ledger.data.every(({ state }) => state === "done"), "the ledger has three orders");
  say(ann, `the ledger: ${ledger.data.length} commands, all done`);
} catch (error) {
  failed = true;
  console.error(error instanceof Error ? error.message : error);
} finally {
  await stack.stop();
}
say(null, failed ? "FAILED" : "done");
process.exit(failed ? 1 : 0);
