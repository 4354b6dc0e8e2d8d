// J2: an outcome is signed and flushed to the journal, and only what comes back from here may be told to anyone. A journal
// that cannot be written stops the worker.
import type { Journal } from "../journal/mod.ts";
import type { Log } from "../log.ts";
import type { AccountRef, Outcome, ReadOutcome } from "../protocol.ts";

/** Signs an ending with the worker's result key; the text is what everyone is told, ever after. */
export type SignResult = (ending: {
  id: string;
  userId: string;
  kind: string;
  /** Whose command it was: an answer delivered later, without the caller, must name it as the first would have. */
  account?: AccountRef & { id?: string | undefined };
  command?: Outcome;
  read?: ReadOutcome;
}) => Promise<string>;

/** A command that ends, as far as its result names it. */
export type Ended = { id: string; userId: string; kind: string; account?: AccountRef & { id?: string | undefined } };

export type EndingWriterOptions = {
  journal: Journal;
  sign: SignResult;
  log: Log;
  /** Stops the worker. Called before the error is thrown on: nothing else may start on such a disk. */
  stop: (error: unknown) => void;
};

export class EndingWriter {
  readonly #options: EndingWriterOptions;

  constructor(options: EndingWriterOptions) {
    this.#options = options;
  }

  sign({ id, userId, kind, account }: Ended, outcome: Outcome): Promise<string> {
    return this.#options.sign({ id, userId, kind, ...(account && { account }), command: outcome });
  }

  /** The result that stands from now on: this one, or a final one that was there before. */
  async write(ended: Ended, outcome: Outcome): Promise<string> {
    return this.writeSigned(ended, outcome, await this.sign(ended, outcome));
  }

  writeSigned({ id, userId, kind }: Ended, outcome: Outcome, signed: string): string {
    const { journal, log } = this.#options;
    const ending = { id, userId, kind, result: signed, evidence: outcome.evidence ?? null };
    const result = this.guarded(() => journal.recordEnding({ ...ending, final: outcome.state !== "unknown" }));
    log.info("command.ended", { command_id: id, kind, state: outcome.state });
    return result;
  }

  /** A write to the journal. If it fails, also for a tombstone: whoever asked is told nothing, and the worker stops. */
  guarded<T>(write: () => T): T {
    try {
      return write();
    } catch (error) {
      this.#options.stop(error);
      throw error;
    }
  }
}
