// The journal against the world outside: a killed process, a second process, a disk that is full. Files that are not, or no
// longer, this worker's journal: open-journal.test.ts, journal-damage.test.ts.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { JournalUnusable } from "./journal-unusable.ts";
import { openJournal } from "./open-journal.ts";
import { endingOf, idOf, intentOf, WORKER_ID } from "./testdata/entries.ts";

const WRITER = join(import.meta.dirname, "testdata", "write-intents.ts");
const FILLER = join(import.meta.dirname, "testdata", "fill-disk.ts");
/** Enough that the kill falls into the middle of the work; each is one flush of the disk. */
const LINES_BEFORE_KILL = 40;

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "journal-"));
  path = join(dir, "journal.db");
});
afterEach(() => rmSync(dir, { recursive: true }));

const open = (newJournal = false) => openJournal({ path, workerId: WORKER_ID, now: () => 1_000_000, newJournal });

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
    for (const newJournal of [false, true]) {
      assert.throws(
        () => open(newJournal),
        (error) => error instanceof JournalUnusable && error.kind === "busy" && /another worker/.test(error.message),
      );
    }
    await kill(child);
    open().close();
  });

  it("refuses a second owner in the same process too", () => {
    const journal = open(true);
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
      journal = open(true);
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
    const journal = open(true);
    journal.recordIntent(intentOf(1));
    const modes = readdirSync(dir).map((name) => [name, (statSync(join(dir, name)).mode & 0o777).toString(8)]);
    journal.close();
    assert.deepStrictEqual(modes, [
      ["journal.db", "600"],
      ["journal.db-wal", "600"],
      ["journal.db-witness", "600"],
    ]);
  });
});

describe("a full disk", () => {
  it("stops the journal at the write that failed, and everything that was reported is there", () => {
    // `ulimit -f` is in blocks of 512 or 1024 bytes: no file of the child may grow beyond a few megabytes.
    const script = `ulimit -f 4000; exec "$0" "$@"`;
    const { stdout } = spawnSync("sh", ["-c", script, process.execPath, FILLER, path], { encoding: "utf8" });
    const lines = stdout.trim().split("\n");
    const [stop, failure, second] = lines.slice(-3);
    assert.equal(stop, "stop", "whoever wrote, the worker hears of it, once");
    assert.match(failure ?? "", /^failed: (database or disk is full|disk I\/O error)$/);
    // The limit is still there, but the journal must not even try: a flush that works after one that failed means nothing.
    assert.equal(second, "then: The journal takes nothing more: an earlier write failed");
    const printed = lines.slice(0, -3).map(Number);
    assert.ok(printed.length > 20, `${printed.length} intents before the limit`);
    const journal = open();
    for (const number of printed) assert.equal(journal.find(idOf(number))?.state, "intent");
    assert.ok(journal.unsettled().length <= printed.length + 1);
    journal.close();
  });

  it("is no reason to stop when only a constraint was broken", () => {
    const failed = (): void => assert.fail("nothing is wrong with the disk");
    const journal = openJournal({ path, workerId: WORKER_ID, now: () => 1_000_000, newJournal: true, failed });
    journal.recordIntent(intentOf(1));
    assert.throws(() => journal.recordIntent(intentOf(1)), /constraint/);
    journal.recordIntent(intentOf(2));
    journal.close();
  });
});

describe("a sealed password", () => {
  it("is nowhere in the closed file once the command is final", () => {
    const credential = "sealed-and-to-be-wiped".repeat(40);
    const journal = open(true);
    journal.recordIntent(intentOf(1, { credential }));
    journal.recordIntent(intentOf(2));
    journal.recordEnding(endingOf(1, "done"));
    journal.close();
    assert.equal(readFileSync(path).includes("sealed-and-to-be-wiped"), false);
    assert.equal(readFileSync(path).includes("sealed-2"), true);
  });
});
