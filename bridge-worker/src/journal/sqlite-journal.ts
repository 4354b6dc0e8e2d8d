// The journal on disk: what is written, and in which transaction. A write that fails is fatal: the worker is stopped,
// because what is on the disk is then no longer known (docs/reliability.md). Opening: open-journal.ts.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AccountRef } from "../protocol.ts";
import type {
  Ending,
  Intent,
  Journal,
  JournalEntry,
  MarkSurvival,
  OpenIntent,
  ProofKey,
  RiskCounters,
  TagOwner,
} from "./journal.ts";
import { JournalUnusable } from "./journal-unusable.ts";
import { parseJson, proofColumns, type Row, toEntry, toOpenIntent, toRiskCounters } from "./rows.ts";
import type { Witness } from "./witness.ts";

/** Rows that one call of `compact` removes at most: it holds up everything else for some milliseconds. */
export const COMPACT_BATCH = 500;
/** SQLite's primary result code of a broken constraint: nothing was written, and nothing is wrong with the disk. */
const SQLITE_CONSTRAINT = 19;

/** A command with the request that its tag's owner keeps. */
const COMMAND = "select command.*, request from command left join tag_owner using (tag)";

export type Header = { workerId: string; identity: string; createdAt: number; knowsSince: number; writes: number };

export class SqliteJournal implements Journal {
  readonly workerId: string;
  readonly createdAt: number;
  readonly #db: DatabaseSync;
  readonly #witness: Witness | undefined;
  readonly #now: () => number;
  readonly #onFailure: (error: unknown) => void;
  readonly #statements = new Map<string, StatementSync>();
  #knowsSince: number;
  #failed = false;

  constructor(
    db: DatabaseSync,
    header: Header,
    witness: Witness | undefined,
    now: () => number,
    onFailure: (error: unknown) => void = () => {},
  ) {
    this.#db = db;
    this.workerId = header.workerId;
    this.createdAt = header.createdAt;
    this.#knowsSince = header.knowsSince;
    this.#witness = witness;
    this.#now = now;
    this.#onFailure = onFailure;
  }

  get knowsSince(): number {
    return this.#knowsSince;
  }

  find(id: string): JournalEntry | undefined {
    const row = this.#prepare(`${COMMAND} where id = ?`).get(id);
    return row === undefined ? undefined : toEntry(row);
  }

