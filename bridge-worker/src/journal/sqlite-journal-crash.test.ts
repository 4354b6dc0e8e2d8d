// The journal against the world outside: a killed process, a second process, foreign and damaged files, the disk's modes.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FORMAT_VERSION } from "./schema.ts";
import { JournalUnusable, openJournal } from "./sqlite-journal.ts";
import { intentOf, WORKER_ID } from "./testdata/entries.ts";

const WRITER = join(import.meta.dirname, "testdata", "write-intents.ts");
/** Enough that the kill falls into the middle of the work; each is one flush of the disk. */
const LINES_BEFORE_KILL = 40;

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "journal-"));
  path = join(dir, "journal.db");
});
afterEach(() => rmSync(dir, { recursive: true }));

const open = (workerId = WORKER_ID) => openJournal({ path, workerId, now: () => 1_000_000 });

/** Starts the writer on `path` and reads until it has printed so many lines. */
async function startWriter(lines: number): Promise<{ child: ChildProcess; printed: string[] }> {
  const child = spawn(process.execPath, [WRITER, path], { stdio: ["ignore", "pipe", "inherit"] });
  const printed: string[] = [];
  const reader = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    reader.on("line", (line) => {
      printed.push(line);
      if (printed.length === lines) resolve();
    });
    child.once("exit", (code) => reject(new Error(`the writer ended with ${code}`)));
  });
  return { child, printed };
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

/** Another program's hands on the closed file. */
function meddle(sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

describe("a journal whose process was killed", () => {
  it("has every intent and every ending that was reported as written", async () => {
    const { child, printed } = await startWriter(LINES_BEFORE_KILL);
    await kill(child);
    const journal = open();
    const interrupted = new Set(journal.interrupted().map(({ id }) => id));
    assert.ok(printed.length >= LINES_BEFORE_KILL);
    const ended = new Set(printed.filter((line) => line.startsWith("ending ")).map((line) => line.slice(7)));
    for (const id of printed.filter((line) => line.startsWith("intent ")).map((line) => line.slice(7))) {
      const entry = journal.find(id);
      assert.notEqual(entry, undefined, `${id} was printed and is lost`);
      if (ended.has(id)) assert.equal(entry?.state, "final");
      // The kill may have fallen between an ending's commit and its line: then it is final without having said so.
      else assert.equal(interrupted.has(id), entry?.state === "intent");
    }
    journal.close();
  });
});

describe("one process per journal", () => {
  it("refuses a second process while the first lives, and opens after its death", async () => {
    const { child } = await startWriter(1);
    assert.throws(open, (error) => error instanceof JournalUnusable && /another worker/.test(error.message));
    await kill(child);
    open().close();
  });

  it("refuses a second owner in the same process too", () => {
    const journal = open();
    assert.throws(open, JournalUnusable);
    journal.recordIntent(intentOf(1));
    journal.close();
  });
});

describe("the journal's file", () => {
  it("is committed in full: write-ahead log, every commit flushed", () => {
    // `synchronous` belongs to the connection and is in no file, so the test must catch the journal's own connection.
    const original = DatabaseSync.prototype.exec;
    let db: DatabaseSync | undefined;
    DatabaseSync.prototype.exec = function exec(this: DatabaseSync, sql: string): void {
      db = this;
      original.call(this, sql);
    };
    let journal: ReturnType<typeof open>;
    try {
      journal = open();
    } finally {
      DatabaseSync.prototype.exec = original;
    }
    const FULL = 2;
    assert.equal(db?.prepare("pragma synchronous").get()?.synchronous, FULL);
    assert.equal(db?.prepare("pragma journal_mode").get()?.journal_mode, "wal");
    assert.equal(db?.prepare("pragma locking_mode").get()?.locking_mode, "exclusive");
    journal.close();
  });

  it("can be read by its owner alone, the write-ahead log included", () => {
    const journal = open();
    journal.recordIntent(intentOf(1));
    const modes = readdirSync(dir).map((name) => [name, (statSync(join(dir, name)).mode & 0o777).toString(8)]);
    journal.close();
    assert.deepStrictEqual(modes, [
      ["journal.db", "600"],
      ["journal.db-wal", "600"],
    ]);
  });
});

describe("a file that is not this worker's journal", () => {
  const refused = (message: RegExp, workerId?: string): void => {
    assert.throws(
      () => open(workerId),
      (error) => error instanceof JournalUnusable && message.test(error.message),
    );
  };

  it("is refused when it is another worker's, both named", () => {
    open().close();
    refused(/worker "worker-1", not "worker-2"/, "worker-2");
    open().close();
  });

  it("is refused in another format, newer or older", () => {
    open().close();
    for (const version of [FORMAT_VERSION + 1, FORMAT_VERSION - 1]) {
      meddle(`pragma user_version = ${version}`);
      refused(new RegExp(`has format ${version}; this worker reads ${FORMAT_VERSION}`));
    }
  });

  it("is refused, and not written to, when it is another program's database", () => {
    meddle("create table theirs (x); insert into theirs values (42);");
    const before = readFileSync(path);
    refused(/not a Switchyard journal/);
    assert.deepStrictEqual(readFileSync(path), before);
    assert.deepStrictEqual(readdirSync(dir), ["journal.db"]);
  });

  it("is refused when its header row is gone", () => {
    open().close();
    meddle("delete from journal");
    refused(/lost its header/);
  });

  it("is refused when it is no database at all", () => {
    writeFileSync(path, "no journal, but a text file of some length\n".repeat(200));
    refused(/cannot be/);
    assert.match(readFileSync(path, "utf8"), /^no journal/);
  });

  it("is refused when it is empty: somebody has cut it, and what was in it is not known", () => {
    writeFileSync(path, "");
    refused(/not a Switchyard journal/);
  });

  it("is refused when it is torn", () => {
    const journal = open();
    for (let number = 1; number <= 200; number++) journal.recordIntent(intentOf(number));
    journal.close();
    truncateSync(path, Math.floor(statSync(path).size / 2));
    assert.throws(open, JournalUnusable);
  });

  it("is refused when it lies in a folder that does not exist", () => {
    path = join(dir, "nowhere", "journal.db");
    refused(/cannot be opened/);
  });
});
