// Carries out what the policy decides: runs tasks on terminals, one at a time on each, and tells the policy how they ended.
// Knows nothing of commands or reads; a task settles everything itself.
import type { After } from "../after.ts";
import type { Log } from "../log.ts";
import {
  type TerminalState as SessionState,
  serves,
  type TerminalHealth,
  type TerminalSession,
} from "../terminals/mod.ts";
import type { EquityWatch } from "./equity-watch.ts";
import type { PolicyParams } from "./policy/params.ts";
import { Policy } from "./policy/policy.ts";
import type { Decision, Farewell, RefusalReason } from "./policy/work.ts";
import { exposedIn, lookAt, Snapshots } from "./snapshots.ts";
import { NOTHING_RAN, policyLane, policyServer, type Ran, type Snapshot, type Task } from "./task.ts";
import { accountOf, type Slot, specOf, stateOf, type Turn } from "./terminal-slot.ts";

/** How long work that needs a terminal for itself waits for its turn. */
const ALONE_TURN_MS = 30_000;

export type RunnerOptions = {
  sessions: readonly TerminalSession[];
  params: PolicyParams;
  now: () => number;
  wallClock: () => number;
  after: After;
  equity: EquityWatch;
  log: Log;
  /** A task rejected, which none does for what a terminal, a broker or a caller does. */
  onFailure: (error: unknown) => void;
};

export type Added =
  /** `leave` takes it out while it waits. */
  | { kind: "queued"; leave: () => void }
  | { kind: "answered" }
  | { kind: "refused"; reason: RefusalReason; retryAfterMs: number };

export class TerminalRunner {
  readonly #options: RunnerOptions;
  readonly #policy: Policy;
  readonly #slots: Map<string, Slot>;
  readonly #tasks = new Map<string, Task>();
  readonly #snapshots: Snapshots;
  #lastTurn = 0;
  #halted = false;
  #running = 0;
  #idle: (() => void)[] = [];
  #callOff: () => void = () => {};

  constructor(options: RunnerOptions) {
    this.#options = options;
    const { sessions, params } = options;
    this.#snapshots = new Snapshots(params.keptMs);
    this.#policy = new Policy(params, sessions.map(specOf));
    this.#slots = new Map(
      sessions.map((session) => [session.name, { session, busy: false, told: "disconnected", alone: [] }]),
    );
    for (const slot of this.#slots.values()) {
      this.#tell(slot, null);
      slot.session.onChange((_to, from) => this.#changed(slot, from));
    }
  }

