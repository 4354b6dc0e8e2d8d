// One command, one order: keys, retries, restarts and deaths, with the broker's own ledger as the judge.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { type BrokerDouble, startBrokerDouble } from "../support/broker-double.ts";
import { requirePython } from "../support/python.ts";
import { startTestStack, type TestStack, until } from "../support/stack.ts";
import { type ApiAnswer, signUp, type Trader } from "../support/trader.ts";

const order = { symbol: "EURUSD", order_type: "buy", volume: 0.01, timeout_ms: 10_000 };

describe("at most once", { skip: requirePython() ?? false }, () => {
  let double: BrokerDouble;
  let stack: TestStack;
  let trader: Trader;

  before(async () => {
    double = await startBrokerDouble();
    stack = await startTestStack({ terminals: `${double.host}:${double.port}` });
    trader = await signUp(stack.info);
    const body = {
      account_name: "one",
      login: "1001",
      password: "alpha-one",
      server: "Alpha-Demo",
      set_as_default: true,
    };
    const connected = await trader.post("/accounts/connect", body);
    assert.equal(connected.status, 201, connected.text);
  });
  after(async () => {
    await stack?.stop();
    await double?.stop();
  });

  async function ordersDuring(work: () => Promise<unknown>): Promise<number> {
    const before = (await double.ledger()).length;
    await work();
    return (await double.ledger()).length - before;
  }

  it("answers a repeated key byte for byte, with the same status, and sends nothing", async () => {
    const key = randomUUID();
    let first: ApiAnswer | undefined;
    const count = await ordersDuring(async () => {
      first = await trader.post("/trades", order, key);
      assert.equal(first.status, 200, first.text);
      const quoted = await trader.post("/trades", order, `"${key}"`);
      assert.deepEqual([quoted.status, quoted.text], [first.status, first.text]);
      // timeout_ms says how long to wait, not what to do.
      const patient = await trader.post("/trades", { ...order, timeout_ms: 20_000 }, key);
      assert.equal(patient.text, first.text);
    });
    assert.equal(count, 1);
    const other = await trader.post("/trades", { ...order, volume: 0.02 }, key);
    assert.equal(other.status, 422);
    assert.equal(other.body.code, "idempotency_key_reused");
  });

  it("gives 32 concurrent requests with one key one order and 32 identical answers", async () => {
    const key = randomUUID();
    let answers: ApiAnswer[] = [];
    const count = await ordersDuring(async () => {
      answers = await Promise.all(Array.from({ length: 32 }, () => trader.post("/trades", order, key)));
    });
    assert.equal(count, 1);
    assert.deepEqual([...new Set(answers.map(({ status, text }) => `${status} ${text}`))].length, 1, answers[0]?.text);
    assert.equal(answers[0]?.status, 200);
  });

  it("makes a key when none is given, and says which", async () => {
    const first = await trader.post("/trades", order);
    const key = first.headers.get("idempotency-key");
    assert.ok(key);
    assert.equal((await trader.post("/trades", order, key)).text, first.text);
  });

  it("answers 32 concurrent requests with one key the same after function, worker and database were restarted", async () => {
    const key = randomUUID();
    const first = await trader.post("/trades", order, key);
    assert.equal(first.status, 200, first.text);
    const count = await ordersDuring(async () => {
      await stack.parts.worker.restart();
      await stack.parts.postgres.restart();
      await stack.parts.function.restart();
      const answers = await Promise.all(Array.from({ length: 32 }, () => trader.post("/trades", order, key)));
      const texts = new Set(answers.map(({ status, text }) => `${status} ${text}`));
      assert.deepEqual([...texts], [`200 ${first.text}`]);
    });
    assert.equal(count, 0);
    assert.equal((await trader.post("/trades", order)).status, 200, "and it trades again");
  });

  it("finishes a started order whose client has hung up, and stores its outcome", async () => {
    const hangUp = new AbortController();
    await double.control({ send: [{ hang: true }] });
    let answered: Promise<unknown> | undefined;
    const count = await ordersDuring(async () => {
      answered = trader.call("POST", "/trades", { body: order, signal: hangUp.signal });
      answered.catch(() => undefined);
      await until("the send hangs", async () => (await double.seen()).hanging > 0);
      hangUp.abort();
      await assert.rejects(answered, { name: "AbortError" });
      await double.control({ release: true });
      // The list shows what the ledger holds, and asks no worker.
      await until("the ledger has the outcome", async () => {
        const { data } = (await trader.get("/commands?limit=1")).body;
        return data[0].state === "done" && data[0].executed === true;
      });
    });
    assert.equal(count, 1);
  });

  it("shows a command as unknown when the worker dies inside the send, never sends it again, and settles it by proof", async () => {
    const key = randomUUID();
    const before = (await double.ledger()).length;
    await double.control({ send: [{ hang: true }] });
    const pending = trader.post("/trades", { ...order, timeout_ms: 3_000 }, key);
    await until("the send hangs", async () => (await double.seen()).hanging > 0);
    stack.parts.worker.kill("SIGKILL");
    await stack.parts.worker.exited;
    await double.control({ release: true });
    const answer = await pending;
    assert.equal(answer.status, 202, answer.text);
    assert.equal(answer.body.state, "unknown");
    assert.equal(answer.body.executed, null);
    assert.equal(answer.body.may_have_executed, true);
    assert.ok(answer.headers.get("retry-after"));
    assert.match(answer.headers.get("location") ?? "", new RegExp(answer.body.command_id));

    await stack.parts.worker.restart();
    // The terminal's process has finished the order meanwhile, and remembers: the restarted worker asks it.
    await until("the terminal's process has settled it", async () => {
      const command = await trader.get(`/commands/${answer.body.command_id}`);
      return command.body.state === "done" && command.body.executed === true;
    });
    const again = await trader.post("/trades", { ...order, timeout_ms: 3_000 }, key);
    assert.equal(again.status, 200, again.text);
    assert.equal(again.body.command_id, answer.body.command_id);
    const [sent, ...more] = (await double.ledger()).slice(before);
    assert.deepEqual([again.body.result.order_ticket, more], [sent?.ticket, []], "sent once");
  });

  it("says worker_unreachable with executed: false when no worker is there, and frees the key", async () => {
    const key = randomUUID();
    stack.parts.worker.kill("SIGKILL");
    await stack.parts.worker.exited;
    // A new function has no link: one that has not yet noticed its end would write into it, and then nobody could say.
    await stack.parts.function.restart();
    const refused = await trader.post("/trades", { ...order, timeout_ms: 2_000 }, key);
    assert.equal(refused.status, 503, refused.text);
    assert.equal(refused.body.code, "worker_unreachable");
    assert.equal(refused.body.executed, false);
    await stack.parts.worker.restart();
    const count = await ordersDuring(async () => {
      const answer = await trader.post("/trades", order, key);
      assert.equal(answer.status, 200, answer.text);
    });
    assert.equal(count, 1);
  });

  it("drains on SIGTERM: a started order ends, is answered and stored, before the worker goes", async () => {
    await double.control({ send_ms: 1_500 });
    let answer: ApiAnswer | undefined;
    const count = await ordersDuring(async () => {
      const pending = trader.post("/trades", order);
      await until("the order is being sent", async () => (await double.seen()).calls.at(-1) === "order_send");
      const restarted = stack.parts.worker.restart();
      answer = await pending;
      await restarted;
    });
    await double.control({ send_ms: 0 });
    assert.equal(answer?.status, 200, answer?.text);
    assert.equal(count, 1);
  });
});
