import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualTime, type VirtualTime } from "../../../tests/contract/virtual-time.ts";
import { type SendOrder, TerminalLost, type TerminalPort } from "../mt5/mod.ts";
import { SimBroker } from "./sim-broker.ts";
import { SimProcess } from "./sim-process.ts";
import { createSimTerminal, LOGIN_LATENCY_MS, ORDER_LATENCY_MS } from "./sim-terminal.ts";

const account = { login: "5000001", server: "Switchyard-Demo" };
const other = { login: "5000002", server: "Switchyard-Demo" };
const PASSWORD = "demo-5000001";
const TIMEOUT_MS = 60_000;

type Stage = { time: VirtualTime; broker: SimBroker; process: SimProcess; connect: (owner: string) => TerminalPort };

function createStage(): Stage {
  const time = createVirtualTime(Date.UTC(2026, 2, 4, 12));
  const broker = new SimBroker();
  const process = new SimProcess({ path: "C:\\Sim" });
  const connect = (owner: string): TerminalPort =>
    createSimTerminal({ name: owner, broker, owner, process, now: time.now, utcNow: time.utcNow, wait: time.wait });
  return { time, broker, process, connect };
}

async function enter(stage: Stage, owner = "one"): Promise<TerminalPort> {
  const port = stage.connect(owner);
  await port.open();
  assert.equal((await port.login(account, PASSWORD, TIMEOUT_MS)).kind, "ok");
  return port;
}

function buy(tag: number, more: Partial<SendOrder> = {}): SendOrder {
  const request = { action: 1, symbol: "EURUSD", type: 0, volume: 0.1, type_filling: 0, magic: tag, comment: "" };
  return { tag, commandId: `c${tag}`, account, request, notAfterMs: Number.MAX_VALUE, timeoutMs: TIMEOUT_MS, ...more };
}

function isLost(reason: TerminalLost["reason"]): (error: unknown) => boolean {
  return (error) => error instanceof TerminalLost && error.reason === reason;
}

test("login and send take as long as the broker does", async () => {
  const stage = createStage();
  const port = await enter(stage);
  assert.equal(stage.time.now(), LOGIN_LATENCY_MS);
  await port.send(buy(1));
  assert.equal(stage.time.now(), LOGIN_LATENCY_MS + ORDER_LATENCY_MS);
});

test("a login slower than its limit is no_connection when the limit is over", async () => {
  const stage = createStage();
  const port = stage.connect("one");
  await port.open();
  stage.process.faults.addLogin({ kind: "slow", ms: 5_001 });
  const reply = await port.login(account, PASSWORD, 5_000);
  assert.ok(reply.kind === "failed" && reply.reason === "no_connection");
  assert.equal(stage.time.now(), 5_000);
});

test("notAfterMs: a send that begins at its limit is sent, one that waited past it is expired", async () => {
  const stage = createStage();
  const first = await enter(stage);
  const second = stage.connect("one");
  await second.open();
  const now = stage.time.now();
  const inTime = first.send(buy(1, { notAfterMs: now }));
  const late = second.send(buy(2, { notAfterMs: now + ORDER_LATENCY_MS - 1 }));
  assert.equal((await inTime).kind, "sent");
  assert.deepEqual(await late, { kind: "refused", reason: "expired" });
  assert.equal(stage.broker.ledger().length, 1);
});

test("a tag poisoned while it waits for the terminal is never sent", async () => {
  const stage = createStage();
  const first = await enter(stage);
  const second = stage.connect("one");
  await second.open();
  const running = first.send(buy(1));
  const waiting = second.send(buy(2));
  assert.deepEqual(await second.query(2), { kind: "waiting" });
  assert.deepEqual(await first.poison(2, "c2"), { kind: "poisoned" });
  assert.deepEqual(await waiting, { kind: "refused", reason: "poisoned" });
  await running;
  assert.equal(stage.broker.ledger().length, 1);
});

