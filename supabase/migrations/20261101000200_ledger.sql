-- Which account a user last switched to, and the ledger of commands.

-- No row: the user never switched, the default account counts. A row without account: the account is gone, and there is
-- none until the next switch.
create table public.mt5_current_account (
  user_id uuid primary key references auth.users (id) on delete cascade,
  account_id uuid references public.mt5_accounts (id) on delete set null,
  switched_at timestamptz not null default now()
);
create index mt5_current_account_account_id_idx on public.mt5_current_account (account_id);

-- Outlives account and user: who traded what stays known. Hence no key to auth.users, and login and server copied in.
create table public.commands (
  id uuid primary key default switchyard.uuid_v7(),
  user_id uuid not null,
  account_id uuid references public.mt5_accounts (id) on delete set null,
  login text not null,
  server text not null,
  kind text not null check (char_length(kind) between 1 and 64),
  -- Children of a group have neither key nor fingerprint: the parent's stand for all.
  idempotency_key text check (char_length(idempotency_key) between 1 and 255),
  fingerprint text check (char_length(fingerprint) between 1 and 255),
  parent_id uuid references public.commands (id),
  is_group boolean not null default false,
  request jsonb not null check (
    jsonb_typeof(request) = 'object'
    and octet_length(request::text) <= 65536
    and not jsonb_path_exists(request, '$.**.password')
  ),
  tag bigint not null unique default switchyard.new_tag() check (tag >= 1099511627776 and tag < 4503599627370496),
  state text not null default 'accepted' check (
    state in ('accepted', 'refused', 'expired', 'cancelled', 'done', 'rejected', 'unknown', 'not_executed')
  ),
  executed boolean,
  -- As text, so that a repeated request gets the stored answer byte for byte.
  status int check (status between 100 and 599),
  body text,
  evidence jsonb,
  worker_id text,
  request_id text check (char_length(request_id) <= 255),
  -- A second request has been given this command. It may have written to a worker, so the first may not withdraw it.
  attached boolean not null default false,
  timeout_ms int not null check (timeout_ms between 500 and 25000),
  created_at timestamptz not null default clock_timestamp(),
  deadline timestamptz not null,
  completed_at timestamptz,
  updated_at timestamptz not null default clock_timestamp(),
  unique (user_id, idempotency_key),
  check ((idempotency_key is null) = (fingerprint is null)),
  check (idempotency_key is not null or parent_id is not null),
  check (not (is_group and parent_id is not null)),
  check (executed is not distinct from switchyard.executed_in(state)),
  check (switchyard.is_open(state) or (status is not null and body is not null and completed_at is not null))
);

-- Ids sort by creation: these two serve newest-first paging of a user and of an account. The third finds open commands.
create index commands_user_id_id_idx on public.commands (user_id, id desc);
create index commands_account_id_id_idx on public.commands (account_id, id desc);
create index commands_open_idx on public.commands (account_id) where state in ('accepted', 'unknown') and not is_group;
create index commands_parent_id_idx on public.commands (parent_id) where parent_id is not null;

comment on table public.commands is 'One row per command that was ever accepted. Final states never change; keys are never forgotten.';

alter table public.mt5_current_account enable row level security;
alter table public.commands enable row level security;
revoke all on table public.mt5_current_account, public.commands from public, anon, authenticated, service_role;

-- What no caller may do, whatever its rights, `postgres` included: change what was asked, rewrite an answer, or move
-- between states other than along the table.
create function switchyard.guard_command() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if (new.id, new.user_id, new.login, new.server, new.kind, new.idempotency_key, new.fingerprint, new.parent_id, new.is_group,
      new.request, new.tag, new.request_id, new.timeout_ms, new.created_at, new.deadline)
    is distinct from
     (old.id, old.user_id, old.login, old.server, old.kind, old.idempotency_key, old.fingerprint, old.parent_id, old.is_group,
      old.request, old.tag, old.request_id, old.timeout_ms, old.created_at, old.deadline)
    or (new.account_id is not null and new.account_id is distinct from old.account_id)
    or (old.attached and not new.attached)
  then
    raise exception using errcode = 'restrict_violation', message = 'command_is_immutable',
      detail = format('Command %s was accepted as it is and cannot be altered.', old.id);
  end if;
  if new.state = old.state then
    if (new.executed, new.status, new.body, new.evidence, new.completed_at, new.worker_id)
      is distinct from (old.executed, old.status, old.body, old.evidence, old.completed_at, old.worker_id) then
      raise exception using errcode = 'restrict_violation', message = 'command_answer_is_immutable',
        detail = format('The answer of command %s changes only with its state.', old.id);
    end if;
  elsif not switchyard.can_become(old.state, new.state) then
    raise exception using errcode = 'restrict_violation', message = 'command_transition_forbidden',
      detail = format('Command %s is %s and cannot become %s.', old.id, old.state, new.state);
  end if;
  new.updated_at := clock_timestamp();
  return new;
end;
$$;

create trigger commands_guard before update on public.commands
  for each row execute function switchyard.guard_command();

do $$
begin
  alter function switchyard.guard_command() owner to switchyard_owner;
  revoke all on function switchyard.guard_command() from public, anon, authenticated, service_role;
end;
$$;
