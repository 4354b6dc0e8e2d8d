// Which file is opened as this worker's memory, and which is refused; and what `--new-journal` does to each of them.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Unusable } from "./journal-unusable.ts";
import { JournalUnusable } from "./journal-unusable.ts";
import { openJournal } from "./open-journal.ts";
import { FORMAT_VERSION } from "./schema.ts";
import { endingOf, idOf, intentOf, WORKER_ID } from "./testdata/entries.ts";

const MADE_AT_MS = 1_000_000;
const LATER_MS = 2_000_000;

let dir: string;
let path: string;
let nowMs: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "journal-"));
  path = join(dir, "journal.db");
  nowMs = MADE_AT_MS;
});
afterEach(() => rmSync(dir, { recursive: true }));

const open = (newJournal = false, workerId = WORKER_ID) =>
  openJournal({ path, workerId, now: () => nowMs, newJournal });
const witness = (): string => readFileSync(`${path}-witness`, "utf8");
/** A sound journal with one open command, closed. */
function make(): void {
  const journal = open(true);
  journal.recordIntent(intentOf(1));
  journal.close();
  nowMs = LATER_MS;
}
/** Another program's hands on the closed file. */
function meddle(sql: string): void {
  const db = new DatabaseSync(path);
  db.function("row_sum", { varargs: true }, () => 0);
  db.exec(sql);
  db.close();
}
/** The message must name the file and the way out. */
function refused(kind: Unusable, message: RegExp, workerId = WORKER_ID): void {
  assert.throws(
    () => open(false, workerId),
    (error) => {
      assert.ok(error instanceof JournalUnusable);
      assert.equal(error.kind, kind);
      assert.match(error.message, message);
      assert.ok(error.message.includes(path), error.message);
      if (kind !== "busy" && kind !== "disk") assert.match(error.message, /--new-journal/);
      return true;
    },
  );
}

describe("a start without a journal", () => {
  it("is refused, and makes none: the one that is lost may have sent orders", () => {
    refused("missing", /There is no journal/);
    assert.deepStrictEqual(readdirSync(dir), []);
  });

  it("makes one when a person says so, that knows of nothing before", () => {
    const journal = open(true);
    assert.equal(journal.createdAt, MADE_AT_MS);
    assert.equal(journal.knowsSince, MADE_AT_MS);
    journal.close();
    nowMs = LATER_MS;
    const again = open();
    assert.equal(again.knowsSince, MADE_AT_MS);
    again.close();
  });

  it("does not take the log of a lost journal for the new one's, nor throw it away", () => {
    const lost = open(true);
    lost.recordIntent(intentOf(1));
    copyFileSync(`${path}-wal`, join(dir, "kept"));
    lost.close();
    rmSync(path);
    copyFileSync(join(dir, "kept"), `${path}-wal`);
    const journal = open(true);
    assert.equal(journal.find(idOf(1)), undefined);
    journal.close();
    assert.deepStrictEqual(readFileSync(`${path}.1970-01-01T00-16-40-000Z-wal`), readFileSync(join(dir, "kept")));
  });

  it("is refused in a folder that does not exist", () => {
    path = join(dir, "nowhere", "journal.db");
    assert.throws(
      () => open(true),
      (error) => error instanceof JournalUnusable && error.kind === "disk" && error.message.includes(path),
    );
  });
});

describe("a journal that was put back from a copy", () => {
  it("is refused when it is older than its witness, and left as it is", () => {
    make();
    copyFileSync(path, join(dir, "copy"));
    const journal = open();
    journal.recordEnding(endingOf(1, "done"));
    journal.close();
    copyFileSync(join(dir, "copy"), path);
    refused("restored", /has 1 writes, and its witness saw 2/);
    refused("restored", /is a copy/);
  });

  it("is known as ours, and as a copy, when the log was left behind in the copying", () => {
    const journal = open(true);
    journal.recordIntent(intentOf(1));
    copyFileSync(path, join(dir, "copy"));
    journal.close();
    copyFileSync(join(dir, "copy"), path);
    refused("restored", /has 0 writes, and its witness saw 1/);
  });

  for (const write of ["recordIntent", "recordEnding", "acknowledge", "compact"] as const) {
    it(`is told by one ${write} that it misses`, () => {
      make();
      const prepared = open();
      prepared.recordEnding(endingOf(1, "unknown", false));
      prepared.close();
      copyFileSync(path, join(dir, "copy"));
      const journal = open();
      if (write === "recordIntent") journal.recordIntent(intentOf(2));
      if (write === "recordEnding") journal.recordEnding(endingOf(3, "expired"));
      if (write === "acknowledge") journal.acknowledge(idOf(1));
      if (write === "compact") journal.compact(nowMs);
      journal.close();
      copyFileSync(join(dir, "copy"), path);
      refused("restored", /witness saw 3/);
    });
  }

  it("is refused beside the witness of another journal, beside none, and beside one that cannot be read", () => {
    make();
    const own = witness();
    writeFileSync(
      `${path}-witness`,
      own.replace(/^[0-9a-f]{8}/, (start) => (start === "00000000" ? "11111111" : "00000000")),
    );
    refused("restored", /belongs to another journal/);
    for (const unreadable of ["", own.slice(1), `${own}\n`]) {
      writeFileSync(`${path}-witness`, unreadable);
      refused("restored", /missing or cannot be read/);
    }
    rmSync(`${path}-witness`);
    refused("restored", /missing or cannot be read/);
    writeFileSync(`${path}-witness`, own);
    open().close();
  });

  it("is taken when the witness is behind: the process died between the commit and the word to the witness", () => {
    make();
    writeFileSync(`${path}-witness`, witness().replace("1\n", "0\n"));
    const journal = open();
    assert.equal(journal.find(idOf(1))?.state, "intent");
    journal.close();
  });

  it("is kept when a person says so, but knows of nothing before that moment that it does not hold", () => {
    make();
    rmSync(`${path}-witness`);
    const journal = open(true);
    assert.equal(journal.find(idOf(1))?.state, "intent");
    assert.equal(journal.createdAt, MADE_AT_MS);
    assert.equal(journal.knowsSince, LATER_MS);
    journal.close();
    assert.deepStrictEqual(readdirSync(dir), ["journal.db", "journal.db-witness"]);
    const again = open();
    assert.equal(again.knowsSince, LATER_MS);
    again.close();
  });
});

