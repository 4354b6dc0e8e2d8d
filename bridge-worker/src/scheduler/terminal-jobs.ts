// Runs jobs on terminals: one at a time on each, in the order of its queue, and none after its time. Knows nothing of
// commands or reads; a job settles everything itself.
import type { After } from "../after.ts";
import { type AccountRef, laneKey } from "../protocol.ts";
import { serves, type TerminalHealth, type TerminalSession } from "../terminals/mod.ts";
import { placeLane } from "./placement.ts";
import { TerminalQueue } from "./terminal-queue.ts";

/** Jobs waiting for one terminal, and of one account there: beyond it a caller is told to come back. */
export const MAX_QUEUED_PER_TERMINAL = 1_000;
export const MAX_QUEUED_PER_LANE = 250;
/** How long work that needs a terminal for itself waits for its turn. */
const ALONE_TURN_MS = 30_000;

export type Job = {
  lane: string;
  /** Monotonic milliseconds: not begun by then, it expires. */
  notAfterMs: number;
  run: (session: TerminalSession) => Promise<void>;
  /** Its time was over before its turn. */
  expire: () => Promise<void>;
};

type Waiting = Job & { callOff: () => void };
type Terminal = {
  session: TerminalSession;
  queue: TerminalQueue<Waiting>;
  busy: boolean;
  beganMs: number;
  lane: string | null;
  lastUsedMs: number;
};

export type TerminalJobsOptions = {
  sessions: readonly TerminalSession[];
  now: () => number;
  after: After;
  /** A job rejected, which no job does for what a terminal, a broker or a caller does. */
  onFailure: (error: unknown) => void;
};

export class TerminalJobs {
  readonly #options: TerminalJobsOptions;
  readonly #terminals: Terminal[];
  #halted = false;
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(options: TerminalJobsOptions) {
    this.#options = options;
    this.#terminals = options.sessions.map((session) => ({
      session,
      queue: new TerminalQueue<Waiting>(),
      busy: false,
      beganMs: 0,
      lane: null,
      lastUsedMs: 0,
    }));
  }

  /** Full is also what no terminal may serve: nothing waits for it. */
  isFull(lane: string): boolean {
    const terminal = this.#terminalFor(lane);
    if (terminal === undefined) return true;
    const { queue } = terminal;
    return queue.size >= MAX_QUEUED_PER_TERMINAL || queue.laneSize(lane) >= MAX_QUEUED_PER_LANE;
  }

  /** Queues a job on its lane's terminal; a free terminal begins it now. Returns how to take it out while it waits. */
  add(job: Job): () => void {
    const terminal = this.#terminalFor(job.lane);
    if (terminal !== undefined) return this.#enqueue(terminal, job);
    this.track(job.expire());
    return () => {};
  }

  /** Runs work while no job uses this terminal. Rejects with what the work rejects with, or when no turn came in time. */
  alone(session: TerminalSession, work: () => Promise<void>): Promise<void> {
    const terminal = this.#terminals.find((one) => one.session === session);
    if (terminal === undefined) return Promise.reject(new Error("no such terminal"));
    return new Promise((resolve, reject) => {
      this.#enqueue(terminal, {
        // No account's lane: a server name never begins with a line break.
        lane: "\nalone",
        notAfterMs: this.#options.now() + ALONE_TURN_MS,
        run: () => work().then(resolve, reject),
        expire: async () => reject(new Error("The terminal had no time")),
      });
    });
  }

  /** Runs work in an account's lane, as a job of its own. Rejects like `alone`. */
  inLane(lane: string, notAfterMs: number, work: (session: TerminalSession) => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.add({
        lane,
        notAfterMs,
        run: (session) => work(session).then(resolve, reject),
        expire: async () => reject(new Error("The account's turn did not come in time")),
      });
    });
  }

  /** Counts work that `idle` must wait for; a rejection is a failure like that of a job. */
  track(work: Promise<unknown>): void {
    this.#running += 1;
    work
      .catch((error: unknown) => this.#options.onFailure(error))
      .finally(() => {
        this.#running -= 1;
        for (const resolve of this.#idle.splice(0)) resolve();
      });
  }

  /** Resolves when nothing waits or runs any more. */
  async idle(): Promise<void> {
    while (this.#running > 0 || this.#terminals.some(({ queue }) => queue.size > 0)) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  /** Begins nothing any more and forgets what waits: the process is about to end. */
  halt(): void {
    this.#halted = true;
    for (const { queue } of this.#terminals) {
      for (let job = queue.next(); job !== undefined; job = queue.next()) job.callOff();
    }
  }

  health(): (TerminalHealth & { queued: number })[] {
    return this.#terminals.map(({ session, queue }) => ({ ...session.health(), queued: queue.size }));
  }

  /** A lane with work stays where it is: an account is on at most one terminal. */
  #terminalFor(lane: string): Terminal | undefined {
    const holding = this.#terminals.find(
      ({ queue, busy, lane: current }) => queue.laneSize(lane) > 0 || (busy && current === lane),
    );
    if (holding !== undefined) return holding;
    const limits = this.#terminals.map(({ session }) => session.limits);
    const nowMs = this.#options.now();
    const views = this.#terminals.map(({ session, queue, busy, beganMs, lastUsedMs }) => ({
      lane: session.account === null ? null : laneKey(session.account),
      load: queue.size + (busy ? 1 : 0),
      unavailableForMs: session.unavailableForMs,
      runningForMs: busy ? nowMs - beganMs : 0,
      lastUsedMs,
      serves: serves(session.limits, accountOf(lane), limits),
    }));
    const index = placeLane(lane, views);
    return index === undefined ? undefined : this.#terminals[index];
  }

  #enqueue(terminal: Terminal, { lane, notAfterMs, run, expire }: Job): () => void {
    const waitMs = Math.max(0, notAfterMs - this.#options.now());
    const callOff = this.#options.after(waitMs, () => {
      if (terminal.queue.remove(lane, job)) this.track(expire());
    });
    const job: Waiting = { lane, notAfterMs, run, expire, callOff };
    terminal.queue.push(lane, job);
    this.#pump(terminal);
    return () => {
      if (terminal.queue.remove(lane, job)) callOff();
    };
  }

  #pump(terminal: Terminal): void {
    if (terminal.busy || this.#halted) return;
    const job = terminal.queue.next();
    if (job === undefined) return;
    job.callOff();
    terminal.busy = true;
    terminal.beganMs = this.#options.now();
    terminal.lane = job.lane;
    terminal.session.begin();
    const work = this.#options.now() > job.notAfterMs ? job.expire() : job.run(terminal.session);
    this.track(
      work
        // Before the terminal is free again: a failure must be able to halt everything first.
        .catch((error: unknown) => this.#options.onFailure(error))
        .finally(() => {
          terminal.busy = false;
          terminal.lane = null;
          terminal.session.end();
          terminal.lastUsedMs = this.#options.now();
          this.#pump(terminal);
        }),
    );
  }
}

/** The account of a lane's key. */
function accountOf(lane: string): AccountRef {
  const [server = "", login = ""] = lane.split("\n");
  return { server, login };
}
