// The one error of a journal that cannot be used, and what may be done about it.

/**
 * `missing`: there is none. `restored`: it is an old copy. `unfit`: it is torn, foreign, another worker's or of another
 * format. `busy`: another process has it. `disk`: the disk refuses it.
 */
export type Unusable = "missing" | "restored" | "unfit" | "busy" | "disk";

/** The message names the file, what is wrong, and the way out. */
export class JournalUnusable extends Error {
  readonly kind: Unusable;
  constructor(kind: Unusable, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "JournalUnusable";
    this.kind = kind;
  }
}

/** For a file that is unfit. */
export const WAY_OUT =
  "Put the right file there, or start once with --new-journal: this one is moved aside, and commands from before that " +
  'start answer "unknown" and are never started';

const BUSY = new Set([5, 6]);
/** CANTOPEN, IOERR, READONLY, FULL, PERM, AUTH, NOMEM: the file itself may be sound. */
const DISK = new Set([14, 10, 8, 13, 3, 23, 7]);

/** What a fault while opening says about the journal at `path`. */
export function unusableBecause(path: string, error: unknown): JournalUnusable {
  if (error instanceof JournalUnusable) return error;
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  if (BUSY.has(code))
    return new JournalUnusable("busy", `Journal ${path} is in use: is another worker running?`, error);
  const isSystem = error instanceof Error && "syscall" in error;
  if (DISK.has(code) || isSystem) return new JournalUnusable("disk", `Journal ${path} cannot be opened`, error);
  return new JournalUnusable(
    "unfit",
    `Journal ${path} cannot be read: it is damaged, or it is no journal. ${WAY_OUT}`,
    error,
  );
}
