// The supervisor's end of the watchdog: starts it and tells it which processes must not outlive this one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { processStart } from "./process-identity.ts";
import { formatWatchdogLine } from "./watchdog-lines.ts";

export interface Watchdog {
  /** From now on `pid` gets `signal` (SIGKILL 5 s later) if this process dies. */
  guard(pid: number, signal: NodeJS.Signals): void;
  /** `pid` has ended; its id may be used again by somebody else. */
  forget(pid: number): void;
  /** Removes the folder if this process dies. */
  removeAtDeath(path: string): void;
  /** The folder has been removed, or is to stay. */
  keep(path: string): void;
  /** Ends the watchdog process. What is still registered is ended by it: call this last. */
  close(): Promise<void>;
}

/** Starts a watchdog process in a session of its own, so that a terminal's Ctrl-C does not reach it. */
export function startWatchdog(): Watchdog {
  const program = fileURLToPath(new URL("./watchdog-main.ts", import.meta.url));
  const child = spawn(process.execPath, [program], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: { NODE_NO_WARNINGS: "1" },
  });
  const exited = once(child, "exit");
  // A watchdog that could not start or was killed must not take the stack with it: it is the second line of defence.
  exited.catch(() => undefined);
  child.stdin.on("error", () => undefined);
  // The pipe and the process alone must not keep this process alive.
  child.unref();
  if ("unref" in child.stdin && typeof child.stdin.unref === "function") child.stdin.unref();

  const write = (text: string): void => {
    if (child.stdin.writable) child.stdin.write(text);
  };
  return {
    guard: (pid, signal) => write(formatWatchdogLine({ kind: "register", pid, start: processStart(pid), signal })),
    forget: (pid) => write(formatWatchdogLine({ kind: "forget", pid })),
    removeAtDeath: (path) => write(formatWatchdogLine({ kind: "remove", path })),
    keep: (path) => write(formatWatchdogLine({ kind: "keep", path })),
    close: async () => {
      child.ref();
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await exited;
    },
  };
}
