// The journal's tables. A file of another format is refused, never converted by guessing. Pure.

/** SQLite's `application_id`: marks the file as ours ("SWYD"), so that a foreign database is not written to. */
export const APPLICATION_ID = 0x53575944;
/** SQLite's `user_version`. */
export const FORMAT_VERSION = 1;

export const SCHEMA = `
  create table journal (only_row integer primary key check (only_row = 1), worker_id text not null, created_at integer not null) strict;
  create table command (
    id text primary key,
    user_id text not null,
    kind text not null,
    tag integer,
    account_id text, login text, server text,
    request text, credential text, plan text, baseline text, epoch text,
    state text not null check (state in ('intent', 'unknown', 'final')),
    result text,
    delivered integer not null default 0,
    begun_at integer not null,
    ended_at integer
  ) strict;
  create unique index command_tag on command (tag) where tag is not null;
  create index command_account on command (server, login, begun_at) where tag is not null;
  create index command_open on command (begun_at) where state <> 'final';
  create index command_undelivered on command (ended_at) where delivered = 0 and result is not null;
  create table proof (
    user_id text not null, server text not null, login text not null, credential_hash text not null,
    proven_at integer not null,
    primary key (user_id, server, login, credential_hash)
  ) strict, without rowid;
  create table risk (
    server text not null, login text not null, day text not null, day_start_equity real not null, peak_equity real not null,
    primary key (server, login)
  ) strict, without rowid;
`;
