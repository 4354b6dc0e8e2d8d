// The points at which the worker is killed with SIGKILL, and how test and worker speak of them: through files. The worker
// stops dead at an armed point and waits for the blow, so it does nothing more, and the test sees that it got there.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Points inside the worker, in the order of a command's life. */
export const WorkerPoints = [
  "admitted",
  "before_login",
  "logged_in",
  "before_intent",
  "intent_written",
  "answered",
  "result_written",
  "told",
  "tombstone_written",
  "settling",
] as const;
export type WorkerPoint = (typeof WorkerPoints)[number];

/** Names the folder through which test and worker speak. */
export const CONTROL_VARIABLE = "FAULT_CONTROL_DIR";

/** How often a halted worker looks whether it may go on. */
const LOOK_MS = 5;

/** The worker's side: halts the whole process as long as the test has armed this point. */
export function stopsAt(dir: string): (point: WorkerPoint) => void {
  return (point) => {
    const isArmed = (): boolean => existsSync(join(dir, "armed")) && readFileSync(join(dir, "armed"), "utf8") === point;
    if (!isArmed()) return;
    writeFileSync(join(dir, "reached"), point);
    while (isArmed()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  };
}

/** The worker's side: whether a person would have said `--new-journal` at this start. Said once. */
export function isNewJournal(dir: string): boolean {
  const said = join(dir, "new-journal");
  if (!existsSync(said)) return false;
  rmSync(said);
  return true;
}

/** The test's side. */
export type CrashControl = {
  /** The next start of the worker is one with `--new-journal`. */
  newJournal(): void;
  arm(point: WorkerPoint): void;
  isReached(point: WorkerPoint): boolean;
  disarm(): void;
};

export function crashControl(dir: string): CrashControl {
  mkdirSync(dir, { recursive: true });
  const [armed, reached] = [join(dir, "armed"), join(dir, "reached")];
  return {
    newJournal: () => writeFileSync(join(dir, "new-journal"), ""),
    arm(point) {
      rmSync(reached, { force: true });
      writeFileSync(armed, point);
    },
    isReached: (point) => existsSync(reached) && readFileSync(reached, "utf8") === point,
    disarm: () => rmSync(armed, { force: true }),
  };
}
