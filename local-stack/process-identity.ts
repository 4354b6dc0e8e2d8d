// Tells whether a process id still means the process it meant before. Ids are used again by the system; the start time
// beside the id is not (Linux, /proc). Elsewhere only "some process has this id" can be said.
import { readFileSync } from "node:fs";

/** Field 22 of /proc/PID/stat, counted from 1; the name (field 2) may hold spaces and brackets, so count after it. */
const START_TIME_AFTER_NAME = 22 - 3;
const ZOMBIE = "Z";

/** The start time of process `pid` in clock ticks, or "" where it cannot be read. */
export function processStart(pid: number): string {
  return statFields(pid)?.[START_TIME_AFTER_NAME] ?? "";
}

/** True while the process that had `start` as its start time runs. A zombie (ended, not yet collected) does not. */
export function isSameProcess(pid: number, start: string): boolean {
  if (!isAlive(pid)) return false;
  const fields = statFields(pid);
  if (fields === undefined) return process.platform !== "linux";
  return fields[0] !== ZOMBIE && (start === "" || fields[START_TIME_AFTER_NAME] === start);
}

/** True if some process has this id, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
