// One run's world: database, functions, network, the worker's machine, terminals and broker, on one clock and one source
// of chance; and the observer, who sees everything and touches nothing.

import type { AccountRef } from "../../../bridge-worker/src/protocol.ts";
import { collectLog } from "../../support/worker-fixture.ts";
import type { Facts } from "../invariants/mod.ts";
import { type Actor, actorsOf, HEDGING, NETTING, passwordOf } from "./actors.ts";
import { DEATHS, type Fault, FaultPlan } from "./faults.ts";
import { Isolate } from "./isolate.ts";
import { Ledger, type LedgerChange } from "./ledger.ts";
import { Loop } from "./loop.ts";
import { Machine, type WorkerChange } from "./machine.ts";
import { Network } from "./network.ts";
import { Observer } from "./observer.ts";
import { createPaperBroker, type Oddities } from "./paper-broker.ts";
import { Random } from "./random.ts";
import { resultsWay } from "./results-way.ts";
import { sealPassword } from "./seals.ts";
import { TerminalHost } from "./terminal-host.ts";
import { Trace } from "./trace.ts";

/** Wednesday noon: every market is open. */
const WALL_START_MS = Date.UTC(2026, 0, 14, 12, 0, 0);
const TERMINALS = 2;
const RECORDS_LATE_MS = 20_000;

export type WorldOptions = {
  seed: number;
  /** The faults of this run; default: a mixture made from the seed. */
  faults?: readonly Fault[];
  worker?: WorkerChange;
  ledger?: LedgerChange;
  keepsTrace?: boolean;
  isolates?: number;
};

export class World {
  readonly random: Random;
  readonly loop: Loop;
  readonly plan: FaultPlan;
  readonly trace: Trace;
  readonly ledger: Ledger;
  readonly network: Network;
  readonly hosts: TerminalHost[];
  readonly machine: Machine;
  readonly isolates: Isolate[] = [];
  readonly actors: readonly Actor[];
  readonly oddities: Oddities;
  readonly observer = new Observer();
  /** How wrong the clock of the worker's machine is. */
  workerClockShiftMs = 0;
  /** When the worker's memory was lost last, as the ledger counts. */
  memoryLostMs: number | null = null;
  readonly #dbStartMs: number;
  readonly #functionSkewMs: number;
  readonly #forgetsKeys: boolean;

