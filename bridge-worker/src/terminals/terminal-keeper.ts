// Brings one quarantined terminal back: opens it anew after each pause, and has it restarted by the operator's command
// when that does not help. Waits while the terminal is well; ends when it is closed.
import type { After } from "../after.ts";
import type { Log } from "../log.ts";
import { CALM_MS } from "./quarantine.ts";
import type { CommandEnd, RunCommand } from "./recycle-command.ts";
import { KILL_GRACE_MS, mayRecycle, RECYCLE_LIMIT_MS } from "./recycling.ts";
import type { TerminalSession } from "./terminal-session.ts";
import type { TerminalState } from "./terminal-state.ts";

export type KeeperOptions = {
  session: TerminalSession;
  log: Log;
  now: () => number;
  after: After;
  /** The command that restarts the terminal, with its arguments, and how it is run. */
  recycle?: { argv: readonly string[]; run: RunCommand };
};

export function keepTerminal(options: KeeperOptions): void {
  new TerminalKeeper(options);
}

class TerminalKeeper {
  readonly #options: KeeperOptions;
  readonly #log: Log;
  #failures = 0;
  #silences = 0;
  #connectedAtMs = 0;
  #recycledAtMs: number | null = null;
  #callOff: () => void = () => {};
  /** Lets go of the command that is running. */
  #leave: () => void = () => {};

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#log = options.log.scope({ room: "terminals", terminal: options.session.name });
    options.session.onChange((to, from) => this.#changed(to, from));
  }

  #changed(to: TerminalState, from: TerminalState): void {
    this.#callOff();
    if (to === "quarantined") {
      if (from === "connecting") this.#failures += 1;
      else this.#fellOut();
      this.#plan();
    } else if (from === "connecting") {
      this.#connectedAtMs = this.#options.now();
    } else if (to === "draining") {
      this.#leave();
    }
  }

  /** Of use, and now in quarantine. */
  #fellOut(): void {
    const { session, now } = this.#options;
    this.#failures = 0;
    if (now() - this.#connectedAtMs >= CALM_MS) this.#silences = 0;
    const { reason } = session.outage ?? {};
    if (reason === "hung" || reason === "ipc") this.#silences += 1;
  }

  #plan(): void {
    const { session, after } = this.#options;
    this.#callOff = after(session.unavailableForMs, () => void this.#attempt());
  }

  async #attempt(): Promise<void> {
    const { session, recycle, now } = this.#options;
    const trouble = {
      ...{ reason: session.outage?.reason ?? "unreachable", silences: this.#silences, failures: this.#failures },
      mayAnswerForMs: session.mayAnswerForMs,
      sinceLastMs: this.#recycledAtMs === null ? null : now() - this.#recycledAtMs,
    };
    if (recycle !== undefined && mayRecycle(trouble)) {
      await this.#recycle(recycle);
      // Closed meanwhile.
      if (session.state !== "quarantined") return;
    }
    // A failure puts it into quarantine again, and that is the next turn.
    await session.open().catch(() => {});
  }

  /** The terminal stays quarantined meanwhile, so nothing else plans an attempt, or a second restart. */
  async #recycle({ argv, run }: NonNullable<KeeperOptions["recycle"]>): Promise<void> {
    const { session, after, now } = this.#options;
    this.#recycledAtMs = now();
    this.#failures = 0;
    this.#silences = 0;
    this.#log.warn("terminal.recycling", {});
    const command = run(argv, session.name);
    const { promise: left, resolve: leave } = Promise.withResolvers<CommandEnd | "left">();
    this.#leave = () => {
      command.leave();
      leave("left");
    };
    const callOffKill = after(RECYCLE_LIMIT_MS, command.kill);
    // What hangs in the system itself no signal ends, and the terminal does not wait for it.
    const callOffWait = after(RECYCLE_LIMIT_MS + KILL_GRACE_MS, () => {
      command.leave();
      leave({ exitCode: null, signal: null, error: "not killed" });
    });
    const end = await Promise.race([command.ended, left]);
    this.#leave = () => {};
    callOffKill();
    callOffWait();
    if (end === "left") return;
    const report = { exit_code: end.exitCode, signal: end.signal, ...(end.error && { error: end.error }) };
    if (end.exitCode === 0) this.#log.info("terminal.recycled", report);
    else this.#log.error("terminal.recycle_failed", report);
  }
}
