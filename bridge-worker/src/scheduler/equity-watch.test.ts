// Equity that was only read counts in the loss limits, for its own account and in the broker's own day; a restart falls back
// to what commands wrote down.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  type Actor,
  createWorkerFixture,
  createWorld,
  type FixtureOptions,
  overriding,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import { BrokerClock } from "../mt5/mod.ts";
import { laneKey, type Outcome, type ReadRequest } from "../protocol.ts";
import { EquityWatch, MAX_WATCHED } from "./equity-watch.ts";

const HOUR_MS = 3_600_000;
const NOON = Date.UTC(2026, 0, 14, 12);
const ACCOUNT = { login: "5000001", server: "Switchyard-Demo" };
const MONEY: ReadRequest = { kind: "account_info", max_age_ms: 0 };
/** Above what an account's last look may be too close to. */
const SETTLED_MS = 5_000;

describe("EquityWatch", () => {
  let watch: EquityWatch;
  beforeEach(() => {
    watch = new EquityWatch(new BrokerClock());
  });
  const saw = (equity: number, utcMs = NOON, tick?: number | null, account = ACCOUNT): void =>
    watch.saw({ account: { ...account, equity }, ...(tick === undefined ? {} : { broker_now_msc: tick }) }, utcMs);

  it("knows nothing of an account that it has not seen", () => {
    const saved = { day: "2026-01-14", dayStartEquity: 1, peakEquity: 2 };
    saw(500, NOON, null, { ...ACCOUNT, login: "5000002" });
    saw(500, NOON, null, { ...ACCOUNT, server: "Switchyard-Live" });
    assert.equal(watch.joined(ACCOUNT, undefined), undefined);
    assert.equal(watch.joined(ACCOUNT, saved), saved);
  });

  it("takes no equity that is no number", () => {
    for (const equity of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) saw(equity);
    assert.equal(watch.joined(ACCOUNT, undefined), undefined);
    saw(100);
    saw(Number.NaN, NOON + 24 * HOUR_MS);
    assert.deepEqual(watch.joined(ACCOUNT, undefined), { day: "2026-01-14", dayStartEquity: 100, peakEquity: 100 });
  });

  it("lowers no peak and no start of the day, whichever was seen first", () => {
    for (const seen of [
      [90, 110],
      [110, 90],
    ]) {
      watch = new EquityWatch(new BrokerClock());
      for (const equity of seen) saw(equity);
      const saved = { day: "2026-01-14", dayStartEquity: 100, peakEquity: 105 };
      assert.deepEqual(watch.joined(ACCOUNT, saved), { ...saved, peakEquity: 110 });
      assert.equal(watch.joined(ACCOUNT, { ...saved, peakEquity: 200 })?.peakEquity, 200);
      const tomorrow = { ...saved, day: "2026-01-15" };
      assert.deepEqual(watch.joined(ACCOUNT, tomorrow), { ...tomorrow, peakEquity: 110 });
    }
  });

  it("says which day a sighting was in by the broker's clock as it is known now", () => {
    const saved = { day: "2026-01-14", dayStartEquity: 100, peakEquity: 100 };
    const midnight = NOON + 12 * HOUR_MS;
    for (const [hours, expected] of [
      [-5, saved],
      [-2, { ...saved, day: "2026-01-15", dayStartEquity: 80 }],
      [0, { ...saved, day: "2026-01-15", dayStartEquity: 90 }],
    ] as const) {
      const clock = new BrokerClock();
      watch = new EquityWatch(clock);
      saw(90, midnight + HOUR_MS);
      saw(80, midnight + 3 * HOUR_MS);
      saw(70, midnight + 3 * HOUR_MS + 1);
      clock.observe(ACCOUNT.server, midnight + (4 + hours) * HOUR_MS, midnight + 4 * HOUR_MS);
      assert.deepEqual(watch.joined(ACCOUNT, saved), expected);
    }
  });

  it("does not lose the day's start under any number of readings", () => {
    const midnight = NOON - 12 * HOUR_MS;
    for (let index = 0; index < 24 * 60; index++) saw(5_000 - index, midnight + index * 60_000);
    const counters = { day: "2026-01-14", dayStartEquity: 5_000, peakEquity: 5_000 };
    assert.deepEqual(watch.joined(ACCOUNT, undefined), counters);
  });

  it("keeps no more than a day's half-hours, also when the clock jumps to and fro", () => {
    for (let index = 0; index < 100; index++) saw(1_000 + index, NOON + (index % 2) * HOUR_MS);
    const counters = { day: "2026-01-14", dayStartEquity: 1_052, peakEquity: 1_099 };
    assert.deepEqual(watch.joined(ACCOUNT, undefined), counters);
  });

  for (const [tick, day] of [
    [Number.MAX_SAFE_INTEGER, "2026-01-15"],
    [-Number.MAX_SAFE_INTEGER, "1970-01-01"],
    [null, "2026-01-14"],
    [undefined, "2026-01-14"],
  ] as const) {
    it(`a tick of ${tick} puts off no broker's day while its clock is not known, and none at all afterwards`, () => {
      const clock = new BrokerClock();
      watch = new EquityWatch(clock);
      saw(100, NOON, tick);
      assert.equal(watch.joined(ACCOUNT, undefined)?.day, day);
      clock.observe(ACCOUNT.server, NOON + 10 * HOUR_MS, NOON);
      watch = new EquityWatch(clock);
      saw(100, NOON + HOUR_MS, tick);
      assert.equal(watch.joined(ACCOUNT, undefined)?.day, "2026-01-14");
      saw(100, NOON + 2 * HOUR_MS, tick);
      assert.equal(watch.joined(ACCOUNT, undefined)?.day, "2026-01-15");
    });
  }

  it("forgets the account that was not seen for longest", () => {
    const account = (index: number) => ({ ...ACCOUNT, login: String(5_000_001 + index) });
    for (let index = 0; index < MAX_WATCHED; index++) saw(1, NOON, null, account(index));
    saw(1, NOON, null, account(0));
    saw(1, NOON, null, account(MAX_WATCHED));
    const known = [0, 1, 2, MAX_WATCHED].map((index) => watch.joined(account(index), undefined) !== undefined);
    assert.deepEqual(known, [true, false, true, true]);
  });
});

