// Starts a real classic RPyC server (Python) for a test, on 127.0.0.1 and a free port.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pythonCommand } from "./python.ts";

const LAUNCHER = fileURLToPath(new URL("rpyc-server.py", import.meta.url));
const MAX_STDERR_CHARS = 8192;

export type RpycServerOptions = {
  /** Python source that runs before the server listens. */
  setup?: string;
  /** Folders put in front of `sys.path`. */
  pythonPath?: string[];
  /** PEM files; with `caFile` the server demands a client certificate. */
  tls?: { certFile: string; keyFile: string; caFile?: string };
};

export type RpycServer = {
  host: string;
  port: number;
  pid: number;
  /** Ends the process and waits until it is gone. May be called again, also after `kill()`. */
  stop(): Promise<void>;
  /** The same with SIGKILL: no handler, no clean-up, as in a crash. */
  kill(): Promise<void>;
};

/** Resolves when the server listens; rejects with Python's error output if it does not come up. */
export async function startRpycServer(options: RpycServerOptions = {}): Promise<RpycServer> {
  const python = pythonCommand();
  if (python === undefined) throw new Error("No Python with rpyc: the test should have been skipped");
  const child = spawn(python, [LAUNCHER, JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
  // "close" and not "exit": only then its pipes are gone too.
  const exited = once(child, "close");
  const port = await readPort(child, exited);
  if (child.pid === undefined) throw new Error("Python has no process id");

  const endWith = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return {
    host: "127.0.0.1",
    port,
    pid: child.pid,
    stop: () => endWith("SIGTERM"),
    kill: () => endWith("SIGKILL"),
  };
}

async function readPort(child: ChildProcess, exited: Promise<unknown>): Promise<number> {
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-MAX_STDERR_CHARS);
  });
  if (!child.stdout) throw new Error("Python has no output");
  const lines = createInterface({ input: child.stdout });
  const firstLine = once(lines, "line").then(([line]) => Number(line));
  const port = await Promise.race([firstLine, exited.then(() => Number.NaN)]);
  lines.close();
  child.stdout.resume();
  if (!Number.isInteger(port)) throw new Error(`The RPyC server did not start: ${errors}`);
  return port;
}
