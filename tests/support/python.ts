// Finds the Python that the tests against a real RPyC server need.
import { spawnSync } from "node:child_process";

const CANDIDATES = ["python3", "/usr/bin/python3"];
const MISSING = "python3 with rpyc and numpy is missing: apt-get install python3-rpyc python3-numpy";

let found: { command: string | undefined } | undefined;

/** The command of a Python 3 that has rpyc and numpy; undefined if there is none. */
export function pythonCommand(): string | undefined {
  found ??= { command: CANDIDATES.find(hasModules) };
  return found.command;
}

/**
 * For `{ skip: reason ?? false }`: undefined when Python is there, else why the test is skipped. With `CI=true` it throws
 * instead: a skipped test proves nothing.
 */
export function requirePython(): string | undefined {
  if (pythonCommand() !== undefined) return undefined;
  if (process.env.CI === "true") throw new Error(MISSING);
  return MISSING;
}

function hasModules(command: string): boolean {
  return spawnSync(command, ["-c", "import rpyc, numpy"], { stdio: "ignore" }).status === 0;
}
