// The watchdog process: it holds the reading end of a pipe whose only writer is the supervisor. When the supervisor
// dies in any way, SIGKILL included, the pipe ends, and the watchdog ends the processes that were registered on it.
// Lines: `+PID START SIGNAL` register, `-PID` forget, `rm PATH` remove a folder at the end, `-rm PATH` do not.
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { isSameProcess } from "./process-identity.ts";
import { parseWatchdogLine } from "./watchdog-lines.ts";

/** How long a registered process may take to end after its signal before SIGKILL. */
const GRACE_MS = 5000;
const POLL_MS = 50;

type Registered = { start: string; signal: NodeJS.Signals };

const processes = new Map<number, Registered>();
const folders = new Set<string>();

// A terminal's Ctrl-C goes to the whole process group; the watchdog has its own, and must outlive the supervisor.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

const lines = createInterface({ input: process.stdin });
lines.on("line", (text) => {
  const line = parseWatchdogLine(text);
  if (line.kind === "register") processes.set(line.pid, { start: line.start, signal: line.signal });
  if (line.kind === "forget") processes.delete(line.pid);
  if (line.kind === "remove") folders.add(line.path);
  if (line.kind === "keep") folders.delete(line.path);
});
lines.on("close", () => void endAll());

/** Newest first: what was started last depends on what was started before. */
async function endAll(): Promise<void> {
  for (const [pid, { start, signal }] of [...processes].reverse()) {
    send(pid, start, signal);
    const end = performance.now() + GRACE_MS;
    while (isSameProcess(pid, start) && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    send(pid, start, "SIGKILL");
  }
  for (const path of folders) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  process.exit(0);
}

function send(pid: number, start: string, signal: NodeJS.Signals): void {
  if (!isSameProcess(pid, start)) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal: nothing is left to do.
  }
}
