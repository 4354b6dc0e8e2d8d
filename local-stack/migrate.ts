// Applies supabase/migrations/*.sql as the Supabase CLI does: in order, each in one transaction, as `postgres` (not a
// superuser), recorded in supabase_migrations.schema_migrations so that `supabase migration list` agrees.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ClientBase } from "pg";
import { splitStatements } from "./sql-statements.ts";

export type Migration = { version: string; name: string; file: string; statements: string[] };
export type AppliedMigration = { version: string; statements: string[] | null };

/** The CLI's own file name rule; other files in the folder are no migrations. */
const FILE_NAME = /^(\d+)_(.*)\.sql$/;
/** Any constant: two runners on one database must wait for each other. */
const LOCK_KEY = 7_248_113;

/** Reads the folder's migrations in order of version. A missing or empty folder has none. */
export function readMigrations(folder: string): Migration[] {
  if (!existsSync(folder)) return [];
  const migrations = readdirSync(folder).flatMap((file) => {
    const [, version, name] = FILE_NAME.exec(file) ?? [];
    if (version === undefined || name === undefined) return [];
    return [{ version, name, file, statements: splitStatements(readFileSync(join(folder, file), "utf8")) }];
  });
  migrations.sort((a, b) => (a.version < b.version ? -1 : a.version > b.version ? 1 : 0));
  const twice = migrations.find((migration, index) => migration.version === migrations[index + 1]?.version);
  if (twice) throw new Error(`Two migrations have the version ${twice.version}`);
  return migrations;
}

/**
 * Decides what is left to apply. Throws when the files and the record disagree: an applied file is missing or changed,
 * or a new file is older than one applied already.
 */
export function pendingMigrations(files: readonly Migration[], applied: readonly AppliedMigration[]): Migration[] {
  const byVersion = new Map(files.map((file) => [file.version, file]));
  for (const { version, statements } of applied) {
    const file = byVersion.get(version);
    if (file === undefined) {
      throw new Error(`Migration ${version} is applied to this database, but its file is missing. ${REMEDY}`);
    }
    // The CLI stores no checksum, and its own splitter treats blanks and comments differently: compare the words.
    if (statements !== null && normalise(statements) !== normalise(file.statements)) {
      throw new Error(`Migration ${file.file} was changed after it was applied to this database. ${REMEDY}`);
    }
  }
  const newest =
    applied
      .map(({ version }) => version)
      .sort()
      .at(-1) ?? "";
  const done = new Set(applied.map(({ version }) => version));
  const pending = files.filter(({ version }) => !done.has(version));
  const late = pending.find(({ version }) => version < newest);
  if (late) throw new Error(`Migration ${late.file} is older than ${newest}, which is applied already. ${REMEDY}`);
  return pending;
}

const REMEDY = "Restore the file, or delete the data folder to begin anew";

/** Applies what is left and returns the file names. A failing migration leaves no trace and names its statement. */
export async function applyMigrations(client: ClientBase, files: readonly Migration[]): Promise<string[]> {
  await client.query("select pg_advisory_lock($1)", [LOCK_KEY]);
  try {
    const { rows } = await client.query<AppliedMigration>(
      "select version, statements from supabase_migrations.schema_migrations order by version",
    );
    const pending = pendingMigrations(files, rows);
    for (const migration of pending) await applyOne(client, migration);
    return pending.map(({ file }) => file);
  } finally {
    // A connection that died has let go of its lock, and must not hide why it died.
    await client.query("select pg_advisory_unlock($1)", [LOCK_KEY]).catch(() => undefined);
  }
}

async function applyOne(client: ClientBase, { version, name, file, statements }: Migration): Promise<void> {
  await client.query("begin");
  try {
    for (const [index, statement] of statements.entries()) await applyStatement(client, file, index + 1, statement);
    // Settings a migration changed for its session must not leak into the next one.
    await client.query("reset all; reset role");
    await client.query(
      "insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)",
      [version, name, statements],
    );
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

async function applyStatement(client: ClientBase, file: string, number: number, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (cause) {
    const { message, code, detail, hint } = cause as { message: string; code?: string; detail?: string; hint?: string };
    const more = [detail, hint && `hint: ${hint}`].filter(Boolean).join("; ");
    const shown = statement.length > 300 ? `${statement.slice(0, 300)}…` : statement;
    throw new Error(
      `Migration ${file}, statement ${number}: ${message}${code ? ` (${code})` : ""}${more ? `; ${more}` : ""}\n${shown}`,
      { cause },
    );
  }
}

function normalise(statements: readonly string[]): string {
  return statements
    .join(";")
    .replaceAll(/--[^\n]*/g, " ")
    .replaceAll(/[\s;]+/g, " ")
    .trim();
}
