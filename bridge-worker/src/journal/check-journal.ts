// Is this file, bit for bit, a journal of this worker? Whatever differs is refused and named; nothing is repaired, because
// a repaired memory is a guess.
import { DatabaseSync } from "node:sqlite";
import { JournalUnusable, WAY_OUT } from "./journal-unusable.ts";
import { rowSum } from "./row-sum.ts";
import { APPLICATION_ID, DAMAGED_ROWS, FORMAT_VERSION, MISSING_ROWS, SCHEMA } from "./schema.ts";
import type { Header } from "./sqlite-journal.ts";

/** Reads and writes nothing. Throws JournalUnusable, or what SQLite throws on a torn file. */
export function checkJournal(db: DatabaseSync, path: string, workerId: string): Header {
  const unfit = (what: string): JournalUnusable => new JournalUnusable("unfit", `${what}. ${WAY_OUT}`);
  const pragma = (name: string): unknown => Object.values(db.prepare(`pragma ${name}`).get() ?? {})[0];
  if (pragma("application_id") !== APPLICATION_ID) throw unfit(`${path} is not a Switchyard journal`);
  const format = pragma("user_version");
  if (format !== FORMAT_VERSION) {
    throw unfit(`Journal ${path} has format ${String(format)}; this worker reads ${FORMAT_VERSION}`);
  }
  if (schemaOf(db) !== expectedSchema())
    throw unfit(`Journal ${path} is damaged: its tables are not as they were made`);
  // The whole check, with the indexes: an id that its index does not find would be begun a second time.
  const verdict = pragma("integrity_check");
  if (verdict !== "ok") throw unfit(`Journal ${path} is damaged: ${String(verdict)}`);
  const rows = (sql: string): number => Number(db.prepare(sql).get()?.n);
  const damaged = rows(DAMAGED_ROWS);
  if (damaged > 0) throw unfit(`Journal ${path} is damaged: ${damaged} row(s) are not as they were written`);
  const row = db.prepare("select * from journal").get();
  if (row === undefined) throw unfit(`Journal ${path} has lost its header`);
  const missing = rows(MISSING_ROWS);
  if (missing > 0) throw unfit(`Journal ${path} is damaged: ${missing} row(s) are missing`);
  if (row.worker_id !== workerId) {
    throw unfit(`Journal ${path} belongs to worker "${String(row.worker_id)}", not "${workerId}"`);
  }
  return {
    workerId,
    identity: String(row.identity),
    createdAt: Number(row.created_at),
    knowsSince: Number(row.knows_since),
    writes: Number(row.writes),
  };
}

function schemaOf(db: DatabaseSync): string {
  return JSON.stringify(db.prepare("select type, name, tbl_name, sql from sqlite_schema order by type, name").all());
}

let expected: string | undefined;

function expectedSchema(): string {
  if (expected !== undefined) return expected;
  const fresh = new DatabaseSync(":memory:");
  fresh.function("row_sum", { deterministic: true, varargs: true }, rowSum);
  fresh.exec(SCHEMA);
  expected = schemaOf(fresh);
  fresh.close();
  return expected;
}
