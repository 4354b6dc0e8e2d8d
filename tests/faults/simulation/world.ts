// One run's world: database, functions, network, the worker's machine, terminals and broker, on one clock and one source
// of chance; and the observer, who sees everything and touches nothing.

import type { AccountRef } from "../../../bridge-worker/src/protocol.ts";
import { collectLog } from "../../support/worker-fixture.ts";
import type { Facts } from "../invariants/mod.ts";
import { type Actor, actorsOf, HEDGING, passwordOf } from "./actors.ts";
import { DEATHS, type Fault, FaultPlan } from "./faults.ts";
import { Isolate } from "./isolate.ts";
import { Ledger, type LedgerChange, NOTHING_SET } from "./ledger.ts";
import { Loop } from "./loop.ts";
import { Machine, type WorkerChange } from "./machine.ts";
import { Network } from "./network.ts";
import { Observer } from "./observer.ts";
import { createPaperBroker, type Oddities, odditiesOf } from "./paper-broker.ts";
import { Random } from "./random.ts";
import { resultsWay } from "./results-way.ts";
import { sealPassword } from "./seals.ts";
import { TerminalHost } from "./terminal-host.ts";
import { Trace } from "./trace.ts";
import { comeBackWithAnotherClock } from "./weather.ts";

/** Wednesday noon: every market is open. */
const WALL_START_MS = Date.UTC(2026, 0, 14, 12, 0, 0);
const TERMINALS = 2;
/** So many accounts have a limit of open positions. */
const LIMITED = 0.25;

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
  /** When the worker's memory was lost last. */
  memoryLostMs: number | null = null;
  /** Whether it ever knew of commands from before this moment it cannot say. */
  doubtfulBeforeMs: number | null = null;
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
    this.oddities = odditiesOf(plan, random);
    // The broker has a clock of its own, which nothing here can set.
    const brokerClock = wallAt(WALL_START_MS + skew());
    const broker = createPaperBroker(
      options.seed,
      () => loop.now,
      this.oddities,
      ({ stood, ...one }) => {
        // A worker that has lost its memory cannot know what was under way.
        const isKnown = this.memoryLostMs === null && stood !== undefined;
        this.observer.booked.push({ ...one, ...(isKnown && { stood }) });
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
      const riskLimits = random.chance(LIMITED) ? { max_open_positions: random.int(1, 4) } : null;
      const set = { passMagic: random.chance(0.15), riskLimits };
      this.ledger.addAccount({ userId, ...account, credential: this.seal(userId, account, isRight), ...set });
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
          ...{ brokerClock, oddities: this.oddities },
          ...{ observer: this.observer, trace: note },
        }),
    );
    this.machine = new Machine({
      ...{ loop, random, plan, network: this.network, hosts: this.hosts, wallClock, trace: note },
      post: resultsWay({ loop, random, plan, isolates: this.isolates }),
      log: collectLog(this.observer.lines),
      change: options.worker ?? {},
      onWritten: (name, args) => {
        // Whoever acknowledges has looked at the terminal.
        if (name === "acknowledge") broker.listsCatchUp();
        this.observer.journaled(name, args, loop.now);
      },
      onAdmitted: (...admission) => this.observer.admitted(...admission),
      onStart: () => {
        broker.listsCatchUp();
        // A clock of long ago, or one that was far ahead when the journal was made: what is older than this start is in doubt.
        if (this.workerClockShiftMs < 0 || this.machine.disk.madeAtMs > workerWall()) this.doubtfulBeforeMs = loop.now;
      },
      diesAt: (point) => {
        const fault = DEATHS[point];
        return fault !== undefined && plan.strikes(fault);
      },
      onDeath: () => comeBackWithAnotherClock(this, plan.strikes("journal_lost")),
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
      this.ledger.addAccount({ userId, ...account, credential: this.seal(userId, account, isRight), ...NOTHING_SET });
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
