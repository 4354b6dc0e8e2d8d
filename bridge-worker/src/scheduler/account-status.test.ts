// The status of an account: for every broken layer the name of that layer, a stable code and what to do, and no guess about
// what lies behind it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import {
  type ActorOptions,
  createWorkerFixture,
  overriding,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import { type Reading, TerminalLost, type TerminalPort } from "../mt5/mod.ts";
import { type LayerName, type ReadValue, ReadValues } from "../protocol.ts";
import { investorPassword } from "../simulator/mod.ts";

type Status = ReadValue<"account_status">;

/** A worker on whose one terminal something is wrong, and an account's status there. */
type Trouble = {
  arrange?: (worker: WorkerFixture) => unknown;
  port?: (port: TerminalPort) => Partial<TerminalPort>;
  actor?: ActorOptions;
  symbol?: string;
  /** The account is on the terminal before the trouble begins. */
  loggedIn?: boolean;
};

async function statusOf(trouble: Trouble): Promise<Status & { worker: WorkerFixture }> {
  const { port: fakes } = trouble;
  let isTroubled = trouble.loggedIn !== true;
  const worker = await createWorkerFixture({
    wrapPort: (port) => {
      const troubled = overriding(port, fakes?.(port) ?? {});
      return new Proxy(port, { get: (_port, name) => Reflect.get(isTroubled ? troubled : overriding(port, {}), name) });
    },
  });
  const actor = await worker.actor(trouble.actor);
  if (trouble.loggedIn) assert.ok((await worker.read(actor, { kind: "switch" })).ok);
  isTroubled = true;
  await trouble.arrange?.(worker);
  const { symbol } = trouble;
  const outcome = await worker.read(actor, { kind: "account_status", ...(symbol === undefined ? {} : { symbol }) });
  await worker.stop();
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return { ...ReadValues.account_status.parse(outcome.value), worker };
}

const lost = (reason: TerminalLost["reason"]) => (): Partial<TerminalPort> => ({
  read: () => Promise.reject(new TerminalLost(reason, "as it was lost")),
});
const showing =
  (change: (reading: Reading) => Partial<Reading>) =>
  (port: TerminalPort): Partial<TerminalPort> => ({
    read: async (...asked) => {
      const reply = await port.read(...asked);
      return reply.kind === "ok" ? { ...reply, ...change(reply) } : reply;
    },
  });
const BEHIND_TERMINAL: LayerName[] = ["broker_link", "credential", "trading_permission"];

