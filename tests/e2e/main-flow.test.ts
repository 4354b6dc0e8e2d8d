// The main job of two users over HTTP, on the real parts: connect, list, switch, read, trade, close, and who may see what.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startTestStack, type TestStack } from "../support/stack.ts";
import { callApi, signUp, type Trader } from "../support/trader.ts";

const DEMO = "Switchyard-Demo";
const NETTING = "Switchyard-Netting";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function connectBody(login: string, server = DEMO, more: Record<string, unknown> = {}) {
  return { account_name: `account ${login}`, login, password: `demo-${login}`, server, ...more };
}

describe("the main flow", () => {
  let stack: TestStack;
  let ann: Trader;
  let bob: Trader;
  let annMain: string;
  let annNetting: string;
  let bobMain: string;

  before(async () => {
    stack = await startTestStack();
    [ann, bob] = await Promise.all([signUp(stack.info, "ann"), signUp(stack.info, "bob")]);
  });
  after(() => stack.stop());

  it("connects an account: 201 with what the broker says, 200 and the same id the second time", async () => {
    const first = await ann.post("/accounts/connect", connectBody("5000001"));
    assert.equal(first.status, 201, first.text);
    assert.equal(first.body.success, true);
    assert.match(first.body.account_id, UUID);
    assert.equal(first.body.account.login, "5000001");
    assert.equal(first.body.account.server, DEMO);
    assert.equal(first.body.account.trade_mode, "demo");
    assert.equal(typeof first.body.account.balance, "number");
    annMain = first.body.account_id;

    const again = await ann.post("/accounts/connect", connectBody("5000001"));
    assert.equal(again.status, 200, again.text);
    assert.equal(again.body.account_id, annMain);

    const netting = await ann.post("/accounts/connect", connectBody("5000002", NETTING));
    assert.equal(netting.status, 201, netting.text);
    annNetting = netting.body.account_id;
    const other = await bob.post("/accounts/connect", connectBody("5000003"));
    assert.equal(other.status, 201, other.text);
    bobMain = other.body.account_id;
  });

  it("refuses a wrong password: 400 login_failed, and nothing is stored", async () => {
    const wrong = await ann.post("/accounts/connect", connectBody("5000009", DEMO, { password: "wrong" }));
    assert.equal(wrong.status, 400, wrong.text);
    assert.equal(wrong.body.code, "login_failed");
    assert.equal(wrong.body.executed, false);
    assert.match(wrong.headers.get("content-type") ?? "", /^application\/problem\+json/);
    const list = await ann.get("/accounts?include_inactive=true");
    assert.deepEqual(list.body.accounts.map((account: { login: string }) => account.login).sort(), [
      "5000001",
      "5000002",
    ]);
  });

  it("tells another spelling of the server, and a wrong account type, with 422 and the right one", async () => {
    const spelled = await ann.post("/accounts/connect", connectBody("5000008", "switchyard-demo"));
    assert.equal(spelled.status, 422, spelled.text);
    assert.equal(spelled.body.code, "server_mismatch");
    assert.match(spelled.body.detail, /Switchyard-Demo/);
    const live = await ann.post("/accounts/connect", connectBody("5000008", DEMO, { account_type: "live" }));
    assert.equal(live.status, 422, live.text);
    assert.equal(live.body.code, "account_type_mismatch");
  });

  it("lists accounts of the caller alone, without the credential", async () => {
    const list = await ann.get("/accounts");
    assert.equal(list.status, 200);
    assert.equal(list.body.accounts.length, 2);
    for (const account of list.body.accounts) {
      assert.equal("encrypted_password" in account, false);
      assert.equal(account.status, "active");
    }
    assert.doesNotMatch(list.text, /eyJ/);
    assert.equal((await bob.get("/accounts")).body.accounts.length, 1);
  });

  it("answers another user's account exactly as an absent one", async () => {
    const absent = "00000000-0000-4000-8000-000000000000";
    const attempts = [
      ["GET", ""],
      ["PATCH", "", { account_name: "mine" }],
      ["DELETE", ""],
      ["POST", "/switch"],
      ["GET", "/status"],
      ["PUT", "/password", { password: "x" }],
    ] as const;
    for (const [method, path, body] of attempts) {
      const options = body === undefined ? {} : { body };
      const foreign = await bob.call(method, `/accounts/${annMain}${path}`, options);
      const missing = await bob.call(method, `/accounts/${absent}${path}`, options);
      assert.equal(foreign.status, 404, `${method} ${path}: ${foreign.text}`);
      const { request_id: _one, ...shown } = foreign.body;
      const { request_id: _two, ...expected } = missing.body;
      assert.deepEqual(shown, expected, `${method} ${path}`);
    }
    const trade = { symbol: "EURUSD", order_type: "buy", volume: 0.1, account_id: annMain };
    assert.equal((await bob.post("/trades", trade)).body.code, "account_not_found");
  });

  it("has no account until one was chosen: 404 no_account_connected, never the first one found", async () => {
    for (const path of ["/account/info", "/positions", "/orders"]) {
      const answer = await ann.get(path);
      assert.equal(answer.status, 404, answer.text);
      assert.equal(answer.body.code, "no_account_connected");
    }
    const trade = await ann.post("/trades", { symbol: "EURUSD", order_type: "buy", volume: 0.1 });
    assert.equal(trade.body.code, "no_account_connected");
  });

  it("uses the default account until the user switches, then the one switched to", async () => {
    const marked = await ann.call("PATCH", `/accounts/${annNetting}`, { body: { is_default: true } });
    assert.equal(marked.status, 200, marked.text);
    assert.equal((await ann.get("/account/info")).body.account.id, annNetting);
    const switched = await ann.post(`/accounts/${annMain}/switch`);
    assert.equal(switched.status, 200, switched.text);
    assert.equal(switched.body.success, true);
    assert.equal(switched.body.account.id, annMain);
    assert.equal((await ann.get("/account/info")).body.account.id, annMain);
    const list = await ann.get("/accounts");
    const current = list.body.accounts.filter((account: { is_current: boolean }) => account.is_current);
    assert.deepEqual(
      current.map((account: { id: string }) => account.id),
      [annMain],
    );
    assert.equal((await bob.post(`/accounts/${bobMain}/switch`)).status, 200);
  });

  it("trades at once on both users' accounts, each on its own", async () => {
    const order = {
      symbol: "EURUSD",
      order_type: "buy",
      volume: 0.1,
      stop_loss: 0.5,
      magic: 77,
      comment: "my strategy",
    };
    const [mine, his] = await Promise.all([ann.post("/trades", order), bob.post("/trades", order)]);
    assert.equal(mine.status, 200, mine.text);
    assert.equal(his.status, 200, his.text);
    assert.deepEqual(mine.body.account, { id: annMain, login: "5000001", server: DEMO });
    assert.deepEqual(his.body.account, { id: bobMain, login: "5000003", server: DEMO });
    assert.equal(mine.body.executed, true);
    assert.equal(mine.body.state, "done");
    assert.equal(mine.body.result.retcode, 10009);
    assert.equal(typeof mine.body.result.order_ticket, "string");

    const positions = await ann.get("/positions?max_age_ms=0");
    assert.equal(positions.body.positions.length, 1);
    const [position] = positions.body.positions;
    assert.equal(position.ticket, mine.body.result.position_ticket);
    assert.equal(position.magic, 77);
    assert.equal(position.comment, "my strategy");
    assert.equal(position.command_id, mine.body.command_id);
    assert.match(position.time, /Z$/);
    assert.doesNotMatch(position.broker_time, /Z$/);
  });

  it("closes a part, then the rest; a position that is gone is 404, nobody else's can be closed", async () => {
    const { ticket } = (await ann.get("/positions")).body.positions[0];
    const foreign = await bob.post(`/positions/${ticket}/close`, {});
    assert.equal(foreign.status, 404, foreign.text);
    assert.equal(foreign.body.code, "position_not_found");
    const part = await ann.post(`/positions/${ticket}/close`, { volume: 0.04 });
    assert.equal(part.status, 200, part.text);
    assert.equal((await ann.get("/positions")).body.positions[0].volume, 0.06);
    const tooMuch = await ann.post(`/positions/${ticket}/close`, { volume: 0.5 });
    assert.equal(tooMuch.status, 422, tooMuch.text);
    assert.equal(tooMuch.body.code, "order_refused");
    const rest = await ann.post(`/positions/${ticket}/close`, {});
    assert.equal(rest.status, 200, rest.text);
    assert.deepEqual((await ann.get("/positions")).body.positions, []);
    assert.equal((await ann.post(`/positions/${ticket}/close`, {})).status, 404);
  });

  it("places, lists and cancels a pending order", async () => {
    const order = { symbol: "EURUSD", order_type: "buy_limit", volume: 0.1, price: 0.9, take_profit: 1.5 };
    const placed = await ann.post("/trades", order);
    assert.equal(placed.status, 200, placed.text);
    const ticket = placed.body.result.order_ticket;
    const list = await ann.get("/orders");
    assert.equal(list.body.orders.length, 1);
    assert.equal(list.body.orders[0].ticket, ticket);
    assert.equal(list.body.orders[0].order_type, "buy_limit");
    const cancelled = await ann.call("DELETE", `/orders/${ticket}`);
    assert.equal(cancelled.status, 200, cancelled.text);
    assert.deepEqual((await ann.get("/orders")).body.orders, []);
    const again = await ann.call("DELETE", `/orders/${ticket}`);
    assert.equal(again.status, 404);
    assert.equal(again.body.code, "order_not_found");
  });

  it("explains a broker's rejection and a refused order with code, fields and executed: false", async () => {
    const volume = await ann.post("/trades", { symbol: "EURUSD", order_type: "buy", volume: 0.015 });
    assert.equal(volume.status, 422, volume.text);
    assert.equal(volume.body.code, "order_refused");
    assert.equal(volume.body.executed, false);
    assert.equal(volume.body.fields[0].path, "volume");
    const symbol = await ann.post("/trades", { symbol: "NOSUCH", order_type: "buy", volume: 0.1 });
    assert.equal(symbol.status, 404, symbol.text);
    assert.equal(symbol.body.code, "symbol_not_found");
    const money = await ann.post("/trades", { symbol: "EURUSD", order_type: "buy", volume: 50 });
    assert.equal(money.status, 422, money.text);
    assert.equal(money.body.code, "broker_rejected");
    assert.equal(money.body.mt5.retcode, 10019);
  });

  it("keeps the ledger: newest first, by page, one by id, and nobody else's", async () => {
    const first = await ann.get("/commands?limit=2");
    assert.equal(first.status, 200, first.text);
    assert.equal(first.body.data.length, 2);
    const rest = await ann.get(`/commands?limit=200&cursor=${encodeURIComponent(first.body.next_cursor)}`);
    const all = [...first.body.data, ...rest.body.data];
    assert.equal(new Set(all.map((command: { id: string }) => command.id)).size, all.length);
    const times = all.map((command: { created_at: string }) => command.created_at);
    assert.deepEqual(times, [...times].sort().reverse());
    const one = await ann.get(`/commands/${all[0].id}`);
    assert.equal(one.status, 200, one.text);
    assert.equal(one.body.id, all[0].id);
    const foreign = await bob.get(`/commands/${all[0].id}`);
    assert.equal(foreign.status, 404);
    assert.equal(foreign.body.code, "command_not_found");
  });

  it("replaces the password by a real login, and keeps the old one when the new one is wrong", async () => {
    const right = await ann.call("PUT", `/accounts/${annMain}/password`, { body: { password: "demo-5000001" } });
    assert.equal(right.status, 200, right.text);
    const investor = await ann.call("PUT", `/accounts/${annMain}/password`, { body: { password: "view-5000001" } });
    assert.equal(investor.status, 200, investor.text);
    assert.equal((await ann.get(`/accounts/${annMain}`)).body.status, "read_only");
    const trade = await ann.post("/trades", { symbol: "EURUSD", order_type: "buy", volume: 0.1 });
    assert.equal(trade.body.code, "trading_not_allowed", trade.text);
    await ann.call("PUT", `/accounts/${annMain}/password`, { body: { password: "demo-5000001" } });
    const wrong = await ann.call("PUT", `/accounts/${annMain}/password`, { body: { password: "nope" } });
    assert.equal(wrong.status, 400, wrong.text);
    assert.equal(wrong.body.code, "login_failed");
    assert.equal((await ann.get("/account/info?max_age_ms=0")).status, 200);
    const again = await ann.call("PUT", `/accounts/${annMain}/password`, { body: { password: "demo-5000001" } });
    assert.equal(again.status, 429, again.text);
    assert.equal(again.body.code, "login_paused");
    assert.match(again.headers.get("retry-after") ?? "", /^[1-9][0-9]?$/);
  });

  it("says layer by layer how an account is", async () => {
    const status = await ann.get(`/accounts/${annMain}/status`);
    assert.equal(status.status, 200, status.text);
    assert.equal(status.body.healthy, true);
    assert.deepEqual(status.body.layers.map((layer: { layer: string }) => layer.layer).sort(), [
      "broker_link",
      "capacity",
      "credential",
      "terminal",
      "trading_permission",
    ]);
    const closed = await ann.get(`/accounts/${annMain}/status?symbol=USDRUB`);
    assert.equal(closed.status, 200, closed.text);
    assert.deepEqual([closed.body.healthy, closed.body.status], [false, "active"]);
    const symbol = closed.body.layers.find((layer: { ok: boolean }) => layer.ok === false);
    assert.deepEqual([symbol.layer, symbol.code], ["symbol", "symbol_disabled"]);
    assert.match(symbol.action, /\.$/);
  });

  it("has no current account after the current one was deactivated or deleted, until the next switch", async () => {
    const off = await ann.call("PATCH", `/accounts/${annMain}`, { body: { is_active: false } });
    assert.equal(off.status, 200, off.text);
    assert.equal((await ann.get("/account/info")).body.code, "no_account_connected");
    await ann.call("PATCH", `/accounts/${annMain}`, { body: { is_active: true } });
    const removed = await ann.call("DELETE", `/accounts/${annMain}`);
    assert.equal(removed.status, 200, removed.text);
    assert.equal((await ann.get("/account/info")).body.code, "no_account_connected");
    await ann.post(`/accounts/${annNetting}/switch`);
    assert.equal((await ann.get("/account/info")).body.account.id, annNetting);
  });

  it("shows its health and its contract without a token, and nothing else", async () => {
    const health = await callApi(stack.info, "GET", "/health");
    assert.equal(health.status, 200, health.text);
    assert.doesNotMatch(health.text, /eyJ|sb_secret|password/);
    const { status, serving, workers } = health.body;
    assert.deepEqual([status, serving, workers.length], ["ok", true, 1], health.text);
    const [{ terminals, ...worker }] = workers;
    assert.deepEqual([worker.clock_skew_warning, worker.unknown_commands, worker.in_flight], [false, 0, 0]);
    assert.ok(worker.journal.bytes > 0, health.text);
    assert.deepEqual(Object.keys(terminals[0]).sort(), ["kind", "name", "queued", "state"]);
    assert.equal((await callApi(stack.info, "GET", "/health?strict=true")).status, 200);
    const contract = await callApi(stack.info, "GET", "/openapi.json");
    assert.match(contract.body.openapi, /^3\.1/);
    assert.equal((await callApi(stack.info, "GET", "/accounts")).status, 401);
  });
});
