// TP-44 … TP-67: at most one order per tag, on the right account, and no outcome lost.
import assert from "node:assert/strict";
import {
  Action,
  assertNothingBooked,
  Buy,
  enter,
  execute,
  Filling,
  isLost,
  marketOrder,
  newTag,
  order,
  positions,
  read,
  resultOf,
  Sell,
  SHORT_TIMEOUT_MS,
  TIMEOUT_MS,
  until,
} from "./terminal-port.acts.ts";
import type { SendFault } from "./terminal-port.harness.ts";
import type { ContractCase } from "./terminal-port.suite.ts";

const DAY_S = 86_400;

export const guardCases: readonly ContractCase[] = [
  {
    id: "TP-44",
    promise: "the same tag twice: one order, and the same answer",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      const once = order(fixture, world.main.account, marketOrder(world, Buy, 0.01));
      const first = await fixture.port.send(once);
      resultOf(first);
      assert.deepEqual(await fixture.port.send(once), first);
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-45",
    promise: "the same tag twice at once over two connections: one order, and the same answer",
    run: async (fixture, world) => {
      const other = fixture.connect("owner-of-both");
      const one = fixture.connect("owner-of-both");
      await enter(one, world.main);
      await other.open();
      const once = order(fixture, world.main.account, marketOrder(world, Buy, 0.01));
      const [first, second] = await Promise.all([one.send(once), other.send(once)]);
      assert.deepEqual(second, first);
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-46",
    promise: "the same tag under another command id is not sent and tells nothing about the first",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      const once = order(fixture, world.main.account, marketOrder(world, Buy, 0.01));
      await fixture.port.send(once);
      const reply = await fixture.port.send({ ...once, commandId: "another-command" });
      assert.deepEqual(reply, { kind: "refused", reason: "poisoned" });
      assert.deepEqual(await fixture.port.poison(once.tag, "another-command"), { kind: "forgotten" });
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-47",
    promise: "a tag poisoned before its send is never sent",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      const late = order(fixture, world.main.account, marketOrder(world, Buy, 0.01));
      assert.deepEqual(await fixture.port.poison(late.tag, late.commandId), { kind: "poisoned" });
      assert.deepEqual(await fixture.port.send(late), { kind: "refused", reason: "poisoned" });
      assert.deepEqual(await fixture.port.query(late.tag), { kind: "poisoned" });
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-48",
    promise: "query: unseen before the send, finished with its reply after it; poison comes too late then",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      const once = order(fixture, world.main.account, marketOrder(world, Buy, 0.01));
      assert.deepEqual(await fixture.port.query(once.tag), { kind: "unseen" });
      const reply = await fixture.port.send(once);
      assert.deepEqual(await fixture.port.query(once.tag), { kind: "finished", reply });
      assert.deepEqual(await fixture.port.poison(once.tag, once.commandId), { kind: "finished", reply });
    },
  },
  {
    id: "TP-49",
    promise: "a send after its limit is expired, and stays so for that tag",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      const late = order(fixture, world.main.account, marketOrder(world, Buy, 0.01), {
        notAfterMs: fixture.now() - 1,
      });
      assert.deepEqual(await fixture.port.send(late), { kind: "refused", reason: "expired" });
      const again = await fixture.port.send({ ...late, notAfterMs: fixture.now() + TIMEOUT_MS });
      assert.deepEqual(again, { kind: "refused", reason: "expired" });
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-50",
    promise: "the last owner to open wins: the earlier one's send is refused, the new one's is sent",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const successor = fixture.connect("successor");
      await successor.open();
      const reply = await fixture.port.send(order(fixture, account, marketOrder(world, Buy, 0.01)));
      assert.deepEqual(reply, { kind: "refused", reason: "stale_owner" });
      await assertNothingBooked(fixture);
      resultOf(await successor.send(order(fixture, account, marketOrder(world, Buy, 0.01))));
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-51",
    promise: "an earlier owner cannot log the terminal in to another account",
    run: async (fixture, { main, second }) => {
      await enter(fixture.port, main);
      const successor = fixture.connect("successor");
      await successor.open();
      await assert.rejects(fixture.port.login(second.account, second.password, TIMEOUT_MS), isLost());
      assert.equal((await read(successor, main.account)).account.login, main.account.login);
    },
  },
  {
    id: "TP-52",
    promise: "a new owner's open shows the account that is logged in, and finds the tags of the earlier one",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      const once = order(fixture, world.main.account, marketOrder(world, Buy, 0.01));
      const reply = await fixture.port.send(once);
      const successor = fixture.connect("successor");
      const { account } = await successor.open();
      assert.equal(account?.login, world.main.account.login);
      assert.equal(account?.server, world.main.account.server);
      assert.deepEqual(await successor.query(once.tag), { kind: "finished", reply });
    },
  },
  {
    id: "TP-53",
    promise: "with AutoTrading off nothing is sent, reading goes on and shows it",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      await fixture.set({ autoTrading: false });
      assert.equal((await read(fixture.port, world.main.account)).terminal.trade_allowed, false);
      const reply = await fixture.port.send(order(fixture, world.main.account, marketOrder(world, Buy, 0.01)));
      assert.deepEqual(reply, { kind: "refused", reason: "trading_disabled" });
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-54",
    promise: "without a connection to the broker nothing is sent, and history is a failure instead of empty",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      await fixture.set({ connected: false });
      assert.equal((await read(fixture.port, account)).terminal.connected, false);
      const reply = await fixture.port.send(order(fixture, account, marketOrder(world, Buy, 0.01)));
      assert.deepEqual(reply, { kind: "refused", reason: "not_connected" });
      assert.equal(
        (await fixture.port.history(account, { tag: newTag(), from: 0, to: DAY_S }, TIMEOUT_MS)).kind,
        "failed",
      );
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-55",
    promise: "an account switched at the terminal between read and send: wrong_account, and nothing is sent",
    run: async (fixture, world) => {
      const { main, second } = world;
      await enter(fixture.port, main);
      await read(fixture.port, main.account);
      await fixture.switchBehindBack(second.account);
      const reply = await fixture.port.send(order(fixture, main.account, marketOrder(world, Buy, 0.01)));
      assert.deepEqual(reply, { kind: "refused", reason: "wrong_account", actual: second.account });
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-56",
    promise: "an account logged out at the terminal: wrong_account with null, and nothing is sent",
    run: async (fixture, world) => {
      const { main } = world;
      await enter(fixture.port, main);
      await fixture.switchBehindBack(null);
      const reply = await fixture.port.send(order(fixture, main.account, marketOrder(world, Buy, 0.01)));
      assert.deepEqual(reply, { kind: "refused", reason: "wrong_account", actual: null });
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-57",
    promise: "the same login at another server is another account: nothing is sent",
    run: async (fixture, world) => {
      const { main, netting } = world;
      await enter(fixture.port, main);
      const account = { login: main.account.login, server: netting.account.server };
      const reply = await fixture.port.send(order(fixture, account, marketOrder(world, Buy, 0.01)));
      assert.deepEqual(reply, { kind: "refused", reason: "wrong_account", actual: main.account });
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-58",
    promise: "an account switched inside the send shows in `after`",
    run: async (fixture, world) => {
      const { main, second } = world;
      await enter(fixture.port, main);
      await fixture.failNextSend({ kind: "switch_account", to: second.account });
      const reply = await fixture.port.send(order(fixture, main.account, marketOrder(world, Buy, 0.01)));
      assert.ok(reply.kind === "sent");
      assert.deepEqual(reply.after, second.account);
      assert.equal((await fixture.orders())[0]?.login, main.account.login);
    },
  },
  {
    id: "TP-59",
    promise: "None from order_send is sent without result, with the error of that call: the order may exist",
    run: async (fixture, world) => {
      const { account } = world.main;
      const tag = newTag();
      await enter(fixture.port, world.main);
      await fixture.failNextSend({ kind: "none", lastError: [-10005, "IPC timeout"], executes: true });
      const reply = await fixture.port.send(order(fixture, account, marketOrder(world, Buy, 0.01), { tag }));
      const expected = { kind: "sent", result: null, lastError: [-10005, "IPC timeout"], after: account };
      assert.deepEqual(reply, expected);
      assert.deepEqual(await fixture.port.query(tag), { kind: "finished", reply });
      assert.equal((await positions(fixture.port, account))[0]?.magic, String(tag));
    },
  },
  {
    id: "TP-60",
    promise: "a return code passes through as it came, whatever it says",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      const faults: SendFault[] = [
        { kind: "retcode", retcode: 10006, executes: false },
        { kind: "retcode", retcode: 10012, executes: true },
      ];
      for (const fault of faults) {
        await fixture.failNextSend(fault);
        const reply = await fixture.port.send(order(fixture, world.main.account, marketOrder(world, Buy, 0.01)));
        assert.equal(resultOf(reply).retcode, fault.kind === "retcode" && fault.retcode);
      }
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-61",
    promise: "beside a hanging send query says `sending`, and poison proves nothing",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      await fixture.failNextSend({ kind: "hang" });
      const once = order(fixture, world.main.account, marketOrder(world, Buy, 0.01));
      const sending = fixture.port.send(once);
      await until(async () => (await fixture.port.query(once.tag)).kind === "sending");
      assert.deepEqual(await fixture.port.poison(once.tag, once.commandId), { kind: "sending" });
      await fixture.release();
      resultOf(await sending);
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-62",
    promise: "a send that does not return in time is TerminalLost; its outcome is found after open",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      await fixture.failNextSend({ kind: "hang" });
      const once = order(fixture, world.main.account, marketOrder(world, Buy, 0.01), { timeoutMs: SHORT_TIMEOUT_MS });
      await assert.rejects(fixture.port.send(once), isLost("timeout"));
      await fixture.release();
      await fixture.port.open();
      await until(async () => (await fixture.port.query(once.tag)).kind === "finished");
      const state = await fixture.port.query(once.tag);
      assert.ok(state.kind === "finished");
      assert.equal(resultOf(state.reply).retcode, 10009);
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-63",
    promise: "history finds the order and the deal of a tag, and nothing of another tag",
    run: async (fixture, world) => {
      const { account } = world.main;
      const tag = newTag();
      await enter(fixture.port, world.main);
      const result = await execute(fixture, account, marketOrder(world, Buy, 0.02), { tag });
      await execute(fixture, account, marketOrder(world, Sell, 0.01));
      const { broker_now_msc } = await read(fixture.port, account, { symbol: world.symbol });
      assert.ok(broker_now_msc);
      const now = Math.floor(broker_now_msc / 1000);
      const found = await fixture.port.history(account, { tag, from: now - DAY_S, to: now + DAY_S }, TIMEOUT_MS);
      assert.ok(found.kind === "ok");
      assert.deepEqual(found.account, account);
      assert.deepEqual(
        found.orders.map((one) => [one.ticket, one.state, one.magic, one.volume_initial]),
        [[result.order, 4, String(tag), 0.02]],
      );
      assert.deepEqual(
        found.deals.map((one) => [one.ticket, one.order, one.entry, one.magic, one.volume]),
        [[result.deal, result.order, 0, String(tag), 0.02]],
      );
      assert.deepEqual(found.open_orders, []);
    },
  },
  {
    id: "TP-64",
    promise: "history of a tag shows its pending order as open, and as history once it is cancelled",
    run: async (fixture, world) => {
      const { account } = world.main;
      const tag = newTag();
      await enter(fixture.port, world.main);
      const { tick, broker_now_msc } = await read(fixture.port, account, { symbol: world.symbol });
      assert.ok(tick && broker_now_msc);
      const now = Math.floor(broker_now_msc / 1000);
      const history = async () =>
        fixture.port.history(account, { tag, from: now - DAY_S, to: now + DAY_S }, TIMEOUT_MS);
      const price = Number((tick.bid - 0.01).toFixed(5));
      const limit = { action: Action.Pending, symbol: world.symbol, type: 2, volume: 0.01, price };
      const placed = await execute(fixture, account, { ...limit, type_filling: Filling.Return }, { tag });
      const before = await history();
      assert.ok(before.kind === "ok");
      assert.deepEqual(
        before.open_orders.map((one) => one.ticket),
        [placed.order],
      );
      assert.deepEqual(before.orders, []);
      await execute(fixture, account, { action: Action.Remove, order: placed.order });
      const afterwards = await history();
      assert.ok(afterwards.kind === "ok");
      assert.deepEqual(afterwards.open_orders, []);
      assert.deepEqual(
        afterwards.orders.map((one) => [one.ticket, one.state]),
        [[placed.order, 2]],
      );
      assert.deepEqual(afterwards.deals, []);
    },
  },
  {
    id: "TP-65",
    promise: "history of an account that is not shown is wrong_account",
    run: async (fixture, { main, second }) => {
      await enter(fixture.port, main);
      const reply = await fixture.port.history(second.account, { tag: newTag(), from: 0, to: DAY_S }, TIMEOUT_MS);
      assert.deepEqual(reply, { kind: "wrong_account", actual: main.account });
    },
  },
  {
    id: "TP-66",
    promise: "two terminals are independent: a login at one does not move the other",
    run: async (fixture, world) => {
      const { main, second } = world;
      await enter(fixture.port, main);
      await enter(fixture.neighbour, second);
      assert.equal((await read(fixture.port, main.account)).account.login, main.account.login);
      await execute(fixture, main.account, marketOrder(world, Buy, 0.01));
      assert.deepEqual(await positions(fixture.neighbour, second.account), []);
    },
  },
  {
    id: "TP-67",
    promise: "after close every call throws TerminalLost; open makes the terminal usable again",
    run: async (fixture, { main }) => {
      await enter(fixture.port, main);
      await fixture.port.close();
      await assert.rejects(fixture.port.read(main.account, {}, TIMEOUT_MS), isLost());
      await fixture.port.close();
      assert.equal((await fixture.port.open()).account?.login, main.account.login);
      assert.equal((await read(fixture.port, main.account)).account.login, main.account.login);
    },
  },
  {
    id: "TP-69",
    promise: "after a lost send tags can be asked for without open, and nothing else can",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      await fixture.failNextSend({ kind: "hang" });
      const once = order(fixture, account, marketOrder(world, Buy, 0.01), { timeoutMs: SHORT_TIMEOUT_MS });
      await assert.rejects(fixture.port.send(once), isLost("timeout"));
      assert.deepEqual(await fixture.port.query(once.tag), { kind: "sending" });
      await assert.rejects(fixture.port.read(account, {}, TIMEOUT_MS), isLost("connection"));
      await fixture.release();
      await until(async () => (await fixture.port.query(once.tag)).kind === "finished");
      await fixture.port.close();
      await assert.rejects(fixture.port.query(once.tag), isLost("connection"));
    },
  },
];