const BROKEN: { what: string; layer: LayerName; code: string; unknown: LayerName[]; trouble: Trouble }[] = [
  {
    ...{ what: "a process that cannot be reached", layer: "terminal", code: "terminal_unreachable" },
    unknown: BEHIND_TERMINAL,
    trouble: { arrange: ({ processes }) => Object.assign(processes[0] ?? {}, { isReachable: false }) },
  },
  {
    ...{ what: "a terminal that does not answer", layer: "terminal", code: "terminal_hung" },
    ...{ unknown: BEHIND_TERMINAL, trouble: { port: lost("timeout") } },
  },
  {
    ...{ what: "connections that do not share a process", layer: "terminal", code: "guard_not_shared" },
    ...{ unknown: BEHIND_TERMINAL, trouble: { port: lost("guard_not_shared") } },
  },
  {
    ...{ what: "a process that answers nonsense", layer: "terminal", code: "terminal_unfit" },
    ...{ unknown: BEHIND_TERMINAL, trouble: { port: lost("protocol") } },
  },
  {
    ...{ what: "a terminal moved by hand", layer: "terminal", code: "terminal_moved", unknown: BEHIND_TERMINAL },
    trouble: {
      loggedIn: true,
      arrange: ({ processes }) => processes[0]?.switchBehindBack({ login: "5000002", server: "Switchyard-Demo" }),
    },
  },
  {
    ...{ what: "a MetaTrader that is gone at a read", layer: "terminal", code: "metatrader_silent" },
    unknown: BEHIND_TERMINAL,
    trouble: { loggedIn: true, arrange: ({ processes }) => Object.assign(processes[0] ?? {}, { isRunning: false }) },
  },
  {
    ...{ what: "a MetaTrader that is gone at a login", layer: "terminal", code: "metatrader_silent" },
    unknown: BEHIND_TERMINAL,
    trouble: {
      arrange: ({ processes }) => {
        processes[0]?.faults.addLogin({ kind: "no_connection", lastError: [-10_004, "No IPC connection"] });
      },
    },
  },
  {
    ...{ what: "a broker that does not answer the login", layer: "broker_link", code: "no_connection" },
    unknown: ["credential", "trading_permission"],
    trouble: {
      arrange: ({ processes }) => {
        processes[0]?.faults.addLogin({ kind: "no_connection", lastError: [-10_005, "IPC timeout"] });
      },
    },
  },
  {
    ...{ what: "a connection lost later", layer: "broker_link", code: "no_connection", unknown: [] },
    trouble: { loggedIn: true, arrange: ({ processes }) => Object.assign(processes[0] ?? {}, { isConnected: false }) },
  },
  {
    ...{ what: "a connection lost before a symbol", layer: "broker_link", code: "no_connection", unknown: ["symbol"] },
    trouble: {
      ...{ loggedIn: true, symbol: "EURUSD" },
      arrange: ({ processes }) => Object.assign(processes[0] ?? {}, { isConnected: false }),
    },
  },
  {
    ...{ what: "a login that leaves the terminal on another account", layer: "terminal", code: "terminal_moved" },
    unknown: BEHIND_TERMINAL,
    trouble: {
      port: () => ({
        login: async () => ({
          ...{ kind: "failed", reason: "no_connection", lastError: [-10_005, "the account did not appear"] },
          shown: { login: "5000002", server: "Switchyard-Demo" },
        }),
      }),
    },
  },
  {
    ...{ what: "a wrong password", layer: "credential", code: "credential_invalid" },
    ...{ unknown: ["broker_link", "trading_permission"], trouble: { actor: { password: "wrong" } } },
  },
  {
    ...{ what: "a server spelled otherwise", layer: "credential", code: "server_mismatch" },
    ...{ unknown: ["trading_permission"], trouble: { actor: { account: { server: "switchyard-demo" } } } },
  },
  {
    ...{ what: "AutoTrading off", layer: "trading_permission", code: "autotrading_off", unknown: [] },
    trouble: { arrange: ({ processes }) => Object.assign(processes[0] ?? {}, { isAutoTradingOn: false }) },
  },
  {
    ...{ what: "Python forbidden to trade", layer: "trading_permission", code: "python_trading_disabled", unknown: [] },
    trouble: { arrange: ({ processes }) => Object.assign(processes[0] ?? {}, { isApiDisabled: true }) },
  },
  {
    ...{ what: "an investor password", layer: "trading_permission", code: "read_only", unknown: [] },
    trouble: { actor: { password: investorPassword("5000001") } },
  },
  {
    ...{ what: "programs forbidden", layer: "trading_permission", code: "automated_trading_forbidden", unknown: [] },
    trouble: { port: showing(({ account }) => ({ account: { ...account, trade_expert: false } })) },
  },
  ...(
    [
      ["NOSUCH", "symbol_not_found"],
      ["USDRUB", "symbol_disabled"],
      ["EURCHF", "symbol_close_only"],
      ["SOLAR", "symbol_long_only"],
      ["COAL", "symbol_short_only"],
    ] as const
  ).map(([symbol, code]) => ({
    ...{ what: `the symbol ${symbol}`, layer: "symbol" as const, code, unknown: [], trouble: { symbol } },
  })),
  {
    ...{ what: "a symbol without a quote", layer: "symbol", code: "symbol_no_quote", unknown: [] },
    trouble: { symbol: "EURUSD", port: showing(() => ({ tick: null })) },
  },
  {
    ...{ what: "a symbol that cannot be read", layer: "symbol", code: "symbol_unreadable", unknown: BEHIND_TERMINAL },
    trouble: {
      ...{ symbol: "EURUSD", loggedIn: true },
      arrange: ({ processes }) => {
        processes[0]?.faults.addRead({ kind: "failed", call: "symbol_select", lastError: [-1, "no"] });
      },
    },
  },
];

