// The files of one journal: the database, what SQLite keeps beside it, and the witness. Nothing here is ever deleted.
import { existsSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { JournalUnusable } from "./journal-unusable.ts";
import { flushFolder } from "./witness.ts";

/** The witness goes first: without it, a journal that was moved by half is refused. */
const SUFFIXES = ["-witness", "-wal", "-shm", "-journal", ""];

export function witnessOf(path: string): string {
  return `${path}-witness`;
}

/** Those that exist. */
export function filesOf(path: string): string[] {
  return SUFFIXES.map((suffix) => path + suffix).filter((file) => existsSync(file));
}

/** Out of the way, under names that SQLite still takes for one database. Answers the new path. */
export function setAside(path: string, nowMs: number): string {
  const aside = `${path}.${new Date(nowMs).toISOString().replaceAll(/[:.]/g, "-")}`;
  if (filesOf(aside).length > 0) throw new JournalUnusable("disk", `${aside} is there already: move it away first`);
  for (const suffix of SUFFIXES) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  flushFolder(dirname(path));
  return aside;
}
