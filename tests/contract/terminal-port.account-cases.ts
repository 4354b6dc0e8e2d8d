// TP-01 … TP-19: opening, logging in and reading.
import assert from "node:assert/strict";
import { AccountFacts, SymbolFacts, TerminalFacts } from "../../bridge-worker/src/mt5/mod.ts";
import {
  assertNothingBooked,
  Buy,
  enter,
  execute,
  isLost,
  marketOrder,
  order,
  read,
  TIMEOUT_MS,
} from "./terminal-port.acts.ts";
import type { ContractCase } from "./terminal-port.suite.ts";

export const accountCases: readonly ContractCase[] = [
  {
    id: "TP-01",
    promise: "a call before open throws TerminalLost",
    run: async ({ port }, { main }) => {
      await assert.rejects(port.read(main.account, {}, TIMEOUT_MS), isLost());
      await assert.rejects(port.login(main.account, main.password, TIMEOUT_MS), isLost());
      await assert.rejects(port.query(2 ** 41), isLost());
    },
  },
  {
    id: "TP-02",
    promise: "open describes the terminal, and no account while nobody is logged in",
    run: async ({ port }) => {
      const { terminal, account } = await port.open();
      assert.equal(TerminalFacts.parse(terminal).connected, true);
      assert.notEqual(terminal.path, "");
      assert.equal(account, null);
    },
  },
  {
    id: "TP-03",
    promise: "login with the right password shows the account and a connected terminal",
    run: async ({ port }, { main }) => {
      await port.open();
      const reply = await port.login(main.account, main.password, TIMEOUT_MS);
      assert.ok(reply.kind === "ok");
      assert.equal(reply.account.login, main.account.login);
      assert.equal(reply.account.server, main.account.server);
      assert.equal(reply.terminal.connected, true);
    },
  },
  {
    id: "TP-04",
    promise: "login with a wrong password is auth_failed, with the error that says so",
    run: async ({ port }, { main }) => {
      await port.open();
      const reply = await port.login(main.account, "not the password", TIMEOUT_MS);
      assert.ok(reply.kind === "failed");
      assert.equal(reply.reason, "auth_failed");
      assert.deepEqual(reply.lastError, [-6, "Terminal: Authorization failed"]);
    },
  },
  {
    id: "TP-05",
    promise: "login at an unknown server is auth_failed",
    run: async ({ port }, { main }) => {
      await port.open();
      const account = { ...main.account, server: "Nobody-Knows" };
      const reply = await port.login(account, main.password, TIMEOUT_MS);
      assert.ok(reply.kind === "failed");
      assert.equal(reply.reason, "auth_failed");
    },
  },
  {
    id: "TP-06",
    promise: "login with another account's password is auth_failed",
    run: async ({ port }, { main, second }) => {
      await port.open();
      const reply = await port.login(main.account, second.password, TIMEOUT_MS);
      assert.ok(reply.kind === "failed");
      assert.equal(reply.reason, "auth_failed");
    },
  },
  {
    id: "TP-07",
    promise: "another spelling of the server is refused, or answered with the broker's own",
    run: async ({ port }, { main, acceptsOtherSpelling }) => {
      await port.open();
      const account = { ...main.account, server: main.account.server.toUpperCase() };
      const reply = await port.login(account, main.password, TIMEOUT_MS);
      assert.equal(reply.kind, acceptsOtherSpelling ? "ok" : "failed");
      if (reply.kind === "ok") assert.equal(reply.account.server, main.account.server);
    },
  },
  {
    id: "TP-08",
    promise: "a wrong password is refused although the terminal shows that account, and leaves nobody logged in",
    run: async (fixture, { main, ...world }) => {
      const { port } = fixture;
      await enter(port, main);
      const reply = await port.login(main.account, "not the password", TIMEOUT_MS);
      assert.ok(reply.kind === "failed" && reply.reason === "auth_failed");
      assert.equal((await port.read(main.account, {}, TIMEOUT_MS)).kind, "wrong_account");
      const wish = marketOrder({ main, ...world }, Buy, 0.01);
      const sent = await port.send(order(fixture, main.account, wish));
      assert.ok(sent.kind === "refused" && sent.reason === "wrong_account");
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-09",
    promise: "login while the broker cannot be reached is no_connection, not a wrong password",
    run: async (fixture, { main }) => {
      await fixture.port.open();
      await fixture.set({ connected: false });
      const reply = await fixture.port.login(main.account, main.password, TIMEOUT_MS);
      assert.ok(reply.kind === "failed");
      assert.equal(reply.reason, "no_connection");
    },
  },
  {
    id: "TP-10",
    promise: "read of another account than the one shown is wrong_account and says which is shown",
    run: async ({ port }, { main, second }) => {
      await enter(port, main);
      const reply = await port.read(second.account, { positions: {} }, TIMEOUT_MS);
      assert.deepEqual(reply, { kind: "wrong_account", actual: main.account });
    },
  },
  {
    id: "TP-11",
    promise: "read of the same login at another server is wrong_account",
    run: async ({ port }, { main, netting }) => {
      await enter(port, main);
      const account = { login: main.account.login, server: netting.account.server };
      assert.deepEqual(await port.read(account, {}, TIMEOUT_MS), { kind: "wrong_account", actual: main.account });
    },
  },
  {
    id: "TP-12",
    promise: "read while nobody is logged in is wrong_account with null",
    run: async ({ port }, { main }) => {
      await port.open();
      assert.deepEqual(await port.read(main.account, {}, TIMEOUT_MS), { kind: "wrong_account", actual: null });
    },
  },
  {
    id: "TP-13",
    promise: "after a second login the first account is not read any more",
    run: async ({ port }, { main, second }) => {
      await enter(port, main);
      assert.equal((await port.login(second.account, second.password, TIMEOUT_MS)).kind, "ok");
      assert.deepEqual(await port.read(main.account, {}, TIMEOUT_MS), {
        kind: "wrong_account",
        actual: second.account,
      });
      assert.equal((await read(port, second.account)).account.login, second.account.login);
    },
  },
  {
    id: "TP-14",
    promise: "account facts are complete: money, currency, leverage, modes and permissions",
    run: async ({ port }, { main }) => {
      await enter(port, main);
      const account = AccountFacts.parse((await read(port, main.account)).account);
      assert.ok(account.balance > 0);
      assert.equal(account.equity, account.balance);
      assert.equal(account.margin_free, account.balance);
      assert.match(account.currency, /^[A-Z]{3}$/);
      assert.ok(account.leverage > 0);
      assert.equal(account.margin_mode, 2);
      assert.equal(account.trade_allowed, true);
      assert.equal(account.trade_expert, true);
    },
  },
  {
    id: "TP-15",
    promise: "the investor password logs in without permission to trade, and no order is sent",
    run: async (fixture, world) => {
      const { main, investorPassword } = world;
      await enter(fixture.port, { account: main.account, password: investorPassword });
      assert.equal((await read(fixture.port, main.account)).account.trade_allowed, false);
      const sent = await fixture.port.send(order(fixture, main.account, marketOrder(world, Buy, 0.01)));
      assert.deepEqual(sent, { kind: "refused", reason: "trading_disabled" });
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-16",
    promise: "an unknown symbol reads as null, and so does its tick",
    run: async ({ port }, { main }) => {
      await enter(port, main);
      const reading = await read(port, main.account, { symbol: "NOSUCH" });
      assert.equal(reading.symbol, null);
      assert.equal(reading.tick, null);
      assert.equal(reading.broker_now_msc, null);
    },
  },
  {
    id: "TP-17",
    promise: "a symbol reads with its rules and its last tick, whose time is the broker's clock",
    run: async ({ port }, { main, symbol }) => {
      await enter(port, main);
      const reading = await read(port, main.account, { symbol });
      assert.ok(reading.symbol && reading.tick);
      const facts = SymbolFacts.parse(reading.symbol);
      assert.equal(facts.name, symbol);
      assert.equal(facts.digits, 5);
      assert.equal(facts.volume_step, 0.01);
      assert.ok(reading.tick.bid > 0 && reading.tick.ask > reading.tick.bid);
      assert.equal(reading.broker_now_msc, reading.tick.time_msc);
    },
  },
  {
    id: "TP-18",
    promise:
      "lists that hold nothing are empty, lists that nobody asked for are absent, and a list can be of one symbol",
    run: async (fixture, world) => {
      const { port } = fixture;
      const { account } = world.main;
      await enter(port, world.main);
      const empty = await read(port, account, { positions: {}, orders: {} });
      assert.deepEqual(empty.positions, []);
      assert.deepEqual(empty.orders, []);
      const bare = await read(port, account);
      assert.equal(bare.positions, undefined);
      assert.equal(bare.orders, undefined);
      assert.equal(bare.symbol, undefined);
      await execute(fixture, account, marketOrder(world, Buy, 0.01));
      const chosen = await read(port, account, { positions: { symbol: world.symbol } });
      const others = await read(port, account, { positions: { symbol: world.iocSymbol } });
      assert.equal(chosen.positions?.length, 1);
      assert.deepEqual(others.positions, []);
    },
  },
  {
    id: "TP-19",
    promise: "a list call that returns None is a failure that names the call, never an empty list",
    run: async (fixture, { main }) => {
      await enter(fixture.port, main);
      await fixture.failNextRead("positions_get", [-10004, "No IPC connection"]);
      assert.deepEqual(await fixture.port.read(main.account, { positions: {} }, TIMEOUT_MS), {
        kind: "failed",
        call: "positions_get",
        lastError: [-10004, "No IPC connection"],
      });
    },
  },
  {
    id: "TP-70",
    promise: "symbolOf reads the symbol of that position, and nothing when there is none",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const { order: ticket } = await execute(fixture, account, marketOrder(world, Buy, 0.01));
      const reading = await read(fixture.port, account, { symbolOf: ticket, positions: {} });
      assert.equal(reading.symbol?.name, world.symbol);
      assert.ok(reading.tick && reading.tick.bid > 0);
      for (const unknown of ["4242", "9".repeat(20)]) {
        const none = await read(fixture.port, account, { symbolOf: unknown });
        assert.equal(none.symbol, undefined);
        assert.equal(none.tick, undefined);
      }
    },
  },
  {
    id: "TP-71",
    promise: "account gives what read gives of the account, and no other account's",
    run: async ({ port }, { main, second, netting }) => {
      await port.open();
      assert.deepEqual(await port.account(main.account, TIMEOUT_MS), { kind: "wrong_account", actual: null });
      await enter(port, main);
      const reply = await port.account(main.account, TIMEOUT_MS);
      assert.ok(reply.kind === "ok");
      assert.deepEqual(reply.account, (await read(port, main.account)).account);
      const other = { kind: "wrong_account", actual: main.account } as const;
      assert.deepEqual(await port.account(second.account, TIMEOUT_MS), other);
      const elsewhere = { login: main.account.login, server: netting.account.server };
      assert.deepEqual(await port.account(elsewhere, TIMEOUT_MS), other);
    },
  },
  {
    id: "TP-72",
    promise: "the epoch names the process: the same after closing and opening again",
    run: async ({ port }) => {
      const { epoch } = await port.open();
      assert.ok(epoch.length >= 16);
      await port.close();
      assert.equal((await port.open()).epoch, epoch);
    },
  },
];
