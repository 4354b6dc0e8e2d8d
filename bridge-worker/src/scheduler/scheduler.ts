// Admits calls, hands them to the terminals, and answers what became of an id.
// An id runs at most once: what is running is in the book, what ran is in the journal, and both are asked first.
import { type After, pause } from "../after.ts";
import type { Journal } from "../journal/mod.ts";
import { describeError, type Log } from "../log.ts";
import { BrokerClock } from "../mt5/mod.ts";
import { CLOCK_TOLERANCE_S, ENVELOPE_LIFE_S, type Outcome, type ReadOutcome } from "../protocol.ts";
import type { AccountAccess, TerminalSession } from "../terminals/mod.ts";
import { openingOf } from "./blocks.ts";
import type { CommandCall, CommandEvent, CommandQuestion, ReadCall, Subscriber } from "./calls.ts";
import { MarkChecker } from "./check-marks.ts";
import { CommandBook, type RunningCommand } from "./command-book.ts";
import { EndingWriter, type SignResult } from "./ending-writer.ts";
import { EquityWatch } from "./equity-watch.ts";
import { FillingMemory } from "./filling-memory.ts";
import { FreshOpenings, ticketsIn } from "./fresh-openings.ts";
import { type PolicyParams, PRESETS } from "./policy/params.ts";
import { expired, type RunDeps } from "./prepare-command.ts";
import { Reconciler } from "./reconciler.ts";
import { RefusedIds } from "./refused-ids.ts";
import { runCommand } from "./run-command.ts";
import { readFrom, runRead } from "./run-read.ts";
import type { SettlePolicy } from "./settle-policy.ts";
import { isAccountRead } from "./show-reading.ts";
import { NOTHING_RAN, type Ran } from "./task.ts";
import { refusedCommand, refusedRead, workOfCommand, workOfRead } from "./tasks.ts";
import { TerminalRunner } from "./terminal-runner.ts";
import { FORGOTTEN, sameUser, Whereabouts } from "./whereabouts.ts";

const BUSY_RETRY_MS = 2_000;
/** How long a question about an unknown command waits for an attempt to settle it. */
const SETTLE_WAIT_MS = 1_000;

export type SchedulerDeps = {
  sessions: readonly TerminalSession[];
  journal: Journal;
  access: AccountAccess;
  sign: SignResult;
  log: Log;
  /** Monotonic and wall clock, milliseconds. */
  now: () => number;
  wallClock: () => number;
  after: After;
  policy: SettlePolicy;
  /** Who waits for whom; balanced when nothing is said. */
  params?: PolicyParams;
  /** The journal could not be written, or something impossible happened: the process must stop. */
  fatal: (error: unknown) => void;
};

