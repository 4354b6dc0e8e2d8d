// Settles what is open on one account: first the terminals' processes are asked, then the broker's records; soon, then ever
// less often, and once more when somebody asks. What neither can prove stays visibly `unknown`, with what was seen as
// evidence.
import { isDeepStrictEqual } from "node:util";
import type { After } from "../after.ts";
import type { OpenIntent } from "../journal/mod.ts";
import { describeError, type Log } from "../log.ts";
import type { AccountRef, Outcome } from "../protocol.ts";
import type { TerminalSession } from "../terminals/mod.ts";
import { newWatch, type Watch } from "./absence.ts";
import { askGuard, type GuardWord, isElsewhere } from "./settle-by-guard.ts";
import { askRecords, type RecordsDeps } from "./settle-by-records.ts";

/** How long the look at the records waits for its turn on a terminal. */
const LANE_TURN_MS = 60_000;

export type SettleDeps = RecordsDeps & {
  after: After;
  sessions: readonly TerminalSession[];
  /** Commands of the account that may have been sent, are not final, and are not being sent now; oldest first. */
  unsettled: (account: AccountRef) => OpenIntent[];
  /** Journals an outcome; from then on it is told and delivered. */
  record: (intent: OpenIntent, outcome: Outcome) => Promise<void>;
  /** Runs work while no job uses the terminal. Rejects when that cannot be had in time. */
  alone: (session: TerminalSession, work: () => Promise<void>) => Promise<void>;
  /** Runs work in the account's lane, behind what waits there. Rejects when its turn does not come before `notAfterMs`. */
  inLane: (account: AccountRef, notAfterMs: number, work: (session: TerminalSession) => Promise<void>) => Promise<void>;
  log: Log;
};