  /** Queues a task, and begins what may begin now; or answers it, or says when to come back. */
  add(task: Task): Added {
    const { id, lane } = task.work;
    const admission = this.#policy.submit(this.#options.now(), task.work);
    if (admission.kind === "refused") return admission;
    if (admission.kind === "snapshot") {
      const snapshot = this.#snapshots.find(lane);
      // Kept no longer: then the terminal is asked.
      if (snapshot === undefined) return this.add({ ...task, work: { ...task.work, snapshotable: false } });
      task.answer?.(snapshot);
      return { kind: "answered" };
    }
    this.#tasks.set(id, task);
    this.#pump();
    return { kind: "queued", leave: () => this.#leave(id) };
  }

  /** Runs work while no task uses this terminal. Rejects with what the work rejects with, or when no turn came in time. */
  alone(session: TerminalSession, work: () => Promise<void>): Promise<void> {
    const slot = this.#slots.get(session.name);
    if (slot === undefined) return Promise.reject(new Error("no such terminal"));
    return new Promise((resolve, reject) => {
      const callOff = this.#options.after(ALONE_TURN_MS, () => {
        slot.alone.splice(slot.alone.indexOf(turn), 1);
        this.#pump();
        reject(new Error("The terminal had no time"));
      });
      const turn: Turn = { callOff, run: () => work().then(resolve, reject) };
      slot.alone.push(turn);
      this.#pump();
    });
  }

  /** One of the account's terminals when none of them can be used now; undefined while one can. */
  outOfUse(account: Task["account"]): TerminalSession | undefined {
    const { sessions } = this.#options;
    const limits = sessions.map((session) => session.limits);
    const its = sessions.filter((session) => serves(session.limits, account, limits));
    return its.every(({ unavailableForMs }) => unavailableForMs > 0) ? its[0] : undefined;
  }

  /** Runs work in an account's lane, behind the changes that wait there. Rejects like `alone`. */
  inLane(
    account: Task["account"],
    notAfterMs: number,
    work: (session: TerminalSession) => Promise<void>,
  ): Promise<void> {
    this.#lastTurn += 1;
    const lane = policyLane(account);
    return new Promise((resolve, reject) => {
      const added = this.add({
        account,
        work: {
          // Counted for nobody: what the worker does by itself takes no user's share.
          ...{ id: `turn ${this.#lastTurn}`, lane, server: policyServer(account.server), user: `worker ${lane}` },
          ...{ kind: "change", arrivedMs: this.#options.now(), deadlineMs: notAfterMs },
          ...{ maxAgeMs: 0, snapshotable: false, proven: true },
        },
        run: (session) =>
          work(session)
            .then(resolve, reject)
            .then(() => NOTHING_RAN),
        expire: async () => reject(new Error("The account's turn did not come in time")),
      });
      if (added.kind === "refused") reject(new Error(`The account's turn was refused: ${added.reason}`));
    });
  }

  /** Counts work that `idle` must wait for; a rejection is a failure like that of a task. */
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
    const waits = (): boolean =>
      this.#tasks.size > 0 || [...this.#slots.values()].some(({ alone }) => alone.length > 0);
    while (this.#running > 0 || waits()) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#callOff();
  }

  /** Begins nothing any more and forgets what waits: the process is about to end. */
  halt(): void {
    this.#halted = true;
    this.#callOff();
    this.#tasks.clear();
    for (const { alone } of this.#slots.values()) for (const turn of alone.splice(0)) turn.callOff();
  }

  health(): (TerminalHealth & { queued: number })[] {
    return [...this.#slots.values()].map(({ session }) => ({
      ...session.health(),
      queued: this.#policy.waitingAt(session.name),
    }));
  }

  #leave(id: string): void {
    if (!this.#tasks.delete(id)) return;
    this.#policy.cancel(this.#options.now(), id);
    this.#pump();
  }

  #changed(slot: Slot, from: SessionState): void {
    const { session } = slot;
    // What it is logged in to was just read.
    if (from === "connecting") this.#tell(slot, accountOf(session));
    if (from === "switching" && session.account !== null) this.#policy.arrived(this.#options.now(), session.name);
    this.#pump();
  }

  /** `account`: which one it was found on; without it, what the policy knows stays true. */
  #tell(slot: Slot, account?: ReturnType<typeof accountOf>): void {
    const { session } = slot;
    slot.told = stateOf(slot);
    this.#policy.terminalChanged(this.#options.now(), session.name, slot.told, account);
  }

  #pump(): void {
    if (this.#halted) return;
    for (const slot of this.#slots.values()) {
      this.#runAlone(slot);
      // The pause of a terminal without a keeper is over without a word.
      if (stateOf(slot) !== slot.told) this.#tell(slot);
    }
    const nowMs = this.#options.now();
    for (const decision of this.#policy.decide(nowMs)) {
      const task = this.#tasks.get(decision.work.id);
      this.#tasks.delete(decision.work.id);
      if (task === undefined) throw new Error(`the policy decided about ${decision.work.id}, which nobody knows`);
      if (decision.kind === "expire") this.track(task.expire());
      else this.#run(task, decision);
    }
    this.#planWake(nowMs);
  }

  #planWake(nowMs: number): void {
    this.#callOff();
    if (this.#policy.waiting === 0) return;
    const untold = [...this.#slots.values()].filter(({ session }) => !session.kept);
    const pauses = untold.map(({ session }) => session.unavailableForMs).filter((ms) => ms > 0);
    const wakeMs = Math.min(this.#policy.wakeAtMs(nowMs) ?? Number.POSITIVE_INFINITY, nowMs + Math.min(...pauses));
    if (!Number.isFinite(wakeMs)) return;
    // Whole milliseconds: a fraction below the clock's grain would wake us at the very same moment, again and again.
    this.#callOff = this.#options.after(Math.max(1, Math.ceil(wakeMs - nowMs)), () => this.#pump());
  }

  #runAlone(slot: Slot): void {
    const turn = slot.busy ? undefined : slot.alone.shift();
    if (turn === undefined) return;
    turn.callOff();
    slot.busy = true;
    // Until it is given back, no task may come here; with the turn gone from the list, only this says so. Said before the
    // session is told: its change of state brings us here again.
    slot.told = "held";
    this.#policy.terminalChanged(this.#options.now(), slot.session.name, "held");
    slot.session.begin();
    this.track(
      turn.run().finally(() => {
        slot.busy = false;
        this.#tell(slot, accountOf(slot.session));
        slot.session.end();
        this.#pump();
      }),
    );
  }

  #run(task: Task, decision: Exclude<Decision, { kind: "expire" }>): void {
    const slot = this.#slots.get(decision.terminal);
    if (slot === undefined) throw new Error(`no terminal ${decision.terminal}`);
    slot.busy = true;
    slot.session.begin();
    const departed = this.#depart(slot, decision);
    const { session } = slot;
    const work: Promise<Ran | null> =
      departed?.then(() => (session.unavailableForMs > 0 ? null : task.run(session))) ?? task.run(session);
    this.track(
      work
        // Before the terminal is free again: a failure must be able to halt everything first.
        .catch((error: unknown) => {
          this.#options.onFailure(error);
          return NOTHING_RAN;
        })
        .then((ran) => (ran === null ? this.#returned(slot, task) : this.#ended(slot, task, ran))),
    );
  }

  /** Its terminal was lost before it began, by the last look at the account that had to go: another one may do it. */
  #returned(slot: Slot, task: Task): void {
    if (!this.#halted) this.#tasks.set(task.work.id, task);
    this.#policy.returned(this.#options.now(), slot.session.name);
    this.#free(slot, false);
  }

  #ended(slot: Slot, { work, account }: Task, { loginMs, workMs, snapshot, exposed }: Ran): void {
    const { session } = slot;
    const onAccount = session.isOn(account);
    if (snapshot !== null) this.#snapshots.keep(work.lane, snapshot);
    const ended = { loginMs, workMs, onAccount, snapshotAtMs: snapshot?.takenAtMs ?? null, exposed };
    const stranded = !onAccount && session.isStranded;
    this.#answer(this.#policy.finished(this.#options.now(), session.name, { ...ended, stranded }), snapshot);
    this.#free(slot, onAccount);
  }

  #free(slot: Slot, onAccount: boolean): void {
    slot.busy = false;
    if (!onAccount) this.#tell(slot, accountOf(slot.session));
    slot.session.end();
    this.#pump();
  }

  /** The account that a terminal leaves is read once more: whoever asks for it next need not bring it back. */
  #depart({ session }: Slot, decision: Exclude<Decision, { kind: "expire" }>): Promise<void> | undefined {
    if (decision.kind === "run" || decision.farewell === null) return undefined;
    return this.#sayFarewell(session, decision.farewell);
  }

  async #sayFarewell(session: TerminalSession, { lane, notBeforeMs }: Farewell): Promise<void> {
    const { now, after } = this.#options;
    const waitMs = notBeforeMs - now();
    if (waitMs > 0) await new Promise<void>((resolve) => after(waitMs, resolve));
    const snapshot = await lookAt(this.#options, session, lane);
    if (snapshot !== null) this.#snapshots.keep(lane, snapshot);
    const seen = snapshot && { snapshotAtMs: snapshot.takenAtMs, exposed: exposedIn(snapshot.reading) };
    this.#answer(this.#policy.departed(now(), session.name, seen), snapshot);
  }

  /** The reads that the policy found in what was just seen. */
  #answer(answered: readonly { id: string }[], snapshot: Snapshot | null): void {
    for (const { id } of answered) {
      if (snapshot === null) throw new Error(`the policy answered ${id} from nothing`);
      const task = this.#tasks.get(id);
      this.#tasks.delete(id);
      task?.answer?.(snapshot);
    }
  }
}
