// One supervised child process (a "part"): start, wait until ready, notice its death, stop it, start it again.
//
// Modes: `starting` (spawned, not ready) → `running` → `stopping` (a signal was asked for) → `ended`. An exit while
// `running` was not asked for: it is reported once to `onUnexpectedExit`. An exit while `starting` fails `start()`.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Watchdog } from "./watchdog.ts";

export type Exit = { code: number | null; signal: NodeJS.Signals | null; lastLines: readonly string[] };

export type PartCommand = {
  name: string;
  file: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd?: string;
  /** Run as this user (Postgres under root). */
  user?: { uid: number; gid: number } | undefined;
  /** What ends it politely; SIGTERM unless said. */
  stopSignal?: NodeJS.Signals;
  /** How long it may take to become ready, in ms. */
  readyLimitMs: number;
  /** How long it may take to end after `stopSignal` before SIGKILL, in ms. */
  stopLimitMs: number;
  /** Resolves when the process is ready. `line` resolves with the next matching line of its output. */
  ready(probe: { signal: AbortSignal; line: (pattern: RegExp) => Promise<void> }): Promise<void>;
};

export type PartHooks = {
  log: (line: string) => void;
  watchdog?: Watchdog | undefined;
  onUnexpectedExit?: (exit: Exit) => void;
  /** Let this process end although the child runs (test clusters; the watchdog ends them). */
  unref?: boolean;
};

export interface Part {
  readonly name: string;
  /** Process id of the current process. */
  readonly pid: number;
  /** Resolves when the current process has ended, for whatever reason. */
  readonly exited: Promise<Exit>;
  /** Sends a signal. Its end is then expected, unless the signal does not end processes (SIGSTOP, SIGCONT, SIGUSR…). */
  kill(signal?: NodeJS.Signals): void;
  /** Ends the current process politely if it still runs, and starts it again. Resolves when ready. */
  restart(): Promise<void>;
  /** Ends it: the stop signal, then SIGKILL after the limit. Resolves when it has ended; safe to repeat. */
  stop(): Promise<void>;
}

type Mode = "starting" | "running" | "stopping" | "ended";

/** How many lines of output a death is reported with. */
export const KEPT_LINES = 20;
/** How long after its end a process's output is awaited, in ms. */
const OUTPUT_GRACE_MS = 1000;
const ENDING_SIGNALS: readonly NodeJS.Signals[] = ["SIGTERM", "SIGKILL", "SIGINT", "SIGQUIT", "SIGHUP", "SIGABRT"];

/** Starts the process and resolves when it is ready. Rejects, with its last lines, if it ends or is too slow. */
export async function startPart(command: PartCommand, hooks: PartHooks): Promise<Part> {
  const part = new SupervisedPart(command, hooks);
  await part.start();
  return part;
}

/** `exit code 1` or `signal SIGKILL`, followed by the last lines of output. */
export function describeExit({ code, signal, lastLines }: Exit): string {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  return lastLines.length === 0 ? how : `${how}\n${lastLines.map((line) => `  | ${line}`).join("\n")}`;
}

class SupervisedPart implements Part {
  readonly #command: PartCommand;
  readonly #hooks: PartHooks;
  #mode: Mode = "ended";
  #child: ChildProcess | undefined;
  #exited: Promise<Exit> = Promise.resolve({ code: null, signal: null, lastLines: [] });
  #lines: string[] = [];
  #waiters = new Set<{ pattern: RegExp; resolve: () => void }>();

  constructor(command: PartCommand, hooks: PartHooks) {
    this.#command = command;
    this.#hooks = hooks;
  }

  get name(): string {
    return this.#command.name;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get exited(): Promise<Exit> {
    return this.#exited;
  }

  async start(): Promise<void> {
    const { name, readyLimitMs } = this.#command;
    this.#spawn();
    const abort = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const tooSlow = new Promise<"slow">((resolve) => {
      timer = setTimeout(() => resolve("slow"), readyLimitMs);
    });
    try {
      const outcome = await Promise.race([
        this.#command
          .ready({ signal: abort.signal, line: (pattern) => this.#nextLine(pattern) })
          .then(() => "ready" as const),
        this.#exited,
        tooSlow,
      ]);
      if (outcome === "ready" && this.#mode === "starting") {
        this.#mode = "running";
        return;
      }
      if (outcome === "slow") await this.stop();
      const exit = await this.#exitOf(outcome);
      const why = outcome === "slow" ? `was not ready after ${readyLimitMs} ms` : "ended before it was ready";
      throw new Error(`${name} ${why}: ${describeExit(exit)}`);
    } catch (error) {
      // A probe that throws leaves a running process behind.
      await this.stop();
      throw error;
    } finally {
      clearTimeout(timer);
      abort.abort();
      this.#waiters.clear();
    }
  }

  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    if (ENDING_SIGNALS.includes(signal) && this.#mode !== "ended") this.#mode = "stopping";
    this.#child?.kill(signal);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    if (this.#mode === "ended") return;
    this.kill(this.#command.stopSignal ?? "SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), this.#command.stopLimitMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #exitOf(outcome: "ready" | "slow" | Exit): Promise<Exit> | Exit {
    return typeof outcome === "string" ? this.#exited : outcome;
  }

  #spawn(): void {
    const { name, file, args, env, cwd, user, stopSignal } = this.#command;
    this.#lines = [];
    this.#mode = "starting";
    const child = spawn(file, args, {
      cwd,
      env,
      // A session of its own: Ctrl-C on the terminal reaches the supervisor alone, which then stops the parts in order.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      ...(user ?? {}),
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => this.#heard(line));
      if (this.#hooks.unref && "unref" in stream && typeof stream.unref === "function") stream.unref();
    }
    if (this.#hooks.unref) child.unref();
    if (child.pid !== undefined) this.#hooks.watchdog?.guard(child.pid, stopSignal ?? "SIGTERM");
    this.#exited = new Promise((resolve) => {
      // A program that cannot be started emits `error` and never `close`.
      child.once("error", (error) => {
        if (child.pid === undefined) this.#ended({ code: null, signal: null }, [`${name}: ${error.message}`], resolve);
      });
      // `close`, not `exit`: after it all output has been read, and the last lines are the ones that say why. But a
      // grandchild that keeps the pipe open must not hide the death for ever.
      child.once("close", (code, signal) => this.#ended({ code, signal }, [], resolve));
      child.once("exit", (code, signal) => {
        const timer = setTimeout(() => this.#ended({ code, signal }, [], resolve), OUTPUT_GRACE_MS);
        child.once("close", () => clearTimeout(timer));
      });
    });
  }

  #heard(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    this.#hooks.log(`[${this.#command.name}] ${line}`);
    for (const waiter of this.#waiters) if (waiter.pattern.test(line)) waiter.resolve();
  }

  #nextLine(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => this.#waiters.add({ pattern, resolve }));
  }

  #ended(how: Omit<Exit, "lastLines">, extra: string[], resolve: (exit: Exit) => void): void {
    const before = this.#mode;
    if (before === "ended") return;
    const exit = { ...how, lastLines: [...this.#lines, ...extra] };
    this.#mode = "ended";
    if (this.#child?.pid !== undefined) this.#hooks.watchdog?.forget(this.#child.pid);
    resolve(exit);
    if (before === "running") this.#hooks.onUnexpectedExit?.(exit);
  }
}
