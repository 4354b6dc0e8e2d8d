// Cancelling a command that waits: it never runs. One that has started is not stopped by anybody.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type BrokerDouble, startBrokerDouble } from "../support/broker-double.ts";
import { requirePython } from "../support/python.ts";
import { startTestStack, type TestStack, until } from "../support/stack.ts";
import { signUp, type Trader } from "../support/trader.ts";

const order = { symbol: "EURUSD", order_type: "buy", volume: 0.01, timeout_ms: 20_000 };

describe("cancelling", { skip: requirePython() ?? false }, () => {
  let double: BrokerDouble;
  let stack: TestStack;
  let trader: Trader;

  before(async () => {
    double = await startBrokerDouble();
    stack = await startTestStack({ terminals: `${double.host}:${double.port}` });
    trader = await signUp(stack.info);
    const account = { account_name: "one", login: "1001", server: "Alpha-Demo", set_as_default: true };
    const connected = await trader.post("/accounts/connect", { ...account, password: "alpha-one" });
    assert.equal(connected.status, 201, connected.text);
  });
  after(async () => {
    await stack?.stop();
    await double?.stop();
  });

  async function newestCommand(except: readonly string[]): Promise<string> {
    let found: string | undefined;
    await until("the command is in the ledger", async () => {
      const { data } = (await trader.get("/commands?limit=10")).body;
      found = data.find((command: { id: string }) => !except.includes(command.id))?.id;
      return found !== undefined;
    });
    return found ?? "";
  }

  it("cancels what waits, refuses what has started, and shows what has ended", async () => {
    await double.control({ send: [{ hang: true }] });
    const running = trader.post("/trades", order, "first");
    await until("the first order hangs", async () => (await double.seen()).hanging > 0);
    const first = await newestCommand([]);
    const waiting = trader.post("/trades", order, "second");
    const second = await newestCommand([first]);

    const late = await trader.post(`/commands/${first}/cancel`);
    assert.equal(late.status, 409, late.text);
    assert.equal(late.body.code, "command_started");

    const stranger = await signUp(stack.info, "stranger");
    assert.equal((await stranger.post(`/commands/${second}/cancel`)).body.code, "command_not_found");

    const cancelled = await trader.post(`/commands/${second}/cancel`);
    assert.equal(cancelled.status, 200, cancelled.text);
    assert.equal(cancelled.body.cancelled, true);
    assert.equal(cancelled.body.command.state, "cancelled");
    const answer = await waiting;
    assert.equal(answer.status, 409, answer.text);
    assert.deepEqual([answer.body.code, answer.body.executed], ["command_cancelled", false]);

    await double.control({ release: true });
    const done = await running;
    assert.equal(done.status, 200, done.text);
    const ended = await trader.post(`/commands/${first}/cancel`);
    assert.deepEqual([ended.status, ended.body.cancelled, ended.body.command.state], [200, false, "done"]);
    assert.equal((await double.ledger()).length, 1, "the cancelled one was never sent");
  });
});
