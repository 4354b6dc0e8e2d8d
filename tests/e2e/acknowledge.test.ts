// An unknown outcome blocks what could double it, until its user has looked and says so; it stays unknown all the same.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { type BrokerDouble, startBrokerDouble } from "../support/broker-double.ts";
import { requirePython } from "../support/python.ts";
import { startTestStack, type TestStack, until } from "../support/stack.ts";
import { type ApiAnswer, signUp, type Trader } from "../support/trader.ts";

const order = { symbol: "EURUSD", order_type: "buy", volume: 0.01, timeout_ms: 10_000 };
const REASON = { reason: "the account shows no order" };

describe("acknowledging", { skip: requirePython() ?? false }, () => {
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

  /** The terminal answers `None`: the order may be at the broker or not, and here it is not. */
  async function unknownOrder(fields: object, key = randomUUID()): Promise<ApiAnswer> {
    await double.control({ send: [{ error: [-10_001, "IPC send failed"] }] });
    const answer = await trader.post("/trades", { ...order, ...fields }, key);
    assert.equal(answer.status, 202, answer.text);
    return answer;
  }
  const acknowledge = (id: string, body: object = REASON, as = trader): Promise<ApiAnswer> =>
    as.post(`/commands/${id}/acknowledge`, body);

  it("lifts the block of an unknown opening, which stays unknown and is never sent again", async () => {
    const key = randomUUID();
    const { command_id: id } = (await unknownOrder({}, key)).body;
    const before = (await double.ledger()).length;
    const blocked = await trader.post("/trades", order);
    assert.deepEqual([blocked.status, blocked.body.code, blocked.body.executed], [409, "outcome_pending", false]);
    assert.match(blocked.body.detail, new RegExp(id), "its user is told which command stands in the way");
    assert.equal((await trader.post("/trades", { ...order, symbol: "USDJPY" })).status, 200, "another symbol is free");

    const stranger = await signUp(stack.info, "stranger");
    assert.equal((await acknowledge(id, REASON, stranger)).body.code, "command_not_found");
    assert.equal((await acknowledge(id, { reason: " " })).body.code, "invalid_request");

    const lifted = await acknowledge(id);
    assert.equal(lifted.status, 200, lifted.text);
    assert.deepEqual([lifted.body.acknowledged, lifted.body.command.state], [true, "unknown"]);
    assert.equal(lifted.body.command.acknowledged.reason, REASON.reason);
    const again = await acknowledge(id, { reason: "another reason" });
    assert.deepEqual(again.body.command.acknowledged, lifted.body.command.acknowledged, "the first one counts");

    const repeated = await trader.post("/trades", order, key);
    assert.deepEqual([repeated.status, repeated.body.command_id], [202, id], "the same key answers the same");
    assert.equal((await trader.post("/trades", order)).status, 200, "a new order of the symbol is taken");
    const { body: shown } = await trader.get(`/commands/${id}`);
    assert.deepEqual([shown.state, shown.executed, shown.acknowledged.reason], ["unknown", null, REASON.reason]);
    assert.equal((await double.ledger()).length, before + 2);
  });

  it("has nothing to lift while a command runs, and leaves one that has ended as it is", async () => {
    await double.control({ send: [{ hang: true }] });
    const running = trader.post("/trades", { ...order, symbol: "USDJPY" });
    await until("the send hangs", async () => (await double.seen()).hanging > 0);
    const { data } = (await trader.get("/commands?limit=1")).body;
    const early = await acknowledge(data[0].id);
    assert.deepEqual([early.status, early.body.code], [409, "command_under_way"]);
    await double.control({ release: true });
    assert.equal((await running).status, 200);
    const late = await acknowledge(data[0].id);
    assert.deepEqual([late.status, late.body.acknowledged, late.body.command.state], [200, false, "done"]);
    assert.equal(late.body.command.acknowledged, null);
  });

  it("lifts nothing while the worker is down, and what it has lifted stays lifted when it dies", async () => {
    const gold = { symbol: "XAUUSD" };
    const { command_id: id } = (await unknownOrder(gold)).body;
    stack.parts.worker.kill("SIGKILL");
    await stack.parts.worker.exited;
    const unheard = await acknowledge(id);
    assert.deepEqual([unheard.status, unheard.body.code], [503, "worker_silent"]);
    await stack.parts.worker.restart();
    assert.equal((await trader.get(`/commands/${id}`)).body.acknowledged, null);
    assert.equal((await trader.post("/trades", { ...order, ...gold })).body.code, "outcome_pending");

    assert.equal((await acknowledge(id)).status, 200);
    stack.parts.worker.kill("SIGKILL");
    await stack.parts.worker.restart();
    const free = await trader.post("/trades", { ...order, ...gold });
    assert.equal(free.status, 200, free.text);
  });
});