test("a send queued behind another does not run after its port was closed", async () => {
  const stage = createStage();
  const first = await enter(stage);
  const second = stage.connect("one");
  await second.open();
  const running = first.send(buy(1));
  const queued = assert.rejects(second.send(buy(2)), isLost("connection"));
  await second.close();
  await queued;
  await running;
  assert.equal((await first.query(2)).kind, "poisoned");
  assert.equal(stage.broker.ledger().length, 1);
});

test("a lost reply: the order is at the broker, and the tag knows it", async () => {
  const stage = createStage();
  const port = await enter(stage);
  stage.process.faults.addSend({ kind: "lost_reply" });
  await assert.rejects(port.send(buy(1)), isLost("connection"));
  await port.open();
  assert.equal((await port.query(1)).kind, "finished");
  assert.equal(stage.broker.ledger().length, 1);
});

test("a lost request: nothing is at the broker, and the tag is unseen", async () => {
  const stage = createStage();
  const port = await enter(stage);
  stage.process.faults.addSend({ kind: "lost_request" });
  await assert.rejects(port.send(buy(1)), isLost("connection"));
  await port.open();
  assert.deepEqual(await port.query(1), { kind: "unseen" });
  assert.deepEqual(stage.broker.ledger(), []);
});

test("a hanging send keeps the terminal: open gives up, and the tag can be asked for all the time", async () => {
  const stage = createStage();
  const port = await enter(stage);
  const hang = Promise.withResolvers<void>();
  stage.process.faults.addSend({ kind: "hang", until: hang.promise, executes: false });
  await assert.rejects(port.send(buy(1)), isLost("timeout"));
  await assert.rejects(port.open(), isLost("timeout"));
  assert.deepEqual(await port.query(1), { kind: "sending" });
  hang.resolve();
  await port.open();
  const state = await port.query(1);
  assert.ok(state.kind === "finished" && state.reply.kind === "sent");
  assert.equal(state.reply.result, null);
  assert.deepEqual(stage.broker.ledger(), []);
});

test("an order goes out on the account of the check, although another is shown when the answer comes", async () => {
  const stage = createStage();
  const port = await enter(stage);
  const sending = port.send(buy(1));
  await stage.time.wait(ORDER_LATENCY_MS - 1);
  stage.process.switchBehindBack(other);
  const reply = await sending;
  assert.ok(reply.kind === "sent");
  assert.deepEqual(reply.after, other);
  assert.equal(stage.broker.ledger()[0]?.login, account.login);
});

test("AutoTrading switched off after the check: the broker answers 10027", async () => {
  const stage = createStage();
  const port = await enter(stage);
  const sending = port.send(buy(1));
  await stage.time.wait(ORDER_LATENCY_MS - 1);
  stage.process.isAutoTradingOn = false;
  const reply = await sending;
  assert.ok(reply.kind === "sent");
  assert.equal(reply.result?.retcode, 10027);
});

test("a terminal from another folder than expected is wrong_terminal", async () => {
  const stage = createStage();
  const { time, broker, process } = stage;
  await enter(stage);
  const port = createSimTerminal({ name: "t", broker, owner: "t", process, path: "C:\\Else", ...time });
  await port.open();
  assert.deepEqual(await port.send(buy(1)), { kind: "refused", reason: "wrong_terminal" });
});

test("open of a process that cannot be reached is TerminalLost, and works when it is back", async () => {
  const stage = createStage();
  const port = stage.connect("one");
  stage.process.isReachable = false;
  await assert.rejects(port.open(), isLost("connection"));
  stage.process.isReachable = true;
  assert.equal((await port.open()).account, null);
});

test("two calls at once on one port are a fault of the caller", async () => {
  const stage = createStage();
  const port = await enter(stage);
  const sending = port.send(buy(1));
  await assert.rejects(port.read(account, {}, TIMEOUT_MS), /while another call was running/);
  await sending;
});
