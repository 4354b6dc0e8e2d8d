// Opens the journal at a start, and refuses whatever is not, as it stands, the memory of this worker: a memory with a gap
// may forget an order that it sent. `--new-journal` is the word of a person that there is a gap, and from when.
import { randomUUID } from "node:crypto";
import { closeSync, existsSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Log } from "../log.ts";
import { checkJournal } from "./check-journal.ts";
import { filesOf, setAside, witnessOf } from "./files.ts";
import type { Journal } from "./journal.ts";
import { JournalUnusable, unusableBecause } from "./journal-unusable.ts";
import { rowSum } from "./row-sum.ts";
import { APPLICATION_ID, FORMAT_VERSION, SCHEMA } from "./schema.ts";
import { type Header, SqliteJournal } from "./sqlite-journal.ts";
import { flushFolder, hearWitness, Witness } from "./witness.ts";

const IN_MEMORY = ":memory:";

export type JournalOptions = {
  path: string;
  workerId: string;
  /** Unix milliseconds. */
  now: () => number;
  /** A person says that there may be a gap: commands older than this start are not started. */
  newJournal?: boolean;
  log?: Log;
  /** The first write that fails, whoever asked for it: the journal takes no other, and the process must stop. */
  failed?: (error: unknown) => void;
};

/** Throws JournalUnusable. */
export function openJournal(options: JournalOptions): Journal {
  const { path, newJournal = false } = options;
  if (path === IN_MEMORY) return make(options);
  if (newJournal) return openWithGap(options);
  if (!existsSync(path)) {
    throw new JournalUnusable(
      "missing",
      `There is no journal at ${path}. If WORKER_DATA_DIR is right and this is the first start, or the journal is lost, ` +
        `start once with --new-journal: commands from before that start answer "unknown" and are never started`,
    );
  }
  return resume(options);
}

/** As it stood at the last write, or not at all. */
function resume({ path, workerId, now, failed }: JournalOptions): Journal {
  return withDatabase(path, (db) => {
    const header = checkJournal(db, path, workerId);
    const testimony = hearWitness(witnessOf(path));
    if (testimony?.identity !== header.identity || testimony.writes > header.writes) {
      throw new JournalUnusable(
        "restored",
        `Journal ${path} is a copy, or its disk lost writes: ${whatDiffers(header, testimony)}. It may have forgotten ` +
          `orders that were sent. If no better one is to be had, start once with --new-journal: what it holds is kept, ` +
          `and commands from before that start that it does not know answer "unknown" and are never started`,
      );
    }
    writeAhead(db);
    return new SqliteJournal(db, header, Witness.resume(witnessOf(path), testimony), now, failed);
  });
}

function openWithGap(options: JournalOptions): Journal {
  const { path, workerId, now, log, failed } = options;
  if (existsSync(path)) {
    try {
      return withDatabase(path, (db) => {
        const before = checkJournal(db, path, workerId);
        writeAhead(db);
        const knowsSince = Math.max(before.knowsSince, now());
        const header = { ...before, identity: randomUUID(), knowsSince };
        db.prepare("update journal set identity = ?, knows_since = ?").run(header.identity, knowsSince);
        const witness = Witness.make(witnessOf(path), header);
        log?.warn("journal.kept", { path, knows_since: knowsSince });
        return new SqliteJournal(db, header, witness, now, failed);
      });
    } catch (error) {
      // One that another process has, or that the disk refuses, may be sound: it stays where it is.
      if (!(error instanceof JournalUnusable) || error.kind !== "unfit") throw error;
      log?.warn("journal.unfit", { path, reason: error.message });
    }
  }
  // Also what lies about without its database: SQLite would take a log of old for the new file's.
  if (filesOf(path).length > 0) {
    const movedTo = setAside(path, now());
    log?.warn("journal.set_aside", { path, moved_to: movedTo });
  }
  const journal = make(options);
  log?.warn("journal.made", { path });
  return journal;
}

function make({ path, workerId, now, failed }: JournalOptions): Journal {
  if (path !== IN_MEMORY) createFile(path);
  return withDatabase(path, (db) => {
    writeAhead(db);
    const madeAt = now();
    const header: Header = { workerId, identity: randomUUID(), createdAt: madeAt, knowsSince: madeAt, writes: 0 };
    db.exec(`begin; ${SCHEMA}`);
    db.prepare(
      "insert into journal (only_row, worker_id, identity, created_at, knows_since, writes) values (1, ?, ?, ?, ?, 0)",
    ).run(...[workerId, header.identity], ...[madeAt, madeAt]);
    db.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${FORMAT_VERSION}; commit;`);
    // Into the file itself: without its log it would not even be known as ours.
    db.exec("pragma wal_checkpoint(truncate)");
    if (path === IN_MEMORY) return new SqliteJournal(db, header, undefined, now, failed);
    flushFolder(dirname(path));
    return new SqliteJournal(db, header, Witness.make(witnessOf(path), header), now, failed);
  });
}

/** Not by SQLite, which gives the write-ahead log the mode that this file has when the log begins. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (cause) {
    throw new JournalUnusable("disk", `Journal ${path} cannot be made`, cause);
  }
}

function withDatabase(path: string, use: (db: DatabaseSync) => Journal): Journal {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.function("row_sum", { deterministic: true, varargs: true, useBigIntArguments: true }, rowSum);
    // Exclusive locking is the "one process per journal": a second worker on the same file fails here, at once.
    db.exec("pragma locking_mode = exclusive; begin exclusive; commit;");
    return use(db);
  } catch (error) {
    db?.close();
    throw unusableBecause(path, error);
  }
}

/** Only on a file that is ours: this writes. */
function writeAhead(db: DatabaseSync): void {
  db.exec("pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on;");
}

function whatDiffers({ writes }: Header, testimony: ReturnType<typeof hearWitness>): string {
  if (testimony === null) return "the witness beside it is missing or cannot be read";
  if (testimony.writes > writes) return `it has ${writes} writes, and its witness saw ${testimony.writes}`;
  return "the witness beside it belongs to another journal";
}
