// Once a day the journal forgets commands that ended long ago and were told, a batch at a time, so that no order waits.
import type { After } from "../after.ts";
import { describeError, type Log } from "../log.ts";
import type { Journal } from "./journal.ts";

export const KEEP_COMMANDS_MS = 30 * 86_400_000;
export const COMPACT_EVERY_MS = 86_400_000;
/** Between two batches, for whoever waits. */
export const COMPACT_PAUSE_MS = 50;

export type CompactionDeps = {
  journal: Pick<Journal, "compact">;
  after: After;
  wallClock: () => number;
  log: Log;
  /** The journal could not be written: the process must stop. */
  fatal: (error: unknown) => void;
};

/** Begins at once. Returns how to stop it: before the journal is closed. */
export function startCompaction({ journal, after, wallClock, log, fatal }: CompactionDeps): () => void {
  let callOff = (): void => {};
  let forgotten = 0;
  const batch = (): void => {
    let count: number;
    try {
      count = journal.compact(wallClock() - KEEP_COMMANDS_MS);
    } catch (error) {
      log.error("journal.fatal", { error: describeError(error) });
      fatal(error);
      return;
    }
    forgotten += count;
    if (count === 0 && forgotten > 0) log.info("journal.compacted", { commands: forgotten });
    if (count === 0) forgotten = 0;
    callOff = after(count > 0 ? COMPACT_PAUSE_MS : COMPACT_EVERY_MS, batch);
  };
  batch();
  return () => callOff();
}