export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #run: RunDeps;
  readonly #runner: TerminalRunner;
  readonly #book = new CommandBook();
  readonly #refused = new RefusedIds((ENVELOPE_LIFE_S + CLOCK_TOLERANCE_S) * 1000);
  readonly #endings: EndingWriter;
  readonly #whereabouts: Whereabouts;
  readonly #reconciler: Reconciler;
  readonly #marks: MarkChecker;
  /** Command id → takes the command out of its queue. */
  readonly #waiting = new Map<string, () => void>();
  /** Command id → the result of a cancellation that is being written. */
  readonly #cancelling = new Map<string, Promise<string>>();
  #reads = 0;
  #draining = false;

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
    const { journal, access, log, now, wallClock, after } = deps;
    const scoped = log.scope({ room: "scheduler" });
    const clock = new BrokerClock();
    const equity = new EquityWatch(clock);
    this.#run = {
      journal,
      access,
      clock,
      equity,
      fillings: new FillingMemory(),
      fresh: new FreshOpenings(),
      log: scoped,
      now,
      wallClock,
    };
    this.#runner = new TerminalRunner({
      ...{
        sessions: deps.sessions,
        params: deps.params ?? PRESETS.balanced.params,
        now,
        wallClock,
        after,
        equity,
        log: scoped,
      },
      onFailure: (error) => this.#stop(error),
    });
    this.#endings = new EndingWriter({ journal, sign: deps.sign, log, stop: (error) => this.#stop(error) });
    this.#whereabouts = new Whereabouts({ journal, book: this.#book, endings: this.#endings, now, wallClock });
    const inLane: TerminalRunner["inLane"] = (...turn) => this.#runner.inLane(...turn);
    this.#marks = new MarkChecker({ journal, wallClock, now, after, inLane, log: scoped });
    this.#reconciler = new Reconciler({
      ...{ journal, access, policy: deps.policy, now, wallClock, after },
      wait: (ms) => pause(after, ms),
      sessions: deps.sessions,
      // What is being sent this very moment has an intent and no ending either; to poison its tag would stop it.
      unsettled: (account) => journal.unsettledOf(account).filter(({ id }) => this.#book.find(id) === undefined),
      record: async (intent, outcome) => {
        await this.#endings.write(intent, outcome);
        // From here on it does not count as unknown, and the lists need not show it yet.
        if (outcome.state !== "done" || intent.kind !== "trade") return;
        const opening = { ...openingOf(intent), tickets: ticketsIn(outcome.result) };
        this.#run.fresh.opened(intent.account, opening, null, now());
      },
      alone: (session, work) => this.#runner.alone(session, work),
      inLane,
      log: scoped,
    });
  }

  /** Commands waiting or running. */
  get inFlight(): number {
    return this.#book.size;
  }

  /**
   * Every intent that a crash left without an ending becomes visibly `unknown`, before anything new is taken.
   * A send may have happened; nothing is guessed.
   */
  async recover(): Promise<number> {
    const open = this.#deps.journal.interrupted();
    for (const intent of open) {
      const evidence = {
        phase: "interrupted",
        detail: "The worker stopped between the intent and the broker's answer",
      };
      await this.#endings.write(intent, { state: "unknown", evidence });
    }
    // Which account a terminal is on is worth knowing before the first login: the account need not be brought back.
    for (const session of this.#deps.sessions) {
      this.#runner.track(this.#runner.alone(session, () => session.ensureOpen()).catch(() => {}));
    }
    // Not awaited: a terminal that is away must not keep the worker from starting. Its place in the queue is the first.
    this.#runner.track(this.#reconciler.start(this.#deps.journal.unsettled()));
    return open.length;
  }

  /** Takes a command, or subscribes to the one with this id. `subscriber` hears at once where it stands. */
  async command(call: CommandCall, subscriber: Subscriber): Promise<void> {
    if (this.#attach(call, subscriber)) return;
    const refusal = this.#admissionRefusal(call);
    if (refusal !== undefined) return this.#refuseAtAdmission(call, refusal, subscriber);
    const command = this.#book.add(call, this.#deps.now());
    command.subscribers.add(subscriber);
    const added = this.#runner.add({
      work: workOfCommand(call, command.arrivedMs, this.#isProven(call)),
      account: call.account,
      run: (session) => this.#runCommand(command, session),
      expire: async () => {
        await this.#settle(command, expired("The command waited for its turn until its time was over"));
      },
    });
    if (added.kind === "refused") {
      this.#book.drop(command);
      return this.#refuseAtAdmission(call, refusedCommand(added), subscriber);
    }
    if (added.kind === "queued") this.#waiting.set(call.id, added.leave);
    // A free terminal has started it by now; otherwise it waits.
    if (command.phase === "received") this.#book.setPhase(command, "queued");
  }

  /** The command's frame was refused before it became a call: a copy of it that comes later is refused, too. */
  refuse(id: string): void {
    this.#refused.add(id, this.#deps.now());
  }

  /** Stops listening. A command that has started goes on: nobody's going away undoes an order. */
  unsubscribe(id: string, subscriber: Subscriber): void {
    this.#book.find(id)?.subscribers.delete(subscriber);
  }

  read(call: ReadCall): Promise<ReadOutcome> {
    const { request } = call.body;
    if (this.#draining) return Promise.resolve(busyRead());
    // Why no terminal can be used is known without one, and is asked for just then.
    const out = request.kind === "account_status" ? this.#runner.outOfUse(call.account) : undefined;
    if (out !== undefined) return runRead(this.#run, out, call).then(({ outcome }) => outcome);
    this.#reads += 1;
    return new Promise((resolve) => {
      const added = this.#runner.add({
        work: workOfRead(call, this.#reads, this.#deps.now(), this.#isProven(call)),
        account: call.account,
        run: async (session) => {
          const { outcome, ran } = await runRead(this.#run, session, call);
          resolve(outcome);
          return ran;
        },
        answer: (snapshot) => {
          if (isAccountRead(request)) resolve(readFrom(this.#run, call, request, snapshot));
        },
        expire: async () => resolve({ ok: false, code: "read_timeout" }),
      });
      if (added.kind === "refused") resolve(refusedRead(added));
    });
  }

  #isProven({ userId, account, body: { credential } }: CommandCall | ReadCall): boolean {
    return this.#deps.access.isProven({ userId, account, credential });
  }

  /** What became of a command: where it is, or its result. An id whose time is over and that was never seen is expired
   * here and now, on the disk, so that a frame still on its way finds that and does not start. */
  async status(question: CommandQuestion): Promise<CommandEvent> {
    const { commandId, userId, notAfterMs } = question;
    // Throws for another user's: nothing is done, and no account looked into, on a stranger's word.
    this.#whereabouts.find(commandId, userId);
    await this.#settleOnDemand(commandId);
    const known = this.#whereabouts.find(commandId, userId);
    if (known !== undefined) return known;
    if (this.#deps.now() <= notAfterMs) return { phase: "unseen" };
    return this.#whereabouts.bury(question, expired("The worker never received the command"));
  }

  /** Cancels what has not started. A started or finished command answers where it stands instead. */
  async cancel(question: CommandQuestion): Promise<CommandEvent> {
    const cancelled: Outcome = { state: "cancelled", code: "command_cancelled" };
    const { commandId, userId } = question;
    const running = this.#book.find(commandId);
    if (running === undefined)
      return this.#whereabouts.find(commandId, userId) ?? this.#whereabouts.bury(question, cancelled);
    sameUser(running.call.userId, userId);
    const { id } = running.call;
    const before = this.#cancelling.get(id);
    if (before !== undefined) return { result: await before };
    if (running.phase === "started") return { phase: running.phase };
    running.cancelled = true;
    this.#waiting.get(id)?.();
    const settled = this.#settle(running, cancelled).finally(() => this.#cancelling.delete(id));
    this.#cancelling.set(id, settled);
    return { result: await settled };
  }

  /**
   * Its user no longer waits for an unknown command: it blocks nothing any more, and stays unknown. Written down before
   * the answer. A running or ended command answers where it stands.
   */
  async acknowledge(question: CommandQuestion): Promise<CommandEvent> {
    const { journal } = this.#deps;
    const event = await this.status(question);
    if (journal.find(question.commandId)?.state !== "unknown") return event;
    this.#endings.guarded(() => journal.acknowledge(question.commandId));
    this.#deps.log.info("command.acknowledged", { command_id: question.commandId });
    return event;
  }

  health(): ReturnType<TerminalRunner["health"]> {
    return this.#runner.health();
  }

  /** Takes nothing new and waits until what was taken has ended. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#marks.stop();
    await this.#reconciler.stop();
    await this.#runner.idle();
  }

  /** Subscribes to what runs or answers what ended under this id; false when it was never seen. */
  #attach({ id, userId }: CommandCall, subscriber: Subscriber): boolean {
    const event = this.#whereabouts.find(id, userId);
    if (event === undefined) return false;
    this.#book.find(id)?.subscribers.add(subscriber);
    subscriber(event);
    return true;
  }

  #admissionRefusal(call: CommandCall): Outcome | undefined {
    const { now } = this.#deps;
    if (this.#refused.has(call.id, now())) return refusedBusy();
    if (this.#whereabouts.mayBeForgotten(call.submittedAgoMs)) return FORGOTTEN;
    if (now() > call.notAfterMs) return expired("The command arrived after its time was over");
    return this.#draining ? refusedBusy() : undefined;
  }

  async #refuseAtAdmission(call: CommandCall, outcome: Outcome, subscriber: Subscriber): Promise<void> {
    const released = outcome.state === "refused" && outcome.release === true;
    if (released) this.#refused.add(call.id, this.#deps.now());
    const { id, userId, account, body } = call;
    const ending = { id, userId, kind: body.request.kind, account };
    const signed = await this.#endings.sign(ending, outcome);
    if (released) return subscriber({ result: signed });
    // While it was being signed, another frame of it may have come in time; nothing may be awaited between this look and
    // the record.
    if (!this.#attach(call, subscriber)) subscriber({ result: this.#endings.writeSigned(ending, outcome, signed) });
  }

  async #runCommand(command: RunningCommand, session: TerminalSession): Promise<Ran> {
    if (command.cancelled) return NOTHING_RAN;
    this.#book.setPhase(command, "started");
    const { outcome, ran } = await runCommand(this.#run, session, command.call, command.arrivedMs);
    await this.#settle(command, outcome);
    const made = outcome.state === "done" && command.call.body.request.kind !== "cancel_order";
    if (made && outcome.result.order_ticket !== null) {
      await this.#marks.orderMade(session, command.call, outcome.result.order_ticket);
    }
    return ran;
  }

  /** J2, then everyone is told. */
  async #settle(command: RunningCommand, outcome: Outcome): Promise<string> {
    const { id, userId, account, body } = command.call;
    const result = await this.#endings.write({ id, userId, kind: body.request.kind, account }, outcome);
    this.#book.finish(command, result);
    this.#waiting.delete(id);
    if (outcome.state === "unknown") this.#reconciler.wake(account);
    return result;
  }

  /** Whoever asks for an unknown command waits a moment for the terminals' word, and not for a hanging one. */
  async #settleOnDemand(id: string): Promise<void> {
    const entry = this.#deps.journal.find(id);
    if (entry?.state !== "unknown" || entry.account === null) return;
    let callOff = (): void => {};
    const enough = new Promise<void>((resolve) => {
      callOff = this.#deps.after(SETTLE_WAIT_MS, resolve);
    });
    await Promise.race([this.#reconciler.onDemand(entry.account), enough]);
    callOff();
  }

  #stop(error: unknown): void {
    // Nothing else may start on a disk that cannot be trusted, not even in the moment before the process is gone.
    this.#runner.halt();
    this.#deps.log.error("scheduler.fatal", { error: describeError(error) });
    this.#deps.fatal(error);
  }
}

function refusedBusy(): Outcome {
  return { state: "refused", code: "worker_busy", retry_after_ms: BUSY_RETRY_MS, release: true };
}

function busyRead(): ReadOutcome {
  return { ok: false, code: "worker_busy", retry_after_ms: BUSY_RETRY_MS };
}
