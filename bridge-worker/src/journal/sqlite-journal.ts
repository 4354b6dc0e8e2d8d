// The journal on disk: SQLite with full synchronous commits, one process at a time. A write that fails is fatal: the
// caller stops the worker, because what is on the disk is then no longer known (see docs/reliability.md).
import { closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { AccountRef } from "../protocol.ts";
import type { Ending, Intent, Journal, JournalEntry, ProofKey, RiskCounters, TagOwner } from "./journal.ts";
import { APPLICATION_ID, FORMAT_VERSION, SCHEMA } from "./schema.ts";

/** The journal cannot be used: it is another worker's, another program's, in use, or the disk refuses it. */
export class JournalUnusable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "JournalUnusable";
  }
}

export type JournalOptions = { path: string; workerId: string; now: () => number };

/** Opens or makes the journal at `path`. Throws JournalUnusable. `now`: Unix milliseconds. */
export function openJournal({ path, workerId, now }: JournalOptions): Journal {
  const isNew = path === ":memory:" || !existsSync(path);
  let db: DatabaseSync | undefined;
  try {
    // Made here and not by SQLite, which gives the write-ahead log the mode that this file has when the log begins.
    if (isNew && path !== ":memory:") closeSync(openSync(path, "wx", 0o600));
    db = new DatabaseSync(path);
    // Exclusive locking is the "one process per journal": a second worker on the same file fails here, at once.
    db.exec("pragma locking_mode = exclusive; begin exclusive; commit;");
  } catch (cause) {
    db?.close();
    throw new JournalUnusable(`Journal ${path} cannot be opened: is another worker using it?`, cause);
  }
  try {
    // Before the journal mode is set: that would already write to a file that is not ours.
    if (!isNew) checkHeader(db, path, workerId);
    db.exec("pragma journal_mode = wal; pragma synchronous = full;");
    if (isNew) create(db, workerId, now());
    return new SqliteJournal(db, checkHeader(db, path, workerId), now);
  } catch (cause) {
    db.close();
    throw cause instanceof JournalUnusable ? cause : new JournalUnusable(`Journal ${path} cannot be read`, cause);
  }
}

