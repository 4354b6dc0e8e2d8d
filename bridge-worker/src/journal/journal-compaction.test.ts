// What the journal forgets and what it never does: an open command, an answer nobody has taken, whose order a tag is, and
// the age from which it does not know.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ManualClock } from "../../../tests/support/manual-clock.ts";
import type { Log } from "../log.ts";
import { COMPACT_EVERY_MS, COMPACT_PAUSE_MS, KEEP_COMMANDS_MS, startCompaction } from "./compaction.ts";
import type { Journal } from "./journal.ts";
import { openJournal } from "./open-journal.ts";
import { COMPACT_BATCH } from "./sqlite-journal.ts";
import { endingOf, idOf, intentOf, USER_ID, WORKER_ID } from "./testdata/entries.ts";

const MADE_AT_MS = 1_000_000;

describe("compaction", () => {
  let dir: string;
  let path: string;
  let nowMs: number;
  let journal: Journal;

  const open = (newJournal = false): Journal =>
    openJournal({ path, workerId: WORKER_ID, now: () => nowMs, newJournal });
  /** Ended at the present moment, and told. */
  const end = (number: number): void => {
    journal.recordIntent(intentOf(number));
    journal.recordEnding(endingOf(number, "done"));
    journal.confirmDelivery(idOf(number), "done");
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "journal-"));
    path = join(dir, "journal.db");
    nowMs = MADE_AT_MS;
    journal = open(true);
  });
  afterEach(() => {
    journal.close();
    rmSync(dir, { recursive: true });
  });

  it("forgets what ended before the moment, and not what ended at it", () => {
    end(1);
    nowMs += 1;
    end(2);
    assert.equal(journal.compact(nowMs), 1);
    assert.equal(journal.find(idOf(1)), undefined);
    assert.equal(journal.find(idOf(2))?.state, "final");
  });

  it("never forgets an open command: begun, or unknown and told", () => {
    journal.recordIntent(intentOf(1));
    journal.recordIntent(intentOf(2));
    journal.recordEnding(endingOf(2, "unknown", false));
    journal.confirmDelivery(idOf(2), "unknown");
    journal.acknowledge(idOf(2));
    assert.equal(journal.compact(nowMs + 1), 0);
    assert.deepStrictEqual(
      journal.unsettled().map(({ id }) => id),
      [idOf(1), idOf(2)],
    );
  });

  it("never forgets a result that has not been taken", () => {
    journal.recordEnding(endingOf(1, "expired"));
    assert.equal(journal.compact(nowMs + 1), 0);
    assert.deepStrictEqual(journal.undelivered(10), [{ id: idOf(1), result: "expired" }]);
  });

  it("keeps for ever whose order a tag is, and lets neither the tag nor the id begin again", () => {
    end(1);
    journal.compact(nowMs + 1);
    const owner = { id: idOf(1), userId: USER_ID, request: intentOf(1).request };
    assert.deepStrictEqual(journal.tagOwner(intentOf(1).tag), owner);
    assert.throws(() => journal.recordIntent(intentOf(2, { tag: intentOf(1).tag })), /constraint/);
    assert.throws(() => journal.recordIntent(intentOf(1, { tag: 2 ** 41 })), /constraint/);
    journal.recordIntent(intentOf(3));
  });

  it("does not claim to know what is older than what it has forgotten, also after a start", () => {
    end(1);
    nowMs += 5000;
    assert.equal(journal.compact(MADE_AT_MS), 0);
    assert.equal(journal.knowsSince, MADE_AT_MS);
    journal.compact(MADE_AT_MS + 1000);
    assert.equal(journal.knowsSince, MADE_AT_MS + 1000);
    journal.close();
    journal = open();
    assert.equal(journal.knowsSince, MADE_AT_MS + 1000);
    assert.equal(journal.createdAt, MADE_AT_MS);
  });

  it("does not move that age back, and not for nothing", () => {
    end(1);
    end(2);
    journal.close();
    nowMs += 5000;
    journal = open(true);
    assert.equal(journal.compact(MADE_AT_MS + 1), 2);
    assert.equal(journal.knowsSince, nowMs);
    assert.equal(journal.compact(nowMs + 9000), 0);
    assert.equal(journal.knowsSince, nowMs);
  });

  it("takes a batch at a time, the oldest first", () => {
    for (let number = 1; number <= COMPACT_BATCH + 1; number++) {
      nowMs += 1;
      end(number);
    }
    assert.equal(journal.compact(nowMs + 1), COMPACT_BATCH);
    assert.equal(journal.find(idOf(COMPACT_BATCH))?.state, undefined);
    assert.equal(journal.find(idOf(COMPACT_BATCH + 1))?.state, "final");
    assert.equal(journal.compact(nowMs + 1), 1);
  });
});

describe("the compaction's timer", () => {
  const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, scope: () => quiet };

  function start(counts: (number | Error)[]) {
    const clock = new ManualClock();
    const asked: number[] = [];
    const fatal: unknown[] = [];
    const compact = (endedBeforeMs: number): number => {
      asked.push(endedBeforeMs);
      const count = counts.shift() ?? 0;
      if (count instanceof Error) throw count;
      return count;
    };
    const { after, wallClock } = clock;
    const stop = startCompaction({
      ...{ journal: { compact }, after, wallClock, log: quiet },
      fatal: (error) => fatal.push(error),
    });
    return { clock, asked, fatal, stop };
  }

  it("asks at the start for what is 30 days old, and again a day later", () => {
    const { clock, asked } = start([]);
    assert.deepStrictEqual(asked, [clock.wallClock() - KEEP_COMMANDS_MS]);
    clock.advance(COMPACT_EVERY_MS - 1);
    assert.equal(asked.length, 1);
    clock.advance(1);
    assert.deepStrictEqual(asked.slice(1), [clock.wallClock() - KEEP_COMMANDS_MS]);
    assert.equal(KEEP_COMMANDS_MS, 30 * 24 * 3600 * 1000);
  });

  it("goes on after a pause until nothing is left, then waits for the next day", () => {
    const { clock, asked } = start([500, 3, 0]);
    clock.advance(COMPACT_PAUSE_MS);
    clock.advance(COMPACT_PAUSE_MS);
    assert.equal(asked.length, 3);
    clock.advance(COMPACT_PAUSE_MS);
    assert.equal(asked.length, 3);
  });

  it("asks no more once it is stopped", () => {
    const { clock, asked, stop } = start([]);
    stop();
    clock.advance(COMPACT_EVERY_MS);
    assert.equal(asked.length, 1);
  });

  it("stops the worker when the journal cannot be written, and does not try again", () => {
    const { clock, asked, fatal } = start([new Error("disk full")]);
    assert.match(String(fatal[0]), /disk full/);
    clock.advance(COMPACT_EVERY_MS);
    assert.equal(asked.length, 1);
  });
});