describe("--new-journal", () => {
  it("does a sound journal no harm, but the copies of before are told from it", () => {
    make();
    copyFileSync(path, join(dir, "copy"));
    open(true).close();
    const journal = open();
    assert.equal(journal.find(idOf(1))?.state, "intent");
    journal.close();
    copyFileSync(join(dir, "copy"), path);
    refused("restored", /another journal/);
  });

  it("never moves the age back, when the clock was", () => {
    make();
    open(true).close();
    nowMs = MADE_AT_MS;
    const journal = open(true);
    assert.equal(journal.knowsSince, LATER_MS);
    journal.close();
  });

  it("moves another program's file aside whole, and makes a new journal", () => {
    writeFileSync(path, "no journal, but a text file\n");
    nowMs = Date.UTC(2026, 2, 4, 5, 6, 7, 8);
    const journal = open(true);
    assert.equal(journal.knowsSince, nowMs);
    journal.close();
    assert.equal(readFileSync(`${path}.2026-03-04T05-06-07-008Z`, "utf8"), "no journal, but a text file\n");
    open().close();
  });

  it("moves another worker's journal aside, with its witness, fit to be put back", () => {
    make();
    open(true, "worker-2").close();
    rmSync(path);
    rmSync(`${path}-witness`);
    for (const suffix of ["", "-witness"]) copyFileSync(`${path}.1970-01-01T00-33-20-000Z${suffix}`, path + suffix);
    const journal = open();
    assert.equal(journal.find(idOf(1))?.state, "intent");
    journal.close();
  });

  it("overwrites nothing that was moved aside before", () => {
    for (const text of ["first", "second"]) {
      writeFileSync(path, text.repeat(50));
      if (text === "first") open(true).close();
      else assert.throws(() => open(true), /is there already/);
    }
    assert.match(readFileSync(path, "utf8"), /^second/);
  });
});

describe("a file that is not this worker's journal", () => {
  it("is refused when it is another worker's, both named", () => {
    make();
    refused("unfit", /worker "worker-1", not "worker-2"/, "worker-2");
    open().close();
  });

  it("is refused in another format, newer or older", () => {
    make();
    for (const version of [FORMAT_VERSION + 1, FORMAT_VERSION - 1]) {
      meddle(`pragma user_version = ${version}`);
      refused("unfit", new RegExp(`has format ${version}; this worker reads ${FORMAT_VERSION}`));
    }
  });

  it("is refused, and not written to, when it is another program's database", () => {
    meddle("create table theirs (x); insert into theirs values (42);");
    const before = readFileSync(path);
    refused("unfit", /not a Switchyard journal/);
    assert.deepStrictEqual(readFileSync(path), before);
    assert.deepStrictEqual(readdirSync(dir), ["journal.db"]);
  });

  it("is refused when its header row is gone", () => {
    make();
    meddle("delete from journal");
    refused("unfit", /lost its header/);
  });

  it("is refused when a table, an index or a trigger is not as it was made", () => {
    for (const sql of ["drop trigger command_inserted", "drop index command_tag", "create table more (x)"]) {
      make();
      meddle(sql);
      refused("unfit", /its tables are not as they were made/);
      rmSync(path);
      rmSync(`${path}-witness`);
    }
  });

  it("is refused when it is no database at all", () => {
    writeFileSync(path, "no journal, but a text file of some length\n".repeat(200));
    refused("unfit", /is no journal/);
    assert.match(readFileSync(path, "utf8"), /^no journal/);
  });

  it("is refused when it is empty: somebody has cut it, and what was in it is not known", () => {
    writeFileSync(path, "");
    refused("unfit", /not a Switchyard journal/);
  });
});