function create(db: DatabaseSync, workerId: string, now: number): void {
  db.exec("begin");
  db.exec(SCHEMA);
  db.prepare("insert into journal values (1, ?, ?)").run(workerId, now);
  db.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${FORMAT_VERSION}; commit;`);
}

type Header = { workerId: string; createdAt: number };

function checkHeader(db: DatabaseSync, path: string, workerId: string): Header {
  const pragma = (name: string): unknown => db.prepare(`pragma ${name}`).get()?.[name];
  if (pragma("application_id") !== APPLICATION_ID) throw new JournalUnusable(`${path} is not a Switchyard journal`);
  const format = pragma("user_version");
  if (format !== FORMAT_VERSION) {
    throw new JournalUnusable(`Journal ${path} has format ${String(format)}; this worker reads ${FORMAT_VERSION}`);
  }
  const row = db.prepare("select worker_id, created_at from journal").get();
  if (row === undefined) throw new JournalUnusable(`Journal ${path} has lost its header`);
  if (row.worker_id !== workerId) {
    throw new JournalUnusable(`Journal ${path} belongs to worker "${String(row.worker_id)}", not "${workerId}"`);
  }
  return { workerId, createdAt: Number(row.created_at) };
}

class SqliteJournal implements Journal {
  readonly workerId: string;
  readonly createdAt: number;
  readonly #db: DatabaseSync;
  readonly #now: () => number;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, header: Header, now: () => number) {
    this.#db = db;
    this.workerId = header.workerId;
    this.createdAt = header.createdAt;
    this.#now = now;
  }

  find(id: string): JournalEntry | undefined {
    const row = this.#prepare("select * from command where id = ?").get(id);
    return row === undefined ? undefined : toEntry(row);
  }

  recordIntent(intent: Intent): void {
    const { id, userId, kind, tag, account, credential } = intent;
    this.#prepare(
      `insert into command (id, user_id, kind, tag, account_id, login, server, request, credential, plan, baseline, epoch, state, begun_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'intent', ?)`,
    ).run(
      ...[id, userId, kind, tag, account.id, account.login, account.server],
      ...[JSON.stringify(intent.request), credential, JSON.stringify(intent.plan), JSON.stringify(intent.baseline)],
      intent.epoch,
      this.#now(),
    );
  }

  recordEnding({ id, userId, kind, result, final }: Ending): string {
    const state = final ? "final" : "unknown";
    const now = this.#now();
    // A final row is never touched again (the `where`), so whoever comes second learns what the first one told.
    this.#prepare(
      `insert into command (id, user_id, kind, state, result, begun_at, ended_at) values (?, ?, ?, ?, ?, ?, ?)
       on conflict (id) do update set state = excluded.state, result = excluded.result, ended_at = excluded.ended_at,
         delivered = 0, credential = case when excluded.state = 'final' then null else command.credential end
       where command.state <> 'final'`,
    ).run(id, userId, kind, state, result, now, now);
    return String(this.#prepare("select result from command where id = ?").get(id)?.result);
  }

  interrupted(): Intent[] {
    return this.#prepare("select * from command where state = 'intent' order by begun_at").all().map(toIntent);
  }

  unsettled(): Intent[] {
    // An unknown without a tag was never begun here: there is nothing to ask a terminal about.
    return this.#prepare("select * from command where state <> 'final' and tag is not null order by begun_at")
      .all()
      .map(toIntent);
  }

  tagOwner(tag: number): TagOwner | undefined {
    const row = this.#prepare("select id, user_id, request from command where tag = ?").get(tag);
    return row === undefined
      ? undefined
      : { id: String(row.id), userId: String(row.user_id), request: parseJson(row.request) };
  }

  undelivered(limit: number): { id: string; result: string }[] {
    return this.#prepare(
      "select id, result from command where delivered = 0 and result is not null order by ended_at limit ?",
    )
      .all(limit)
      .map((row) => ({ id: String(row.id), result: String(row.result) }));
  }

  confirmDelivery(id: string, result: string): void {
    this.#prepare("update command set delivered = 1 where id = ? and result = ? and delivered = 0").run(id, result);
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
    this.#prepare("insert or replace into proof values (?, ?, ?, ?, ?)").run(...proofColumns(key), atMs);
  }

  disprove(key: ProofKey): void {
    this.#prepare("delete from proof where user_id = ? and server = ? and login = ? and credential_hash = ?").run(
      ...proofColumns(key),
    );
  }

  riskCounters(account: AccountRef): RiskCounters | undefined {
    const row = this.#prepare("select * from risk where server = ? and login = ?").get(account.server, account.login);
    if (row === undefined) return undefined;
    return {
      day: String(row.day),
      dayStartEquity: Number(row.day_start_equity),
      peakEquity: Number(row.peak_equity),
    };
  }

  saveRiskCounters({ server, login }: AccountRef, { day, dayStartEquity, peakEquity }: RiskCounters): void {
    this.#prepare("insert or replace into risk values (?, ?, ?, ?, ?)").run(
      ...[server, login, day],
      ...[dayStartEquity, peakEquity],
    );
  }

  close(): void {
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

type Row = Record<string, unknown>;

function identity(row: Row): { id: string; userId: string; kind: string } {
  return { id: String(row.id), userId: String(row.user_id), kind: String(row.kind) };
}

function accountOf(row: Row): JournalEntry["account"] {
  if (row.login === null) return null;
  return { id: String(row.account_id), login: String(row.login), server: String(row.server) };
}

function toIntent(row: Row): Intent {
  return {
    ...identity(row),
    tag: Number(row.tag),
    account: accountOf(row) ?? { id: "", login: "", server: "" },
    request: parseJson(row.request),
    credential: String(row.credential),
    plan: parseJson(row.plan),
    baseline: parseJson(row.baseline),
    epoch: row.epoch === null ? null : String(row.epoch),
  };
}

function toEntry(row: Row): JournalEntry {
  return {
    ...identity(row),
    tag: row.tag === null ? null : Number(row.tag),
    account: accountOf(row),
    state: row.state as JournalEntry["state"],
    result: row.result === null ? null : String(row.result),
    request: parseJson(row.request),
  };
}

function parseJson(value: unknown): unknown {
  return typeof value === "string" ? JSON.parse(value) : null;
}

function proofColumns({ userId, account, credentialHash }: ProofKey): [string, string, string, string] {
  return [userId, account.server, account.login, credentialHash];
}
