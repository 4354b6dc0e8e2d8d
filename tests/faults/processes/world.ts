// Gathers the facts of the invariants from a stack of real processes: the broker's ledger, the database's rows, the
// journal's entries. All are read past everything that is under test.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { decodeJwt } from "jose";
import { Client } from "pg";
import type { CommandState } from "../../../bridge-worker/src/protocol.ts";
import { type Facts, type JournalRow, type LedgerRow, NO_FACTS } from "../invariants/mod.ts";
import type { Player } from "./players.ts";
import type { Rig } from "./rig.ts";

/** Of the accounts that the players use. */
export const PASSWORDS = ["alpha-one", "alpha-two", "beta-one", "beta-two"];

export type World = Omit<Facts, "answers"> & { undelivered: number; evidence: ReadonlyMap<string, unknown> };

export async function lookAt(rig: Rig, players: readonly Player[]): Promise<World> {
  const { data_dir, db_url } = rig.stack.info;
  const [orders, { sendings }, ledger] = await Promise.all([
    rig.broker.ledger(),
    rig.broker.seen(),
    readLedger(db_url),
  ]);
  const journal = readJournal(join(data_dir, "worker"));
  return {
    ...NO_FACTS,
    booked: orders.map(({ magic, time_ms, ...order }) => ({ ...order, magic: Number(magic), atMs: time_ms })),
    sendings: sendings.map(({ tag, login, server, pid, began_ms, ended_ms }) => ({
      ...{ tag: Number(tag), login: login ?? "", server: server ?? "", terminal: "t1", process: String(pid) },
      ...{ beganMs: began_ms, endedMs: ended_ms },
    })),
    rows: ledger.rows,
    evidence: ledger.evidence,
    journal: journal.rows,
    undelivered: journal.undelivered,
    possessions: players.map(({ trader, login, server }) => ({ userId: trader.userId, login, server })),
    texts: [
      { where: "the output of a process", text: rig.stack.output() },
      { where: "the journal", text: journal.bytes },
      { where: "the ledger", text: JSON.stringify(ledger.rows) },
    ],
    passwords: PASSWORDS,
  };
}

type Ledger = { rows: LedgerRow[]; evidence: Map<string, unknown> };

async function readLedger(url: string): Promise<Ledger> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<LedgerRow & { evidence: unknown }>(
      `select id, user_id as "userId", login, server, kind, idempotency_key as key, tag::float8 as tag, state, status,
        body, evidence, extract(epoch from created_at)::float8 * 1000 as "createdMs",
        extract(epoch from deadline)::float8 * 1000 as "deadlineMs"
      from public.commands where not is_group order by id`,
    );
    return {
      // The database keeps the present state alone; a withdrawn row is gone from it.
      rows: rows.map(({ evidence: _, ...row }) => ({ ...row, states: [row.state], withdrawn: false, lost: false })),
      evidence: new Map(rows.map(({ id, evidence }) => [id, evidence])),
    };
  } finally {
    await client.end();
  }
}

type JournalTable = { id: string; state: JournalRow["state"]; result: string | null; delivered: number };

/** The worker holds its journal for itself: a copy is read, with the write-ahead log that belongs to it. */
function readJournal(folder: string): { rows: JournalRow[]; undelivered: number; bytes: string } {
  const copies = mkdtempSync(join(tmpdir(), "switchyard-journal-"));
  try {
    const files = ["journal.db", "journal.db-wal"].filter((name) => existsSync(join(folder, name)));
    for (const name of files) copyFileSync(join(folder, name), join(copies, name));
    const bytes = files.map((name) => readFileSync(join(copies, name), "latin1")).join("");
    const db = new DatabaseSync(join(copies, "journal.db"));
    const entries = db.prepare("select id, state, result, delivered from command").all() as JournalTable[];
    db.close();
    return {
      rows: entries.map(({ id, state, result }) => ({ id, state, outcome: outcomeOf(result) })),
      undelivered: entries.filter(({ result, delivered }) => result !== null && delivered === 0).length,
      bytes,
    };
  } finally {
    rmSync(copies, { recursive: true, force: true });
  }
}

function outcomeOf(result: string | null): CommandState | null {
  if (result === null) return null;
  return decodeJwt<{ command?: { state: CommandState } }>(result).command?.state ?? null;
}
