// Who sees everything and touches nothing: what the broker carried out, what terminals sent, what clients were told, what
// was logged. In the end it is laid beside the ledger and the journal.
import type { Ending, Intent } from "../../../bridge-worker/src/journal/mod.ts";
import { type AccountRef, type CommandRequest, laneKey } from "../../../bridge-worker/src/protocol.ts";
import type { CommandCall } from "../../../bridge-worker/src/scheduler/mod.ts";
import type {
  Admission,
  Answer,
  Booked,
  Facts,
  JournalEvent,
  LoginTry,
  Possession,
  Sending,
} from "../invariants/mod.ts";
import { type Actor, passwordOf } from "./actors.ts";
import type { Disk, Write } from "./disk.ts";
import type { LedgerCommand, RiskLimits } from "./ledger-rows.ts";
import { openResult } from "./seals.ts";

export class Observer {
  readonly booked: Booked[] = [];
  readonly sendings: Sending[] = [];
  readonly logins: LoginTry[] = [];
  readonly answers: Answer[] = [];
  readonly connects: Facts["connects"][number][] = [];
  readonly lines: string[] = [];
  /** Id of an HTTP request → the command that it was given. */
  readonly commandOf = new Map<string, string>();
  readonly #leaks: Facts["texts"][number][] = [];
  readonly #admissions: Admission[] = [];
  readonly #journaled: JournalEvent[] = [];
  /** Command id → when its end was written down last. */
  readonly #endedAtMs = new Map<string, number>();

  /** Kept only if there is something in it that must not be. */
  frame(text: string, actors: readonly Actor[]): void {
    const isLeak = actors.some(({ account, isRight }) => text.includes(passwordOf(account, isRight)));
    if (isLeak) this.#leaks.push({ where: "a frame", text });
  }

  admitted({ account: { login, server }, body }: CommandCall, life: string, isTooLate: boolean): void {
    const { tag, request } = body;
    const maxOpen = (body.risk_limits as RiskLimits)?.max_open_positions ?? null;
    this.#admissions.push({ tag, life, kind: request.kind, login, server, isTooLate, maxOpen });
  }

  /** A write that is done; `args` as the journal was given them. */
  journaled(name: Write, args: readonly unknown[], atMs: number): void {
    if (name === "recordIntent") {
      const { id, account, request } = args[0] as Intent;
      this.#journaled.push({ what: "begun", id, about: aboutOf(account, request as CommandRequest) });
    } else if (name === "recordEnding") {
      const { id, final } = args[0] as Ending;
      if (!final) return;
      this.#journaled.push({ what: "ended", id });
      this.#endedAtMs.set(id, atMs);
    } else if (name === "acknowledge") this.#journaled.push({ what: "acknowledged", id: String(args[0]) });
  }

  /** What has ended so lately that the ledger need not know it yet. */
  endedSince(ms: number): ReadonlySet<string> {
    return new Set([...this.#endedAtMs].filter(([, atMs]) => atMs > ms).map(([id]) => id));
  }

  memoryLost(): void {
    this.#journaled.push({ what: "memory_lost" });
  }

  /** `ledgerStartMs`: what the database's clock showed at the beginning. */
  facts(commands: readonly LedgerCommand[], ledgerStartMs: number, disk: Disk, actors: readonly Actor[]): Facts {
    const journal = disk.read();
    const entries = commands.flatMap(({ id }) => journal.find(id) ?? []);
    const evidence = new Map(journal.unsettled().map((intent) => [intent.id, intent.evidence]));
    journal.close();
    const rows = commands.map((row) => ({
      ...row,
      evidence: evidence.get(row.id) ?? row.evidence,
      createdMs: row.createdMs - ledgerStartMs,
      deadlineMs: row.deadlineMs - ledgerStartMs,
    }));
    const { booked, sendings, logins, answers, connects } = this;
    return {
      ...{
        booked,
        rows,
        answers,
        sendings,
        logins,
        connects,
        admissions: this.#admissions,
        journaled: this.#journaled,
      },
      journal: entries.map(({ id, state, result }) => ({
        ...{ id, state },
        outcome: result === null ? null : (openResult(result).command?.state ?? null),
      })),
      possessions: actors.flatMap(({ userId, account, isRight }): Possession[] =>
        isRight ? [{ userId, ...account }] : [],
      ),
      texts: [
        { where: "the logs", text: this.lines.join("\n") },
        { where: "the ledger", text: JSON.stringify(rows) },
        { where: "the journal", text: JSON.stringify(entries) },
        ...this.#leaks,
      ],
      passwords: actors.map(({ account, isRight }) => passwordOf(account, isRight)),
    };
  }
}

function aboutOf(account: AccountRef, request: CommandRequest): string | null {
  switch (request.kind) {
    case "trade":
      return `${laneKey(account)} opening ${request.params.symbol}`;
    case "close_position":
      return `${laneKey(account)} closing ${request.params.ticket}`;
    // Removing an order twice removes it once.
    case "cancel_order":
      return null;
  }
}
