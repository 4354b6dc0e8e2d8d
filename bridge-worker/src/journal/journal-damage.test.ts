// Damage of the disk: whatever is cut off or flipped, the journal either says exactly what was written or is refused.
// Never a row that was not written, never a lost one in silence.
import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Journal } from "./journal.ts";
import { JournalUnusable } from "./journal-unusable.ts";
import { openJournal } from "./open-journal.ts";
import { ACCOUNT, endingOf, idOf, intentOf, USER_ID, WORKER_ID } from "./testdata/entries.ts";

const SUFFIXES = ["", "-wal", "-witness"];
const FRAME_HEADER_BYTES = 24;
const PAGE_BYTES = 4096;
/** Prime to page, cell and field sizes: the flips fall on every kind of byte. */
const FLIP_STEP_BYTES = 61;
/** In memory where there is such a place: the bytes matter here, not the flushes, and there are thousands of starts. */
const FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(FOLDER, "journal-"));
  path = join(dir, "journal.db");
});
afterEach(() => rmSync(dir, { recursive: true }));

const open = (newJournal = false, at = path) =>
  openJournal({ path: at, workerId: WORKER_ID, now: () => 1_000_000, newJournal });
/** Another program's hands on the closed file: it writes past the sums. */
function meddle(sql: string): void {
  const db = new DatabaseSync(path);
  db.function("row_sum", { varargs: true }, () => 0);
  db.enableDefensive(false);
  db.exec(sql);
  db.close();
}

/** The same while one trigger is away. */
function meddleWithout(trigger: string, sql: string): void {
  const db = new DatabaseSync(path);
  const text = String(db.prepare("select sql from sqlite_schema where name = ?").get(trigger)?.sql);
  db.close();
  meddle(`drop trigger ${trigger}; ${sql}; ${text}`);
}

/** Everything that the journal answers. */
function everything(journal: Journal): unknown {
  const proof = { userId: USER_ID, account: ACCOUNT, credentialHash: "hash" };
  const numbers = [1, 2, 3, 4, 5, 6];
  return {
    entries: numbers.map((number) => journal.find(idOf(number))),
    owners: numbers.map((number) => journal.tagOwner(2 ** 40 + number)),
    unsettled: journal.unsettled(),
    of: journal.unsettledOf(ACCOUNT),
    undelivered: journal.undelivered(10),
    proven: [journal.isProven(proof, 5000), journal.isProven(proof, 5001)],
    marks: journal.markSurvival(ACCOUNT.server),
    risk: journal.riskCounters(ACCOUNT),
    times: [journal.createdAt, journal.knowsSince],
  };
}

function fill(journal: Journal): void {
  for (const number of [1, 2, 3, 4]) journal.recordIntent(intentOf(number));
  journal.recordEnding(endingOf(2, "done"));
  journal.recordEnding({ ...endingOf(3, "unknown", false), evidence: { phase: "sending" } });
  journal.recordEnding(endingOf(5, "expired"));
  journal.confirmDelivery(idOf(2), "done");
  journal.prove({ userId: USER_ID, account: ACCOUNT, credentialHash: "hash" }, 5000);
  journal.recordMarkCheck(ACCOUNT, { magic: true, comment: false });
  journal.saveRiskCounters(ACCOUNT, { day: "2026-03-02", dayStartEquity: 1000.25, peakEquity: 1200.5 });
}

/** The files of a crash: copied away while the journal is open. */
function snapshot(name: string): void {
  for (const suffix of SUFFIXES) copyFileSync(path + suffix, join(dir, name + suffix));
}

describe("the tail of the write-ahead log, cut at every byte", () => {
  /** Journal files after `work`, as a crash leaves them, and how long the log was before. */
  function crashAfter(work: (journal: Journal) => void): { before: unknown; after: unknown; from: number; to: number } {
    const filled = open(true);
    fill(filled);
    filled.close();
    // A short log, because it is gone through for every cut; and not an empty one.
    const journal = open();
    journal.recordEnding(endingOf(6, "cancelled"));
    const before = everything(journal);
    const from = statSync(`${path}-wal`).size;
    snapshot("early");
    work(journal);
    const after = everything(journal);
    const to = statSync(`${path}-wal`).size;
    snapshot("late");
    journal.close();
    return { before, after, from, to };
  }

  /** Opens the late database and log, the log cut at `length`, beside the given witness. */
  function openCut(length: number, witness: "early" | "late"): Journal {
    const at = join(dir, "cut.db");
    for (const name of readdirSync(dir)) if (name.startsWith("cut.db")) rmSync(join(dir, name));
    copyFileSync(join(dir, "late"), at);
    copyFileSync(join(dir, "late-wal"), `${at}-wal`);
    truncateSync(`${at}-wal`, length);
    copyFileSync(join(dir, `${witness}-witness`), `${at}-witness`);
    return open(false, at);
  }

  it("leaves the state of before until the last byte is there, when nobody had been told", () => {
    const { before, after, from, to } = crashAfter((journal) => journal.recordEnding(endingOf(1, "done")));
    assert.ok(to > from + FRAME_HEADER_BYTES + PAGE_BYTES, "several frames, and the last of them commits");
    // Every byte of the last frame, and one cut within each frame before it.
    const frame = FRAME_HEADER_BYTES + PAGE_BYTES;
    const cuts = [...range(from, to - frame, frame / 2), ...range(to - frame, to + 1, 1)];
    for (const length of cuts) {
      const journal = openCut(length, "early");
      const found = everything(journal);
      journal.close();
      assert.deepStrictEqual(found, length < to ? before : after, `cut at ${length} of ${to}`);
    }
  });

  it("is refused when the write had been told: the disk has lost what it had flushed", () => {
    const { from, to } = crashAfter((journal) => journal.recordEnding(endingOf(1, "done")));
    for (const length of [0, from, to - 1]) {
      assert.throws(
        () => openCut(length, "late"),
        (error) => error instanceof JournalUnusable && error.kind === "restored",
        `cut at ${length} of ${to}`,
      );
    }
    openCut(to, "late").close();
  });
});

