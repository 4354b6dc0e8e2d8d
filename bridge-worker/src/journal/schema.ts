// The journal's tables. A file of another format is refused, never converted by guessing. Pure.

/** SQLite's `application_id`: marks the file as ours ("SWYD"), so that a foreign database is not written to. */
export const APPLICATION_ID = 0x53575944;
/** SQLite's `user_version`. Format 1 was never released with data in it. */
export const FORMAT_VERSION = 2;

/** Table → its columns, the sum apart. SQLite has no checksums of its own: a flipped bit would be another order. */
const COLUMNS: Record<string, string> = {
  journal: "only_row, worker_id, identity, created_at, knows_since, writes, commands, owners",
  command:
    "id, user_id, kind, tag, account_id, login, server, credential, plan, baseline, terminal, epoch, state, result, evidence, acknowledged, delivered, begun_at, ended_at",
  tag_owner: "tag, command_id, user_id, request",
  proof: "user_id, server, login, credential_hash, proven_at",
  mark: "server, login, magic, comment",
  risk: "server, login, day, day_start_equity, peak_equity",
};

const TABLES = `
  create table journal (
    only_row integer primary key check (only_row = 1),
    worker_id text not null,
    -- Made anew whenever the memory may have a gap; the witness carries the same.
    identity text not null,
    created_at integer not null,
    knows_since integer not null,
    -- Raised by every write that matters, in its transaction: an old copy is told by it.
    writes integer not null,
    -- Rows of the two tables: an old file under a newer log may have lost some without a trace.
    commands integer not null default 0,
    owners integer not null default 0,
    row_sum integer
  ) strict;
  create table command (
    id text primary key,
    user_id text not null,
    kind text not null,
    tag integer,
    account_id text, login text, server text,
    credential text, plan text, baseline text, terminal text, epoch text,
    state text not null check (state in ('intent', 'unknown', 'final')),
    result text, evidence text,
    acknowledged integer not null default 0,
    delivered integer not null default 0,
    begun_at integer not null,
    ended_at integer,
    row_sum integer
  ) strict;
  create unique index command_tag on command (tag) where tag is not null;
  create index command_account on command (server, login, begun_at) where tag is not null;
  create index command_open on command (begun_at) where state <> 'final';
  create index command_undelivered on command (ended_at) where delivered = 0 and result is not null;
  create index command_delivered on command (ended_at) where delivered = 1;
  -- Outlives its command: a tag names one command for ever, and its owner gets his magic and comment back.
  create table tag_owner (
    tag integer primary key,
    command_id text not null unique,
    user_id text not null,
    request text,
    row_sum integer
  ) strict;
  create table proof (
    user_id text not null, server text not null, login text not null, credential_hash text not null,
    proven_at integer not null,
    row_sum integer,
    primary key (user_id, server, login, credential_hash)
  ) strict;
  create table mark (
    server text not null, login text not null, magic integer not null, comment integer not null,
    row_sum integer,
    primary key (server, login)
  ) strict;
  create table risk (
    server text not null, login text not null, day text not null, day_start_equity real not null, peak_equity real not null,
    row_sum integer,
    primary key (server, login)
  ) strict;
`;

/** SQL over all tables: how many rows have another sum than their columns. */
export const DAMAGED_ROWS = `select ${Object.entries(COLUMNS)
  .map(([table, columns]) => `(select count(*) from ${table} where row_sum is not row_sum(${columns}))`)
  .join(" + ")} as n`;

/** SQL: how many rows are there that should not be, or the other way round. */
export const MISSING_ROWS = `select abs(commands - (select count(*) from command)) + abs(owners - (select count(*) from tag_owner)) as n from journal`;

const COUNT_TRIGGERS = `
  create trigger command_came after insert on command begin update journal set commands = commands + 1; end;
  create trigger command_went after delete on command begin update journal set commands = commands - 1; end;
  create trigger tag_owner_came after insert on tag_owner begin update journal set owners = owners + 1; end;
`;

export const SCHEMA = TABLES + COUNT_TRIGGERS + Object.entries(COLUMNS).map(sumTriggers).join("");

/** Whatever writes a row, the sum follows: no statement can forget it. */
function sumTriggers([table, columns]: [string, string]): string {
  const body = `update ${table} set row_sum = row_sum(${columns}) where rowid = new.rowid;`;
  return `
  create trigger ${table}_inserted after insert on ${table} begin ${body} end;
  create trigger ${table}_updated after update on ${table} begin ${body} end;`;
}