describe("accountStatus", () => {
  let clock: WorkerFixture["clock"];

  for (const { what, layer, code, unknown, trouble } of BROKEN) {
    it(`${what}: ${layer} says ${code} and what to do, and nothing behind it is guessed`, async () => {
      const { healthy, layers } = await statusOf(trouble);
      assert.equal(healthy, false);
      const broken = layers.filter(({ ok }) => ok === false);
      assert.deepEqual(
        broken.map((one) => [one.layer, one.code]),
        [[layer, code]],
      );
      assert.ok(broken.every(({ detail, action }) => detail !== "" && action?.endsWith(".")));
      const open = layers.filter(({ ok }) => ok === null);
      assert.deepEqual(
        open.map((one) => one.layer),
        unknown,
      );
      assert.ok(open.every((one) => one.code === "not_known" && one.action === null));
    });
  }

  it("a healthy account has every layer healthy; the symbol is one only when asked about", async () => {
    for (const symbol of [undefined, "EURUSD"]) {
      const { healthy, layers, as_of } = await statusOf(symbol === undefined ? {} : { symbol });
      assert.deepEqual(
        [healthy, layers.length, as_of],
        [true, symbol === undefined ? 5 : 6, "2026-01-14T12:00:00.000Z"],
      );
      assert.ok(layers.every(({ ok, code, action }) => ok === true && code === "ok" && action === null));
    }
  });

  it("costs one reading of a terminal that is there", async () => {
    const calls: string[] = [];
    await statusOf({
      ...{ loggedIn: true, symbol: "EURUSD" },
      port: (port) =>
        Object.fromEntries(
          (["open", "login", "account", "read", "history"] as const).map((name) => [
            name,
            (...asked: never[]) => {
              calls.push(name);
              return (port[name] as (...asked: never[]) => unknown).apply(port, asked);
            },
          ]),
        ),
    });
    assert.deepEqual(calls, ["read"]);
  });

  it("a credential sealed to another key is the credential's fault, and nothing of it is told", async () => {
    const worker = await createWorkerFixture();
    const other = await createWorkerFixture();
    const { credential } = await other.actor();
    const outcome = await worker.read({ ...(await worker.actor()), credential }, { kind: "account_status" });
    await Promise.all([worker.stop(), other.stop()]);
    assert.ok(outcome.ok, JSON.stringify(outcome));
    const { layers } = ReadValues.account_status.parse(outcome.value);
    assert.deepEqual(
      layers.filter(({ ok }) => ok === false).map(({ code }) => code),
      ["credential_unreadable"],
    );
    assert.ok(!JSON.stringify(layers).includes(credential.slice(0, 20)));
  });

  it("a login that the time left does not allow is a want of capacity", async () => {
    const worker = await createWorkerFixture();
    const actor = await worker.actor();
    const call = { id: crypto.randomUUID(), userId: actor.userId, account: actor.account };
    const body = { request: { kind: "account_status" } as const, credential: actor.credential };
    const outcome = await worker.scheduler.read({ ...call, body, notAfterMs: worker.clock.now() + 2_000 });
    await worker.stop();
    assert.ok(outcome.ok, JSON.stringify(outcome));
    const { layers } = ReadValues.account_status.parse(outcome.value);
    assert.deepEqual(
      layers.map(({ ok, code }) => [ok, code]),
      [[false, "worker_busy"], ...Array.from({ length: 4 }, () => [null, "not_known"])],
    );
  });

  it("a login that took all the time leaves none to look", async () => {
    const { layers } = await statusOf({
      port: (port) => ({
        login: async (...asked) => {
          const reply = await port.login(...asked);
          clock.advance(19_000);
          return reply;
        },
      }),
      arrange: (worker) => {
        clock = worker.clock;
      },
    });
    assert.deepEqual(
      layers.filter(({ ok }) => ok === false).map(({ code }) => code),
      ["worker_busy"],
    );
  });

  it("a terminal that is left alone after a trouble keeps that trouble's name", async () => {
    const worker = await createWorkerFixture({ wrapPort: (port) => overriding(port, lost("timeout")()) });
    const actor = await worker.actor();
    const said: unknown[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const outcome = await worker.read(actor, { kind: "account_status" });
      assert.ok(outcome.ok);
      const { layers } = ReadValues.account_status.parse(outcome.value);
      said.push(layers.filter(({ ok }) => ok === false).map(({ code, detail }) => [code, detail]));
    }
    assert.deepEqual(said, [
      [["terminal_hung", "as it was lost"]],
      [["terminal_hung", "The terminal did not answer in time"]],
    ]);
    await worker.stop();
  });

  it("a terminal that hangs is told while the caller still listens", async () => {
    let isAsked = false;
    const worker = await createWorkerFixture({
      wrapPort: (port) =>
        overriding(port, {
          read: (...asked) => {
            isAsked = true;
            return port.read(...asked);
          },
        }),
    });
    const actor = await worker.actor();
    await worker.read(actor, { kind: "switch" });
    const held = Promise.withResolvers<void>();
    const hanging = worker.processes[0]?.exclusive(() => held.promise);
    const callerEndsMs = worker.clock.now() + 20_000;
    const answer = worker.read(actor, { kind: "account_status" });
    let isAnswered = false;
    const answered = answer.then(() => {
      isAnswered = true;
    });
    await until("the terminal is asked", () => isAsked);
    worker.clock.advance(callerEndsMs - 1_000 - worker.clock.now());
    await until("the answer", () => isAnswered, 1_000).catch(() => {});
    held.resolve();
    await Promise.all([answered, hanging, worker.stop()]);
    const outcome = await answer;
    assert.ok(outcome.ok, JSON.stringify(outcome));
    assert.match(JSON.stringify(outcome.value), /"code":"terminal_hung"/);
  });
});
