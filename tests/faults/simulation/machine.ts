// The worker's machine: a disk that stays, and one life of the worker after the other, with the real scheduler, journal,
// admission and outbox. The process can end anywhere; a supervisor starts it again.

import { type After, pause } from "../../../bridge-worker/src/after.ts";
import type { Journal } from "../../../bridge-worker/src/journal/mod.ts";
import { type FunctionKeys, Outbox } from "../../../bridge-worker/src/link/mod.ts";
import type { Log } from "../../../bridge-worker/src/log.ts";
import {
  type CommandCall,
  Scheduler,
  SETTLE_POLICY,
  type SettlePolicy,
  type SignResult,
} from "../../../bridge-worker/src/scheduler/mod.ts";
import {
  type AccountAccess,
  createAccountAccess,
  LoginTimes,
  TerminalSession,
} from "../../../bridge-worker/src/terminals/mod.ts";
import { overriding } from "../../support/worker-fixture.ts";
import { Disk, type Unflushed, type Watch, type Write } from "./disk.ts";
import { openDoor } from "./door.ts";
import type { FaultPlan } from "./faults.ts";
import type { WrapGuard } from "./host-port.ts";
import { Lifeline } from "./lifeline.ts";
import type { Loop } from "./loop.ts";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";
import { functionKeys, resultSigner, vault } from "./seals.ts";
import type { TerminalHost } from "./terminal-host.ts";

/** What a broken build of the worker does otherwise. */
export type WorkerChange = {
  unflushed?: Unflushed;
  journal?: (journal: Journal) => Journal;
  access?: (access: AccountAccess) => AccountAccess;
  guard?: WrapGuard;
  scheduler?: (scheduler: Scheduler, inside: SchedulerInside) => Scheduler;
  functionKeys?: (keys: FunctionKeys) => FunctionKeys;
  policy?: SettlePolicy;
};

export type SchedulerInside = { journal: Journal; sign: SignResult; now: () => number; after: After };

export type MachineOptions = {
  loop: Loop;
  random: Random;
  plan: FaultPlan;
  network: Network;
  hosts: readonly TerminalHost[];
  /** Unix milliseconds by this machine's clock. */
  wallClock: () => number;
  post: typeof fetch;
  log: Log;
  change: WorkerChange;
  trace: (what: string) => void;
  /** Called with the name of every write before and after it; true: the process ends there. */
  diesAt: (point: string) => boolean;
  /** A write is on the disk. */
  onWritten: (name: Write, args: unknown[]) => void;
  /** A command came to this life of the worker, for the first time or again. */
  onAdmitted: (call: CommandCall, life: string, isTooLate: boolean) => void;
  /** A life begins; nothing has been read or asked yet. */
  onStart: () => void;
  /** The process has ended, and the disk is as it left it. */
  onDeath: () => void;
};

export class Machine {
  readonly #options: MachineOptions;
  readonly disk: Disk;
  #life: Lifeline | null = null;
  #stopped = false;
  boots = 0;
  /** Commands that may be under way: a death counts while there are any. */
  inFlight = (): number => 0;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.disk = new Disk(options.wallClock);
  }

  get isUp(): boolean {
    return this.#life !== null;
  }

  start(): void {
    if (this.#life !== null || this.#stopped) return;
    const { loop, random, plan, network, hosts, wallClock, log, change, trace } = this.#options;
    const life = new Lifeline(loop);
    this.#life = life;
    this.boots += 1;
    const bootId = random.uuid();
    // The monotonic clock begins somewhere else in each life, often earlier than in the one before.
    const startMs = random.between(1_000, 2_000_000);
    const bornMs = loop.now;
    const now = (): number => startMs + loop.now - bornMs;
    const { after } = life;
    trace(`worker starts (${this.boots})`);
    this.#options.onStart();
    const opened = this.disk.open(life, this.#watch(life), change.unflushed);
    const journal = change.journal?.(opened) ?? opened;
    const sessions = hosts.map((host) => {
      const port = host.port(bootId, now, life, change.guard);
      return new TerminalSession({ port, kind: "simulator", log, now });
    });
    const real = createAccountAccess({ journal, vault, times: new LoginTimes(), now, wallClock, after });
    const access = change.access?.(real) ?? real;
    const signingMs = (): number => (plan.strikes("signing_slow") ? random.between(50, 2_000) : random.between(0.2, 2));
    const sign = resultSigner(wallClock, () => pause(after, signingMs()));
    const policy = change.policy ?? SETTLE_POLICY;
    const fatal = (): void => {
      if (life.isAlive) this.kill("the journal failed");
    };
    const built = new Scheduler({ sessions, journal, access, sign, log, now, wallClock, after, policy, fatal });
    const scheduler = change.scheduler?.(built, { journal, sign, now, after }) ?? built;
    this.inFlight = () => built.inFlight;
    const outbox = new Outbox({ journal, url: "results", log, now, after, post: this.#post(life) });
    const keys = functionKeys(bootId, wallClock);
    const door = {
      ...{ life, bootId, keys, verified: change.functionKeys?.(keys) ?? keys, sign, log, now, wallClock },
      scheduler: overriding(scheduler, {
        command: (call, subscriber) => {
          this.#options.onAdmitted(call, bootId, now() > call.notAfterMs);
          return scheduler.command(call, subscriber);
        },
      }),
      confirmed: (id: string, result: string) => {
        try {
          journal.confirmDelivery(id, result);
        } catch {
          fatal();
        }
      },
    };
    built.recover().then(() => {
      if (!life.isAlive) return;
      network.listener = openDoor(door);
      outbox.start();
    }, fatal);
  }

  /** SIGSTOP, or a machine that has no time: the worker stands still, and its clocks do not. */
  stall(ms: number): void {
    this.#options.trace(`worker stands still for ${Math.round(ms)} ms`);
    this.#life?.stall(ms);
  }

  /** kill -9. What it had asked of terminals goes on there. */
  kill(why: string): void {
    const life = this.#life;
    if (life === null) return;
    this.#options.trace(`worker dies: ${why}`);
    this.#life = null;
    this.#options.network.listener = null;
    life.cut();
    this.#options.network.workerDied();
    this.disk.crash();
    if (!this.#stopped) this.#options.onDeath();
    this.#options.loop.after(this.#options.random.between(50, 4_000), () => this.start());
  }

  /** For good: the run is over. */
  stop(): void {
    this.#stopped = true;
    this.kill("the run is over");
    this.disk.close();
  }

  #watch(life: Lifeline): Watch {
    const { plan } = this.#options;
    const at = (point: string): void => {
      if (life.isAlive && this.#options.diesAt(point)) this.kill(point);
    };
    return {
      before: (name, args) => {
        at(`before ${pointOf(name, args)}`);
        if (life.isAlive && plan.strikes("journal_write_failed")) throw new Error("disk I/O error");
      },
      after: (name, args) => {
        if (life.isAlive) this.#options.onWritten(name, args);
        at(`after ${pointOf(name, args)}`);
      },
    };
  }

  #post(life: Lifeline): typeof fetch {
    return (input, init) => life.through(() => this.#options.post(input, init));
  }
}

/** Endings are told apart: the answer of a send, a tombstone, what the reconciler proves. */
function pointOf(name: Write, args: unknown[]): string {
  if (name !== "recordEnding") return name;
  const { kind, final } = args[0] as { kind: string; final: boolean };
  return kind === "unseen" ? "tombstone" : final ? "final" : "unknown";
}