  recordIntent(intent: Intent): void {
    const { id, userId, kind, tag, account, credential, terminal, epoch } = intent;
    this.#write(() => {
      this.#prepare("insert into tag_owner (tag, command_id, user_id, request) values (?, ?, ?, ?)").run(
        ...[tag, id, userId],
        JSON.stringify(intent.request),
      );
      this.#prepare(
        `insert into command (id, user_id, kind, tag, account_id, login, server, credential, plan, baseline, terminal, epoch, state, begun_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'intent', ?)`,
      ).run(
        ...[id, userId, kind, tag, account.id, account.login, account.server, credential],
        ...[JSON.stringify(intent.plan), JSON.stringify(intent.baseline), terminal, epoch, this.#now()],
      );
    });
  }

  recordEnding({ id, userId, kind, result, evidence = null, final }: Ending): string {
    const state = final ? "final" : "unknown";
    const now = this.#now();
    return this.#write(() => {
      // A final row is never touched again (the `where`), so whoever comes second learns what the first one told.
      this.#prepare(
        `insert into command (id, user_id, kind, state, result, evidence, begun_at, ended_at) values (?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (id) do update set state = excluded.state, result = excluded.result, evidence = excluded.evidence,
           ended_at = excluded.ended_at, delivered = 0,
           credential = case when excluded.state = 'final' then null else command.credential end
         where command.state <> 'final'`,
      ).run(...[id, userId, kind, state, result], evidence && JSON.stringify(evidence), ...[now, now]);
      return String(this.#prepare("select result from command where id = ?").get(id)?.result);
    });
  }

  interrupted(): OpenIntent[] {
    return this.#openIntents("state = 'intent'");
  }

  unsettled(): OpenIntent[] {
    return this.#openIntents("state <> 'final'");
  }

  unsettledOf({ server, login }: AccountRef): OpenIntent[] {
    return this.#openIntents("state <> 'final' and server = ? and login = ?", server, login);
  }

  acknowledge(id: string): void {
    this.#write(() => this.#prepare("update command set acknowledged = 1 where id = ? and state = 'unknown'").run(id));
  }

  tagOwner(tag: number): TagOwner | undefined {
    const row = this.#prepare("select command_id, user_id, request from tag_owner where tag = ?").get(tag);
    if (row === undefined) return undefined;
    return { id: String(row.command_id), userId: String(row.user_id), request: parseJson(row.request) };
  }

  undelivered(limit: number): { id: string; result: string }[] {
    return this.#prepare(
      "select id, result from command where delivered = 0 and result is not null order by ended_at limit ?",
    )
      .all(limit)
      .map((row) => ({ id: String(row.id), result: String(row.result) }));
  }

  confirmDelivery(id: string, result: string): void {
    this.#run("update command set delivered = 1 where id = ? and result = ? and delivered = 0", id, result);
  }

  backlog(): { unknown: number; undeliveredSince: number | null } {
    const row = this.#prepare(
      `select (select count(*) from command where state <> 'final' and state = 'unknown' and acknowledged = 0) as unknown,
         (select min(ended_at) from command where delivered = 0 and result is not null) as since`,
    ).get();
    return { unknown: Number(row?.unknown), undeliveredSince: row?.since == null ? null : Number(row.since) };
  }

  intentsSince(account: AccountRef, sinceMs: number): number {
    const row = this.#prepare(
      "select count(*) as n from command where server = ? and login = ? and tag is not null and begun_at >= ?",
    ).get(account.server, account.login, sinceMs);
    return Number(row?.n);
  }

  isProven(key: ProofKey, sinceMs: number): boolean {
    const row = this.#prepare(
      "select 1 as yes from proof where user_id = ? and server = ? and login = ? and credential_hash = ? and proven_at >= ?",
    ).get(...proofColumns(key), sinceMs);
    return row !== undefined;
  }

  prove(key: ProofKey, atMs: number): void {
    this.#run(
      "insert or replace into proof (user_id, server, login, credential_hash, proven_at) values (?, ?, ?, ?, ?)",
      ...[...proofColumns(key), atMs],
    );
  }

  disprove(key: ProofKey): void {
    this.#run(
      "delete from proof where user_id = ? and server = ? and login = ? and credential_hash = ?",
      ...proofColumns(key),
    );
  }

  recordMarkCheck({ server, login }: AccountRef, { magic, comment }: { magic: boolean; comment: boolean }): void {
    this.#run(
      `insert into mark (server, login, magic, comment) values (?, ?, ?, ?)
       on conflict (server, login) do update set magic = min(magic, excluded.magic), comment = min(comment, excluded.comment)`,
      ...[server, login, Number(magic), Number(comment)],
    );
  }

  isMarkChecked({ server, login }: AccountRef): boolean {
    return this.#prepare("select 1 as yes from mark where server = ? and login = ?").get(server, login) !== undefined;
  }

  markSurvival(server: string): MarkSurvival {
    const row = this.#prepare("select min(magic) as magic, min(comment) as comment from mark where server = ?").get(
      server,
    );
    const survives = (least: unknown): boolean | null => (typeof least === "number" ? least === 1 : null);
    return { magic: survives(row?.magic), comment: survives(row?.comment) };
  }

  compact(endedBeforeMs: number): number {
    return this.#write(() => {
      const { changes } = this.#prepare(
        `delete from command where id in (
           select id from command where delivered = 1 and state = 'final' and ended_at < ? order by ended_at limit ${COMPACT_BATCH})`,
      ).run(endedBeforeMs);
      // What is gone began before it ended: an id that is older than this may have been known here.
      if (changes > 0 && endedBeforeMs > this.#knowsSince) {
        this.#prepare("update journal set knows_since = ?").run(endedBeforeMs);
        this.#knowsSince = endedBeforeMs;
      }
      return Number(changes);
    });
  }

  riskCounters(account: AccountRef): RiskCounters | undefined {
    const row = this.#prepare("select * from risk where server = ? and login = ?").get(account.server, account.login);
    return row === undefined ? undefined : toRiskCounters(row);
  }

  saveRiskCounters({ server, login }: AccountRef, { day, dayStartEquity, peakEquity }: RiskCounters): void {
    this.#run(
      "insert or replace into risk (server, login, day, day_start_equity, peak_equity) values (?, ?, ?, ?, ?)",
      ...[server, login, day, dayStartEquity, peakEquity],
    );
  }

  close(): void {
    this.#db.close();
    this.#witness?.close();
  }

  /** Without a tag it was never begun here: there is nothing to ask a terminal about. */
  #openIntents(where: string, ...values: string[]): OpenIntent[] {
    return this.#prepare(`${COMMAND} where ${where} and tag is not null order by begun_at`)
      .all(...values)
      .map((row: Row) => toOpenIntent(row));
  }

  /** One transaction that counts; on the disk before the witness says so, or the witness would accuse a sound journal. */
  #write<T>(work: () => T): T {
    const [value, writes] = this.#guarded((): [T, number] => {
      this.#db.exec("begin immediate");
      try {
        const done = work();
        const row = this.#prepare("update journal set writes = writes + 1 returning writes").get();
        this.#db.exec("commit");
        return [done, Number(row?.writes)];
      } catch (error) {
        // After a fault of the disk SQLite may have rolled back by itself.
        if (this.#db.isTransaction) this.#db.exec("rollback");
        throw error;
      }
    });
    this.#guarded(() => this.#witness?.note(writes));
    return value;
  }

  #run(sql: string, ...values: (string | number)[]): void {
    this.#guarded(() => this.#prepare(sql).run(...values));
  }

  /** After one failed flush a later one may succeed and mean nothing: the journal takes no write any more. */
  #guarded<T>(work: () => T): T {
    if (this.#failed) throw new JournalUnusable("disk", "The journal takes nothing more: an earlier write failed");
    try {
      return work();
    } catch (error) {
      if (isConstraint(error)) throw error;
      this.#failed = true;
      // Here, and not left to each of the many that write: one of them would go on without its memory.
      this.#onFailure(error);
      throw error;
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function isConstraint(error: unknown): boolean {
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) : 0;
  return (code & 0xff) === SQLITE_CONSTRAINT;
}