describe("The loss limits and equity that was only read", () => {
  let worker: WorkerFixture;
  let alice: Actor;
  /** By lane; an account that is not in here has what the broker gave it. */
  let equities: Map<string, number>;

  const options: FixtureOptions = {
    wrapPort: (port) => {
      const shown = <T extends { account: { login: string; server: string; equity: number } }>(reply: T): T => {
        const equity = equities.get(laneKey(reply.account)) ?? reply.account.equity;
        return { ...reply, account: { ...reply.account, equity } };
      };
      return overriding(port, {
        account: async (...asked) => {
          const reply = await port.account(...asked);
          return reply.kind === "ok" ? shown(reply) : reply;
        },
        read: async (...asked) => {
          const reply = await port.read(...asked);
          return reply.kind === "ok" ? shown(reply) : reply;
        },
      });
    },
  };
  const has = (equity: number, { account } = alice): void => void equities.set(laneKey(account), equity);
  const open = (limits: object, at = worker): Promise<Outcome> => at.run(at.trade(alice, {}, { limits }));

  async function look(request: ReadRequest, actor = alice): Promise<void> {
    const outcome = await worker.read(actor, request);
    assert.ok(outcome.ok, JSON.stringify(outcome));
  }

  function assertRefused(outcome: Outcome, limit: string): void {
    assert.ok(outcome.state === "refused", outcome.state);
    assert.equal(outcome.code, "risk_limit_exceeded");
    assert.match(outcome.detail ?? "", new RegExp(`^${limit}: `));
  }

  beforeEach(async () => {
    equities = new Map();
    worker = await createWorkerFixture(options);
    alice = await worker.actor();
  });
  afterEach(() => worker.stop());

  it("a day that began with reads has lost what it lost since then, at its first trade", async () => {
    await look(MONEY);
    worker.clock.advance(HOUR_MS);
    await look(MONEY);
    has(8_000);
    assertRefused(await open({ max_daily_loss: 500 }), "max_daily_loss");
    has(9_500.01);
    assert.equal((await open({ max_daily_loss: 500 })).state, "done");
  });

  const REQUESTS: ReadRequest[] = [
    { kind: "connect" },
    { kind: "switch" },
    MONEY,
    { kind: "account_info", max_age_ms: 2_000 },
    { kind: "positions", max_age_ms: 0 },
    { kind: "positions", max_age_ms: 0, symbol: "EURUSD" },
    { kind: "orders", max_age_ms: 2_000 },
    { kind: "account_status" },
    { kind: "account_status", symbol: "EURUSD" },
    // Looks at the positions first: the broker's clock is not known yet.
    { kind: "history_deals", from_ms: NOON - HOUR_MS, to_ms: NOON, limit: 10 },
  ];
  for (const request of REQUESTS) {
    it(`a peak that ${JSON.stringify(request)} saw counts`, async () => {
      has(12_000);
      await look(request);
      assert.equal(worker.journal.riskCounters(alice.account), undefined, "a read writes nothing");
      has(10_800);
      assertRefused(await open({ max_drawdown_percent: 10 }), "max_drawdown_percent");
      has(10_800.01);
      assert.equal((await open({ max_drawdown_percent: 10 })).state, "done");
    });
  }

  it("so does one that the last look saw, before the terminal went to another account", async () => {
    await look(MONEY);
    worker.clock.advance(SETTLED_MS);
    has(12_000);
    const bob = await worker.actor({ account: { login: "5000002" } });
    assert.equal((await worker.run(worker.trade(bob))).state, "done");
    worker.clock.advance(SETTLED_MS);
    has(10_800);
    assertRefused(await open({ max_drawdown_percent: 10 }), "max_drawdown_percent");
  });

  it("so does one that a command saw which was refused for something else", async () => {
    has(12_000);
    const refused = await worker.run(worker.trade(alice, { symbol: "NOSUCH" }));
    assert.ok(refused.state === "refused" && refused.code === "symbol_not_found");
    has(10_800);
    assertRefused(await open({ max_drawdown_percent: 10 }), "max_drawdown_percent");
  });

  for (const other of [{ login: "5000002" }, { server: "Switchyard-Netting" }]) {
    it(`the reads of ${JSON.stringify(other)} are not those of ${ACCOUNT.login} on ${ACCOUNT.server}`, async () => {
      const bob = await worker.actor({ account: other });
      has(50_000, bob);
      await look(MONEY, bob);
      await look({ kind: "positions", max_age_ms: 0 }, bob);
      assert.equal((await open({ max_drawdown_percent: 1, max_daily_loss: 1 })).state, "done");
      assert.equal(worker.journal.riskCounters(alice.account)?.peakEquity, 10_000);
    });
  }

  it("the broker's new day begins with the equity that its first read saw, and not with yesterday's", async () => {
    assert.equal((await open({})).state, "done");
    // The broker's clock is three hours ahead.
    worker.clock.advance(9 * HOUR_MS - 1);
    has(9_500);
    await look(MONEY);
    worker.clock.advance(1);
    has(9_200);
    await look(MONEY);
    has(8_700.01);
    assert.equal((await open({ max_daily_loss: 500 })).state, "done");
    has(8_700);
    assertRefused(await open({ max_daily_loss: 500 }), "max_daily_loss");
    const counters = { day: "2026-01-15", dayStartEquity: 9_200, peakEquity: 10_000 };
    assert.deepEqual(worker.journal.riskCounters(alice.account), counters);
  });

  it("a read from before the broker's clock was known counts in the day that it was in", async () => {
    // The broker's midnight is over, and that of UTC is not.
    worker.clock.advance(10 * HOUR_MS);
    await look(MONEY);
    has(9_500);
    assertRefused(await open({ max_daily_loss: 500 }), "max_daily_loss");
    const counters = { day: "2026-01-15", dayStartEquity: 10_000, peakEquity: 10_000 };
    assert.deepEqual(worker.journal.riskCounters(alice.account), counters);
  });

  it("after a restart only what commands wrote down is left", async () => {
    const folder = mkdtempSync(join(tmpdir(), "equity-"));
    const kept = { ...options, world: await createWorld(), journalPath: join(folder, "journal.db") };
    const before = await createWorkerFixture(kept);
    alice = await before.actor();
    has(12_000);
    assert.ok((await before.read(alice, MONEY)).ok);
    has(11_000);
    assert.equal((await open({}, before)).state, "done");
    has(20_000);
    assert.ok((await before.read(alice, MONEY)).ok);
    await before.stop();
    const after = await createWorkerFixture(kept);
    has(10_800.01);
    assert.equal((await open({ max_drawdown_percent: 10 }, after)).state, "done");
    has(10_800);
    assertRefused(await open({ max_drawdown_percent: 10 }, after), "max_drawdown_percent");
    await after.stop();
    rmSync(folder, { recursive: true });
  });
});
