// Runs the operator's command that restarts a terminal. No shell; nothing of our environment, which holds keys, but the
// terminal's name; nothing of its output, which could hold anything.
import { type ChildProcess, spawn } from "node:child_process";

export type CommandEnd = { exitCode: number | null; signal: string | null; error?: string };

export type RunningCommand = {
  /** Never rejects. */
  ended: Promise<CommandEnd>;
  kill: () => void;
  /** It goes on by itself: this process may end before it. */
  leave: () => void;
};

export type RunCommand = (argv: readonly string[], terminal: string) => RunningCommand;

export const runRecycleCommand: RunCommand = ([program = "", ...args], terminal) => {
  let child: ChildProcess;
  try {
    child = spawn(program, args, { shell: false, stdio: "ignore", env: { SWITCHYARD_TERMINAL: terminal } });
  } catch (error) {
    // What the system refuses is told in two ways: some of it, no memory for one, is thrown.
    return { ended: Promise.resolve(failed(error)), kill: () => {}, leave: () => {} };
  }
  const ended = new Promise<CommandEnd>((resolve) => {
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
    child.once("error", (error) => resolve(failed(error)));
  });
  return { ended, kill: () => void child.kill("SIGKILL"), leave: () => child.unref() };
};

function failed(error: unknown): CommandEnd {
  const { code, name } = error as NodeJS.ErrnoException;
  return { exitCode: null, signal: null, error: code ?? name };
}
