// Learning a broker's clock from ticks: what is believed at once, what after a second tick, what never.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { BrokerClock, brokerTime } from "./broker-clock.ts";

const SERVER = "MetaQuotes-Demo";
const UTC = Date.UTC(2026, 2, 2, 10, 0, 0);
const HOUR = 3600 * 1000;
const MINUTE = 60 * 1000;

describe("BrokerClock", () => {
  let clock: BrokerClock;
  beforeEach(() => {
    clock = new BrokerClock();
  });

  it("knows nothing before it has seen a tick", () => {
    assert.equal(clock.offsetMs(SERVER), undefined);
    assert.equal(clock.toUtc(SERVER, UTC), null);
  });

  for (const hours of [0, 2, 3, 5.5, -5, -3.5, 14, -12]) {
    it(`believes one fresh tick of a broker at UTC${hours < 0 ? "" : "+"}${hours}`, () => {
      clock.observe(SERVER, UTC + hours * HOUR - 250, UTC);
      assert.ok(clock.offsetMs(SERVER) === hours * HOUR);
      assert.equal(clock.toUtc(SERVER, UTC + hours * HOUR), new Date(UTC).toISOString());
    });
  }

  it("says which of the broker's times a moment is, and which it may be while the offset is not known", () => {
    const { earliestMsc, latestMsc } = clock.toBroker(SERVER, UTC);
    assert.deepEqual([UTC - earliestMsc, latestMsc - UTC], [12 * HOUR, 14 * HOUR]);
    assert.deepEqual(clock.toBroker(SERVER, HOUR), { earliestMsc: 0, latestMsc: 15 * HOUR });
    clock.observe(SERVER, UTC + 2 * HOUR, UTC);
    assert.deepEqual(clock.toBroker(SERVER, UTC), { earliestMsc: UTC + 2 * HOUR, latestMsc: UTC + 2 * HOUR });
  });

  for (const hours of [14.5, -12.5]) {
    it(`does not believe a zone that does not exist: UTC${hours < 0 ? "" : "+"}${hours}`, () => {
      clock.observe(SERVER, UTC + hours * HOUR, UTC);
      assert.equal(clock.offsetMs(SERVER), undefined);
    });
  }

  it("believes a single tick up to 3 s of age", () => {
    clock.observe(SERVER, UTC + 2 * HOUR - 3001, UTC);
    assert.equal(clock.offsetMs(SERVER), undefined);
    clock.observe("Other", UTC + 2 * HOUR - 3000, UTC);
    assert.equal(clock.offsetMs("Other"), 2 * HOUR);
  });

  it("believes a tick that is a little ahead of our own clock", () => {
    clock.observe(SERVER, UTC + 2 * HOUR + 3000, UTC);
    assert.equal(clock.offsetMs(SERVER), 2 * HOUR);
  });

  it("believes two different ticks of up to a minute that agree", () => {
    clock.observe(SERVER, UTC + 2 * HOUR - 59_000, UTC);
    assert.equal(clock.offsetMs(SERVER), undefined);
    clock.observe(SERVER, UTC + 2 * HOUR + MINUTE - 60_000, UTC + MINUTE);
    assert.equal(clock.offsetMs(SERVER), 2 * HOUR);
  });

  it("does not believe one tick seen twice, nor two that disagree, nor one of more than a minute", () => {
    const old = UTC + 2 * HOUR - 20_000;
    clock.observe(SERVER, old, UTC);
    clock.observe(SERVER, old, UTC + 1000);
    assert.equal(clock.offsetMs(SERVER), undefined);
    clock.observe(SERVER, old + HOUR, UTC + 1000);
    assert.equal(clock.offsetMs(SERVER), undefined);
    for (const late of [0, MINUTE]) clock.observe("Other", UTC + late + 2 * HOUR - 60_001, UTC + late);
    assert.equal(clock.offsetMs("Other"), undefined);
  });

  it("learns nothing from a closed market, and keeps what it knew", () => {
    const friday = Date.UTC(2026, 2, 6, 21, 59, 58);
    clock.observe(SERVER, friday + 2 * HOUR, friday);
    for (let hour = 1; hour <= 49; hour++) clock.observe(SERVER, friday + 2 * HOUR, friday + hour * HOUR + 7 * MINUTE);
    assert.equal(clock.offsetMs(SERVER), 2 * HOUR);
  });

  it("is not moved by the last ticks of closed markets, however often they are looked at", () => {
    const friday = Date.UTC(2026, 2, 6, 21, 59, 58);
    const lastTicks = [friday + 2 * HOUR - 7_000, friday + 2 * HOUR];
    for (const tick of lastTicks) clock.observe(SERVER, tick, friday);
    for (let utc = friday; utc < friday + 49 * HOUR; utc += 1000) {
      for (const tick of lastTicks) {
        clock.observe(SERVER, tick, utc);
        clock.observe("Unknown yet", tick, utc + 7 * MINUTE);
      }
    }
    assert.equal(clock.offsetMs(SERVER), 2 * HOUR);
    assert.equal(clock.offsetMs("Unknown yet"), undefined);
  });

  it("is not moved by a symbol that has not ticked for half an hour, beside one that has", () => {
    clock.observe(SERVER, UTC + 2 * HOUR, UTC);
    clock.observe(SERVER, UTC + 2 * HOUR - HOUR / 2, UTC);
    assert.equal(clock.offsetMs(SERVER), 2 * HOUR);
  });

  it("follows a clock that is set back once ticks have passed the old ones", () => {
    clock.observe(SERVER, UTC + 3 * HOUR, UTC);
    clock.observe(SERVER, UTC + 2 * HOUR + MINUTE, UTC + MINUTE);
    assert.equal(clock.offsetMs(SERVER), 3 * HOUR);
    clock.observe(SERVER, UTC + 3 * HOUR + MINUTE, UTC + HOUR + MINUTE);
    assert.equal(clock.offsetMs(SERVER), 2 * HOUR);
  });

  it("knows nothing when it first looks in the middle of a weekend", () => {
    const lastTick = Date.UTC(2026, 2, 6, 21, 59, 58) + 2 * HOUR;
    for (let minute = 7; minute < 2880; minute += 30)
      clock.observe(SERVER, lastTick, lastTick - 2 * HOUR + minute * MINUTE);
    assert.equal(clock.offsetMs(SERVER), undefined);
  });

  it("follows a change to summer time with the first fresh tick", () => {
    clock.observe(SERVER, UTC + 2 * HOUR, UTC);
    clock.observe(SERVER, UTC + 24 * HOUR + 3 * HOUR, UTC + 24 * HOUR);
    assert.equal(clock.offsetMs(SERVER), 3 * HOUR);
  });

  it("keeps servers apart", () => {
    clock.observe(SERVER, UTC + 2 * HOUR, UTC);
    clock.observe("Other", UTC - 5 * HOUR, UTC);
    assert.deepStrictEqual([clock.offsetMs(SERVER), clock.offsetMs("Other")], [2 * HOUR, -5 * HOUR]);
  });

  it("shows no time where the terminal shows none", () => {
    clock.observe(SERVER, UTC, UTC);
    assert.equal(clock.toUtc(SERVER, 0), null);
  });
});

describe("brokerTime", () => {
  it("has the terminal's digits and no zone", () => {
    assert.equal(brokerTime(Date.UTC(2026, 2, 2, 12, 0, 0, 7)), "2026-03-02T12:00:00.007");
  });
});

it("shows what no calendar has as the nearest that one has, and never as a moment of UTC", () => {
  const clock = new BrokerClock();
  clock.observe(SERVER, UTC, UTC);
  for (const msc of [Number.MAX_SAFE_INTEGER, 253_402_300_800_000]) {
    assert.equal(brokerTime(msc), "9999-12-31T23:59:59.999");
    assert.equal(clock.toUtc(SERVER, msc), null);
  }
  assert.equal(brokerTime(-Number.MAX_SAFE_INTEGER), "1970-01-01T00:00:00.000");
  assert.equal(clock.toUtc(SERVER, -1), null);
});
