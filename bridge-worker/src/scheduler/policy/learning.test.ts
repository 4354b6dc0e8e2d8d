// What the policy learns: how much a lane is used, how busy the terminals are, what logins take, who is above his share.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FairTags } from "./fair-tags.ts";
import { ServerTimes } from "./server-times.ts";
import { BusyShare, UseRate } from "./use-rate.ts";

const FAST_MS = 8_000;
const SLOW_MS = 1_800_000;

describe("UseRate", () => {
  const rateOf = (...timesMs: number[]): UseRate => {
    const rate = new UseRate();
    for (const atMs of timesMs) rate.count(atMs, FAST_MS, SLOW_MS);
    return rate;
  };
  const at = (rate: UseRate, nowMs: number): number => rate.perSecond(nowMs, FAST_MS, SLOW_MS);

  it("is nothing before the first use, and remembers the last", () => {
    assert.equal(at(new UseRate(), 5_000), 0);
    assert.equal(rateOf(1_000, 7_000).lastUsedMs, 7_000);
  });
  it("fades within seconds when the session has ended", () => {
    const rate = rateOf(0, 1_000, 2_000);
    assert.ok(at(rate, 30_000) < at(rate, 2_000) / 10);
  });
  it("tells a busy account from a quiet one long after", () => {
    const busy = rateOf(...Array.from({ length: 100 }, (_, index) => index * 1_000));
    assert.ok(at(busy, 300_000) > 10 * at(rateOf(99_000), 300_000));
  });
});

describe("BusyShare", () => {
  it("comes to the share that is busy, within minutes", () => {
    const load = new BusyShare();
    for (let nowMs = 0; nowMs <= 600_000; nowMs += 1_000) load.advance(nowMs, 3, 4);
    assert.ok(Math.abs(load.share - 0.75) < 0.001);
  });
  it("has moved by two thirds of the way after a minute", () => {
    const load = new BusyShare();
    load.advance(0, 0, 4);
    load.advance(60_000, 4, 4);
    assert.ok(Math.abs(load.share - (1 - 1 / Math.E)) < 0.001);
  });
  it("stays what it was while there is no terminal", () => {
    const load = new BusyShare();
    load.advance(0, 0, 4);
    load.advance(60_000, 4, 4);
    const before = load.share;
    load.advance(120_000, 0, 0);
    assert.equal(load.share, before);
  });
});

describe("ServerTimes", () => {
  it("gives an unknown server the benefit of the doubt", () => {
    const times = new ServerTimes(500);
    times.loggedIn("other", 4_000, 0);
    assert.equal(times.loginMs("server", 0.95, 0), 500);
  });
  it("learns each server by itself, quantile by quantile", () => {
    const times = new ServerTimes(500);
    for (let ms = 100; ms <= 1_000; ms += 100) times.loggedIn("server", ms, 0);
    times.loggedIn("slow", 5_000, 0);
    assert.deepEqual([times.loginMs("server", 0.5, 0), times.loginMs("server", 0.95, 0)], [600, 1_000]);
    assert.equal(times.loginMs("slow", 0.5, 0), 5_000);
    assert.ok(Math.abs(times.meanLoginMs - 10_500 / 11) < 0.001);
  });
  it("forgets what is long past: the last 64 count", () => {
    const times = new ServerTimes(500);
    for (let login = 0; login < 64; login++) times.loggedIn("server", 9_000, 0);
    for (let login = 0; login < 64; login++) times.loggedIn("server", 1_000, 0);
    assert.deepEqual([times.loginMs("server", 0.95, 0), times.meanLoginMs], [1_000, 1_000]);
  });
  it("does not believe for ever that logins are slow: who is refused for that could never show the contrary", () => {
    const times = new ServerTimes(500);
    times.loggedIn("server", 12_000, 0);
    assert.deepEqual([times.loginMs("server", 0.5, 299_999), times.loginsCountForMs("server", 299_999)], [12_000, 1]);
    assert.deepEqual([times.loginMs("server", 0.5, 300_000), times.loginsCountForMs("server", 300_000)], [500, 0]);
    times.loggedIn("server", 1_000, 300_000);
    assert.equal(times.loginMs("server", 0.95, 300_000), 1_000);
  });
  it("counts each login from the moment that it is known", () => {
    const times = new ServerTimes(500);
    times.loggedIn("server", 1_000, 0);
    assert.equal(times.loginMs("server", 0.95, 0), 1_000);
    times.loggedIn("server", 3_000, 0);
    assert.equal(times.loginMs("server", 0.95, 0), 3_000);
  });
  it("takes the mean of all servers for the work on a new one", () => {
    const times = new ServerTimes(500);
    times.worked("server", 100);
    times.worked("server", 300);
    assert.deepEqual([times.workMs("server"), times.workMs("new"), times.meanVisitMs], [200, 200, 500]);
    times.visited(1_700);
    assert.equal(times.meanVisitMs, 1_700);
  });
});

describe("FairTags", () => {
  const STEP_MS = 1_000;
  const BURST = 2;
  const ask = (tags: FairTags, user: string, nowMs: number): number => {
    const tagMs = tags.tag(user, nowMs, STEP_MS, BURST);
    tags.charge(user, nowMs, STEP_MS);
    return tagMs;
  };

  it("counts the first logins at once and then one for each step", () => {
    const tags = new FairTags();
    assert.deepEqual(
      Array.from({ length: 6 }, () => ask(tags, "a", 0)),
      [0, 0, 1_000, 2_000, 3_000, 4_000],
    );
  });
  it("keeps users apart", () => {
    const tags = new FairTags();
    for (let login = 0; login < 9; login++) ask(tags, "a", 0);
    assert.equal(ask(tags, "b", 0), 0);
  });
  it("forgives with time", () => {
    const tags = new FairTags();
    for (let login = 0; login < 6; login++) ask(tags, "a", 0);
    assert.equal(ask(tags, "a", 6_000), 6_000);
  });
  it("forgets who owes nothing", () => {
    const tags = new FairTags();
    for (let user = 0; user < 1_000; user++) ask(tags, `user ${user}`, user * STEP_MS * 2);
    assert.ok(tags.size <= 2, String(tags.size));
  });
  it("forgets them also behind one who always owes something", () => {
    const tags = new FairTags();
    ask(tags, "a", 0);
    for (let user = 0; user < 100; user++) ask(tags, `user ${user}`, 0);
    for (let login = 0; login < 1_000; login++) ask(tags, "a", 1);
    for (let login = 0; login < 100; login++) ask(tags, "b", 100_000);
    assert.equal(tags.size, 2);
  });
});
