// The one place that answers what became of an id: what runs is in the book, what ran is in the journal, and what neither
// has ever seen is buried there before anybody is told so, where a late frame finds it.
import type { Journal } from "../journal/mod.ts";
import { AppError, type Outcome } from "../protocol.ts";
import type { CommandEvent, CommandQuestion } from "./calls.ts";
import type { CommandBook } from "./command-book.ts";
import type { EndingWriter } from "./ending-writer.ts";

export type WhereaboutsDeps = {
  journal: Journal;
  book: CommandBook;
  endings: EndingWriter;
  now: () => number;
  wallClock: () => number;
};

/** What is said of a command that the journal may have known once: never that it did not run. */
export const FORGOTTEN: Outcome = { state: "unknown", evidence: { phase: "journal_younger_than_command" } };

export class Whereabouts {
  readonly #deps: WhereaboutsDeps;
  /** The journal's age when this process began, and then: a wall clock that is set forward must not age a journal. */
  readonly #aged: { journalMs: number; atMs: number; knowsSince: number };

  constructor(deps: WhereaboutsDeps) {
    this.#deps = deps;
    const { knowsSince } = deps.journal;
    this.#aged = { journalMs: deps.wallClock() - knowsSince, atMs: deps.now(), knowsSince };
  }

  /** Where it is, or its result; undefined for an id that was never seen. Throws `proof_refused` for another user's. */
  find(id: string, userId: string): CommandEvent | undefined {
    const running = this.#deps.book.find(id);
    if (running === undefined) return this.findEnded(id, userId);
    sameUser(running.call.userId, userId);
    return { phase: running.phase };
  }

  findEnded(id: string, userId: string): CommandEvent | undefined {
    const entry = this.#deps.journal.find(id);
    if (entry === undefined) return undefined;
    sameUser(entry.userId, userId);
    // An intent without an ending and not in the book: its ending is being written this very moment.
    return entry.result === null ? { phase: "started" } : { result: entry.result };
  }

  /** The command is older than what this journal remembers: an earlier one may have sent it. */
  mayBeForgotten(submittedAgoMs: number): boolean {
    const { now, wallClock, journal } = this.#deps;
    const aged = this.#aged;
    const upMs = now() - aged.atMs;
    // As long as nothing was forgotten, whatever came after this start came to this journal. No wall clock can deny that,
    // not even one that was far ahead when the journal was made: it would answer `unknown` to everything, for years.
    if (journal.knowsSince === aged.knowsSince && submittedAgoMs <= upMs) return false;
    return submittedAgoMs > Math.min(aged.journalMs + upMs, wallClock() - journal.knowsSince);
  }

  /** The tombstone of a command that nobody has seen here. */
  async bury({ commandId: id, userId, submittedAgoMs }: CommandQuestion, outcome: Outcome): Promise<CommandEvent> {
    const { endings } = this.#deps;
    const ending = this.mayBeForgotten(submittedAgoMs) ? FORGOTTEN : outcome;
    const unseen = { id, userId, kind: "unseen" };
    const signed = await endings.sign(unseen, ending);
    // While it was being signed, the command's own frame may have come in; nothing may be awaited between this look
    // and the record.
    return this.find(id, userId) ?? { result: endings.writeSigned(unseen, ending, signed) };
  }
}

/** An id belongs to the user who made it; nobody else may listen to it, ask about it or cancel it. */
export function sameUser(owner: string, asking: string): void {
  if (owner !== asking) throw new AppError("proof_refused", { detail: "The command belongs to another user" });
}
