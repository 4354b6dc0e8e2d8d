// Sequences that need the real parts: Postgres, the function on Deno, the worker's own process with its journal on a disk,
// and a terminal's process, of which one after the other goes down. The broker's own ledger is the judge.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type BrokerDouble, startBrokerDouble } from "../../support/broker-double.ts";
import { requirePython } from "../../support/python.ts";
import { startTestStack, type TestStack, until } from "../../support/stack.ts";
import { type ApiAnswer, signUp, type Trader } from "../../support/trader.ts";

const ONE = { account_name: "one", login: "1001", password: "alpha-one", server: "Alpha-Demo" };
const TWO = { account_name: "two", login: "1002", password: "alpha-two", server: "Alpha-Demo" };
const order = { symbol: "EURUSD", order_type: "buy", volume: 0.01, timeout_ms: 10_000 };

describe("sequences of the whole stack", { skip: requirePython() ?? false }, () => {
  let double: BrokerDouble;
  let stack: TestStack;
  let trader: Trader;

  before(async () => {
    double = await startBrokerDouble();
    stack = await startTestStack({ terminals: `${double.host}:${double.port}` });
    trader = await newTrader();
  });
  after(async () => {
    await stack?.stop();
    await double?.stop();
  });

  async function newTrader(): Promise<Trader> {
    const user = await signUp(stack.info);
    const connected = await user.post("/accounts/connect", { ...ONE, set_as_default: true });
    assert.equal(connected.status, 201, connected.text);
    return user;
  }

  const booked = async (): Promise<number> => (await double.ledger()).length;

  /** The worker is killed inside a send that the broker carries out; the caller is told that nobody knows. */
  async function killInSend(key: string, request: object): Promise<ApiAnswer> {
    await double.control({ send: [{ hang: true }] });
    const pending = trader.post("/trades", request, key);
    await until("the send hangs", async () => (await double.seen()).hanging > 0);
    await stack.parts.worker.kill("SIGKILL");
    await double.control({ release: true });
    await until("the broker has the order", async () => (await double.seen()).hanging === 0);
    return pending;
  }

  it("worker down and key repeated: 503 frees the key, and with the worker back it trades once", async () => {
    const [key, start] = [randomUUID(), await booked()];
    stack.parts.worker.kill("SIGKILL");
    await stack.parts.worker.exited;
    // A new function has no link: one that has not yet noticed its end would write into it, and then nobody could say.
    await stack.parts.function.restart();
    for (let attempt = 0; attempt < 2; attempt++) {
      const refused = await trader.post("/trades", order, key);
      assert.deepEqual([refused.status, refused.body.code], [503, "worker_unreachable"], refused.text);
      assert.equal(refused.body.executed, false);
    }
    assert.deepEqual((await trader.get("/commands")).body.data, [], "nothing is left in the ledger");
    await stack.parts.worker.restart();
    const first = await trader.post("/trades", order, key);
    assert.equal(first.status, 200, first.text);
    assert.equal((await trader.post("/trades", order, key)).text, first.text);
    assert.equal((await booked()) - start, 1);
  });

  it("worker down and key repeated: once the frame was written it is 202, and the key attaches to that command", async () => {
    const [key, start] = [randomUUID(), await booked()];
    const unknown = await killInSend(key, order);
    assert.deepEqual([unknown.status, unknown.body.executed], [202, null], unknown.text);
    const down = await trader.post("/trades", order, key);
    assert.deepEqual([down.status, down.body.command_id], [202, unknown.body.command_id], down.text);
    await stack.parts.worker.restart();
    let answer = down;
    await until("the command is settled", async () => {
      answer = await trader.post("/trades", order, key);
      return answer.status !== 202;
    });
    assert.deepEqual([answer.status, answer.body.command_id], [200, unknown.body.command_id], answer.text);
    assert.equal(answer.body.result.order_ticket, (await double.ledger()).at(-1)?.ticket);
    assert.equal((await booked()) - start, 1);
  });

  it("journal deleted between send and answer: unknown for good, and neither key nor question starts it again", async () => {
    const [key, start] = [randomUUID(), await booked()];
    const gbp = { ...order, symbol: "USDJPY" };
    const unknown = await killInSend(key, gbp);
    assert.equal(unknown.status, 202, unknown.text);
    const folder = join(stack.info.data_dir, "worker");
    const files = readdirSync(folder).filter((name) => name.startsWith("journal."));
    assert.ok(files.length > 0);
    for (const name of files) rmSync(join(folder, name));
    await stack.parts.worker.restart();
    for (let attempt = 0; attempt < 2; attempt++) {
      const again = await trader.post("/trades", gbp, key);
      assert.deepEqual([again.status, again.body.command_id], [202, unknown.body.command_id], again.text);
    }
    const shown = await trader.get(`/commands/${unknown.body.command_id}`);
    assert.deepEqual([shown.body.state, shown.body.executed], ["unknown", null]);
    assert.equal(shown.body.evidence.phase, "journal_younger_than_command", shown.text);
    assert.equal((await booked()) - start, 1, "sent before, and never again");
    assert.equal((await trader.post("/trades", order)).status, 200, "new commands run");
  });

  it("current account deleted in another tab: 404 no_account_connected, never the default or the first one", async () => {
    const user = await newTrader();
    const second = await user.post("/accounts/connect", TWO);
    assert.equal(second.status, 201, second.text);
    const { account_id: id } = second.body;
    assert.equal((await user.post(`/accounts/${id}/switch`)).status, 200);
    const start = await booked();
    // The other tab.
    assert.equal((await user.call("DELETE", `/accounts/${id}`)).status, 200);
    for (const path of ["/account/info", "/positions", "/orders"]) {
      const read = await user.get(path);
      assert.deepEqual([read.status, read.body.code], [404, "no_account_connected"], path);
    }
    const trade = await user.post("/trades", order);
    assert.deepEqual([trade.status, trade.body.code, trade.body.executed], [404, "no_account_connected", false]);
    assert.equal(await booked(), start);
    const { accounts } = (await user.get("/accounts")).body;
    assert.deepEqual(
      accounts.map(({ login, is_default, is_current }: Record<string, unknown>) => [login, is_default, is_current]),
      [[ONE.login, true, false]],
    );
    assert.equal((await user.post(`/accounts/${accounts[0].id}/switch`)).status, 200);
    assert.equal((await user.post("/trades", order)).body.account?.login, ONE.login);
  });

  it("other spellings of login and server: refused before the broker is asked, and the account stays one", async () => {
    const calls = async (): Promise<number> => (await double.seen()).calls.filter((call) => call === "login").length;
    const start = await calls();
    for (const login of ["01001", " 1001", "1001 ", "+1001", "1001.0", "１００１", "1e3", 1001]) {
      const answer = await trader.post("/accounts/connect", { ...ONE, login });
      assert.deepEqual([answer.status, answer.body.code], [422, "invalid_request"], JSON.stringify(login));
    }
    for (const server of [" Alpha-Demo", "Alpha-Demo\t", "Alpha\u2010Demo", "\u0391lpha-Demo", "127.0.0.1:443"]) {
      const answer = await trader.post("/accounts/connect", { ...ONE, server });
      assert.deepEqual([answer.status, answer.body.code], [422, "invalid_request"], JSON.stringify(server));
    }
    assert.equal(await calls(), start);
    const { accounts } = (await trader.get("/accounts?include_inactive=true")).body;
    assert.deepEqual(
      accounts.map(({ login, server }: Record<string, unknown>) => [login, server]),
      [[ONE.login, ONE.server]],
    );
  });
});