export class LaneSettler {
  readonly #deps: SettleDeps;
  readonly #account: AccountRef;
  /** Nothing is open here any more, or only a person can go on. */
  readonly #rested: () => void;
  /** Command id → what this process has seen of it. */
  readonly #watches = new Map<string, Watch>();
  #pauses = 0;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #callOff: () => void = () => {};
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: SettleDeps, account: AccountRef, rested: () => void) {
    this.#deps = deps;
    this.#account = account;
    this.#rested = rested;
  }

  /** A command has become unknown: attempts begin anew, from the shortest pause. */
  wake(): void {
    this.#pauses = 0;
    this.#later();
  }

  /** Somebody asks: one attempt now, unless there was one a moment ago. Resolves when it has ended. */
  async onDemand(): Promise<void> {
    if (this.#running !== undefined) return this.#running;
    if (this.#deps.now() - this.#lastAtMs < this.#deps.policy.onDemandMs) return;
    await this.attempt();
  }

  /**
   * One look at everything that is open. `atStart`: what it queues, it queues before it returns, in front of every new
   * order. Never rejects for what a terminal does; rejects when the journal cannot be written.
   */
  attempt(atStart = false): Promise<void> {
    this.#running ??= this.#attempt(atStart).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#callOff();
    await this.#running;
  }

  async #attempt(atStart: boolean): Promise<void> {
    this.#lastAtMs = this.#deps.now();
    const open = this.#open();
    const ids = new Set(open.map(({ id }) => id));
    for (const id of this.#watches.keys()) if (!ids.has(id)) this.#watches.delete(id);
    if (open.length === 0) return;
    const words = new Map<string, string>();
    const guards = Promise.all(
      this.#deps.sessions.map((session) =>
        this.#askGuards(
          session,
          open.filter(({ terminal }) => terminal === session.name),
          words,
          atStart,
        ),
      ),
    );
    // A turn that waited here for another terminal would keep its own one from everybody.
    if (!atStart) await guards;
    await Promise.all([guards, this.#askRecords(guards, words, atStart)]);
  }

  async #askGuards(
    session: TerminalSession,
    intents: readonly OpenIntent[],
    words: Map<string, string>,
    atStart: boolean,
  ): Promise<void> {
    if (intents.length === 0) return;
    // Once opened, its process can be asked beside whatever runs or hangs there.
    if (session.epoch === null && !(await this.#openTerminal(session))) return;
    for (const intent of intents) {
      let word = await this.#ask(session, intent);
      // Another process may be there by now: then the terminal has to be opened anew to learn its name. Not at a start:
      // the lane's own turn holds the terminal then, and waits for this.
      if (word === undefined && !atStart && (await this.#openTerminal(session)))
        word = await this.#ask(session, intent);
      words.set(intent.id, word?.seen ?? "no_answer");
      if (word === undefined) continue;
      const watch = this.#watch(intent);
      if (word.unclear !== null) {
        if (isElsewhere(word.unclear)) watch.elsewhere = true;
        // Written down: the process that knows it may be gone when it is asked again.
        const evidence = { ...intent.evidence, ...word.unclear };
        if (!isDeepStrictEqual(evidence, intent.evidence))
          await this.#deps.record(intent, { state: "unknown", evidence });
      }
      if (!word.over) watch.overSinceMs = null;
      else watch.overSinceMs ??= this.#deps.now();
      if (word.outcome !== undefined) await this.#deps.record(intent, word.outcome);
    }
  }

  async #openTerminal(session: TerminalSession): Promise<boolean> {
    return await this.#deps
      .alone(session, () => session.ensureOpen())
      .then(() => true)
      .catch((error: unknown) => this.#noAnswer(session, error) ?? false);
  }

  #ask(session: TerminalSession, intent: OpenIntent): Promise<GuardWord | undefined> {
    return askGuard(session, intent).catch((error: unknown) => this.#noAnswer(session, error));
  }

  #noAnswer({ name }: TerminalSession, error: unknown): undefined {
    this.#deps.log.warn("reconciler.no_answer", { terminal: name, error: describeError(error) });
  }

  /**
   * What the processes could not settle. A look that counts takes its time: each has a turn of its own, and what the lane
   * has to do goes in between. At a start none counts yet, and one turn comes before everything new.
   */
  async #askRecords(guards: Promise<unknown>, words: ReadonlyMap<string, string>, atStart: boolean): Promise<void> {
    const { inLane, log, now } = this.#deps;
    const warn = (error: unknown): void => log.warn("reconciler.no_records", { error: describeError(error) });
    const turn = (isMeant: (intent: OpenIntent) => boolean): Promise<void> =>
      inLane(this.#account, now() + LANE_TURN_MS, async (session) => {
        await guards;
        for (const intent of this.#open().filter(isMeant)) await this.#lookFor(intent, session, words).catch(warn);
      }).catch(warn);
    if (atStart) return turn(() => true);
    for (const { id } of this.#open()) {
      // One after another they can take longer than a worker that stops has time.
      if (this.#stopped) return;
      await turn((intent) => intent.id === id);
    }
  }

  async #lookFor(intent: OpenIntent, session: TerminalSession, words: ReadonlyMap<string, string>): Promise<void> {
    const watch = this.#watch(intent);
    watch.attempts += 1;
    const { outcome, seen, tickets } = await askRecords(this.#deps, session, intent, watch);
    const looked = { attempts: watch.attempts, guard: words.get(intent.id) ?? "not_asked", records: seen };
    const evidence = { ...intent.evidence, ...looked, ...(tickets === undefined ? {} : { tickets }) };
    if (outcome !== undefined) {
      await this.#deps.record(intent, { ...outcome, evidence: { ...outcome.evidence, ...looked } });
    } else if (intent.evidence?.records !== seen) {
      await this.#deps.record(intent, { state: "unknown", evidence });
    }
  }

  #open(): OpenIntent[] {
    return this.#deps.unsettled(this.#account);
  }

  #watch({ id, evidence }: OpenIntent): Watch {
    let watch = this.#watches.get(id);
    if (watch === undefined) {
      watch = { ...newWatch(), elsewhere: isElsewhere(evidence) };
      this.#watches.set(id, watch);
    }
    return watch;
  }

  /** Young ones are looked for by the clock; an older one when somebody asks, and at a start. */
  #later(): void {
    this.#callOff();
    if (this.#stopped) return;
    const { policy, after, wallClock, log } = this.#deps;
    const pauseMs = policy.pausesMs[Math.min(this.#pauses, policy.pausesMs.length - 1)] ?? policy.giveUpAfterMs;
    this.#pauses += 1;
    this.#callOff = after(pauseMs, () => {
      this.attempt().then(
        () => {
          const open = this.#open();
          if (open.some(({ begunAt }) => wallClock() - begunAt < policy.giveUpAfterMs)) return this.#later();
          if (open.length > 0) log.error("reconciler.left_to_a_person", { commands: open.map(({ id }) => id) });
          this.#rested();
        },
        // What rejects is the journal, and that has already stopped the worker.
        () => {},
      );
    });
  }
}