  constructor(options: WorldOptions) {
    const random = new Random(options.seed);
    const loop = new Loop(random);
    const plan = new FaultPlan(random, options.faults);
    const trace = new Trace(options.keepsTrace === true);
    const note = (what: string): void => trace.add(loop.now, what);
    // Clocks agree as well as those of well-kept servers do, and no decision may need more.
    const skew = (): number => Math.round(random.between(-8_000, 8_000));
    const wallAt = (startMs: number) => (): number => Math.floor(startMs + loop.now);
    this.#dbStartMs = WALL_START_MS + skew();
    this.#functionSkewMs = skew();
    this.#forgetsKeys = options.ledger?.forgetsKeysAtRestart === true;
    this.random = random;
    this.loop = loop;
    this.plan = plan;
    this.trace = trace;
    this.oddities = {
      overwrites: new Set([HEDGING, NETTING].filter(() => plan.includes("marks_overwritten") && random.chance(0.6))),
      lateMs: plan.includes("records_late") ? RECORDS_LATE_MS : 0,
    };
    const broker = createPaperBroker(
      options.seed,
      () => loop.now,
      this.oddities,
      (one) => {
        this.observer.booked.push(one);
        note(`booked ${one.ticket} ${one.symbol} ${one.magic} on ${one.login} ${one.server}`);
      },
      (fault) => plan.count(fault),
    );
    this.actors = actorsOf(random);
    this.ledger = new Ledger({
      clock: () => this.#dbStartMs + loop.now,
      newId: () => random.uuid(),
      newTag: () => 2 ** 40 + Math.floor(random.next() * (2 ** 52 - 2 ** 40)),
      ...(options.ledger && { change: options.ledger }),
    });
    for (const { userId, account, isRight } of this.actors) {
      this.ledger.addAccount(userId, account, this.seal(userId, account, isRight), random.chance(0.15));
    }
    this.network = new Network({
      loop,
      random,
      plan,
      trace: note,
      onFrame: (text) => this.observer.frame(text, this.actors),
    });
    const workerWall = wallAt(WALL_START_MS + skew());
    const wallClock = (): number => workerWall() + this.workerClockShiftMs;
    const elsewhere = [...this.actors.map(({ account }) => account), { login: "5000099", server: HEDGING }];
    this.hosts = Array.from(
      { length: TERMINALS },
      (_, index) =>
        new TerminalHost({
          ...{ name: `terminal-${index + 1}`, loop, random, plan, broker, elsewhere, wallClock },
          ...{ observer: this.observer, trace: note },
        }),
    );
    this.machine = new Machine({
      ...{ loop, random, plan, network: this.network, hosts: this.hosts, wallClock, trace: note },
      post: resultsWay({ loop, random, plan, isolates: this.isolates }),
      log: collectLog(this.observer.lines),
      change: options.worker ?? {},
      onWritten: (name, args) => this.observer.journaled(name, args, loop.now),
      onAdmitted: (call, life) => this.observer.admitted(call, life),
      diesAt: (point) => {
        const fault = DEATHS[point];
        return fault !== undefined && plan.strikes(fault);
      },
      onDeath: () => {
        if (plan.strikes("journal_lost")) this.loseMemory();
      },
    });
    for (let index = 0; index < (options.isolates ?? 2); index += 1) this.addIsolate();
    this.machine.start();
  }

  addIsolate(): Isolate {
    const { loop, random, plan, network } = this;
    const isolate = new Isolate({
      ...{ loop, random, plan, network, ledger: () => this.ledger },
      wallClock: () => Math.floor(WALL_START_MS + this.#functionSkewMs + loop.now),
      onSubmitted: (requestId, commandId) => void this.observer.commandOf.set(requestId, commandId),
      onLogLine: (line) => void this.observer.lines.push(line),
    });
    this.isolates.push(isolate);
    return isolate;
  }

  /** One isolate is taken away, another begins. */
  replaceIsolate(): void {
    const isolate = this.random.pick(this.isolates);
    this.note("an isolate goes away");
    isolate.life.cut();
    this.isolates.splice(this.isolates.indexOf(isolate), 1);
    if (this.#forgetsKeys) this.ledger.forgetKeys();
    this.addIsolate();
  }

  /** The worker's disk is gone; its next life begins with a new journal. */
  loseMemory(): void {
    this.machine.disk.lose();
    this.memoryLostMs = this.loop.now;
    this.observer.memoryLost();
    this.note("the journal is lost");
  }

  note(what: string): void {
    this.trace.add(this.loop.now, what);
  }

  get functionWallMs(): number {
    return Math.floor(WALL_START_MS + this.#functionSkewMs + this.loop.now);
  }

  seal(userId: string, account: AccountRef, isRight: boolean): string {
    return sealPassword(userId, account, passwordOf(account, isRight), this.random.hex(8));
  }

  /** Whoever has removed an account has it again. */
  reconnectAll(): void {
    for (const { userId, account, isRight } of this.actors) {
      if (this.accountId(userId, account) !== null) continue;
      this.ledger.addAccount(userId, account, this.seal(userId, account, isRight));
    }
  }

  accountId(userId: string, { login, server }: AccountRef): string | null {
    const rows = [...this.ledger.accounts.values()];
    return rows.find((one) => one.userId === userId && one.login === login && one.server === server)?.id ?? null;
  }

  /** Everything the observer knows now. */
  facts(): Facts {
    return this.observer.facts(this.ledger.all, this.#dbStartMs, this.machine.disk, this.actors);
  }
}