describe("a flipped bit", () => {
  it("anywhere in the file: refused, or without effect", () => {
    const journal = open(true);
    fill(journal);
    const whole = everything(journal);
    journal.close();
    const sound = readFileSync(path);
    const witness = readFileSync(`${path}-witness`);
    const seen = { refused: 0, withoutEffect: 0 };
    for (let at = 0; at < sound.length; at += FLIP_STEP_BYTES) {
      const bytes = Buffer.from(sound);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      for (const name of readdirSync(dir)) rmSync(join(dir, name));
      writeFileSync(path, bytes);
      writeFileSync(`${path}-witness`, witness);
      let opened: Journal;
      try {
        opened = open();
      } catch (error) {
        assert.ok(error instanceof JournalUnusable, String(error));
        assert.ok(error.message.includes(path));
        seen.refused += 1;
        continue;
      }
      try {
        assert.deepStrictEqual(everything(opened), whole, `bit ${at % 8} of byte ${at}`);
      } finally {
        opened.close();
      }
      seen.withoutEffect += 1;
    }
    assert.ok(seen.refused > 100, JSON.stringify(seen));
    assert.ok(seen.withoutEffect > 100, JSON.stringify(seen));
  });

  const rows: Record<string, string> = {
    "a tag": "update command set tag = tag + 1024 where tag is not null",
    "a plan": `update command set plan = replace(plan, '1', '3')`,
    "a state": "update command set state = 'final' where state = 'unknown'",
    "a request": `update tag_owner set request = replace(request, 'buy', 'bux')`,
    "a proof's time": "update proof set proven_at = proven_at + 1",
    "a mark": "update mark set comment = 1",
    "a peak": "update risk set peak_equity = peak_equity * 2",
    "the age": "update journal set knows_since = 0",
  };
  for (const [what, sql] of Object.entries(rows)) {
    it(`in ${what} is told by the row's sum`, () => {
      const journal = open(true);
      fill(journal);
      journal.close();
      // As a flip does it: the row changes and its sum does not.
      meddleWithout(`${/update (\w+)/.exec(sql)?.[1]}_updated`, sql);
      assert.throws(
        open,
        (error) => error instanceof JournalUnusable && /not as they were written/.test(error.message),
      );
    });
  }
});

describe("a journal that lost a part", () => {
  it("is refused when it is cut, at whatever page", () => {
    const journal = open(true);
    fill(journal);
    journal.close();
    const sound = readFileSync(path);
    for (let length = sound.length - 1; length >= 0; length -= PAGE_BYTES / 2) {
      writeFileSync(path, sound.subarray(0, length));
      assert.throws(open, (error) => error instanceof JournalUnusable && error.kind === "unfit", `cut at ${length}`);
    }
  });

  for (const [table, trigger] of [
    ["command", "command_went"],
    // Nothing counts down there, because nothing ever goes.
    ["tag_owner", "tag_owner_updated"],
  ] as const) {
    it(`is refused when a row of ${table} is gone without a trace`, () => {
      const journal = open(true);
      fill(journal);
      journal.close();
      meddleWithout(trigger, `delete from ${table} where rowid = (select max(rowid) from ${table})`);
      assert.throws(open, (error) => error instanceof JournalUnusable && /1 row\(s\) are missing/.test(error.message));
    });
  }

  it("is refused when an index misses a row: that id would be begun again", () => {
    const journal = open(true);
    fill(journal);
    journal.close();
    meddle(
      `pragma writable_schema = 1; update sqlite_schema set sql = sql || ' and tag <> 1099511627777' where name = 'command_tag'`,
    );
    meddle(
      "reindex command_tag; pragma writable_schema = 1; update sqlite_schema set sql = replace(sql, ' and tag <> 1099511627777', '') where name = 'command_tag'",
    );
    assert.throws(
      open,
      (error) => error instanceof JournalUnusable && /missing from index command_tag/.test(error.message),
    );
  });

  it("is moved aside, bytes unchanged, and made new when a person says so", () => {
    const journal = open(true);
    fill(journal);
    journal.close();
    truncateSync(path, Math.floor(statSync(path).size / 2));
    const torn = readFileSync(path);
    open(true).close();
    assert.deepStrictEqual(readFileSync(`${path}.1970-01-01T00-16-40-000Z`), torn);
    const fresh = open();
    assert.equal(fresh.find(idOf(1)), undefined);
    fresh.close();
  });
});

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, index) => from + index * step);
}
