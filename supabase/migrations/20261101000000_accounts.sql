-- The accounts table. Applies to an empty project and over the table of the service this replaces, data included: no
-- row is dropped, and whatever a new rule finds wrong is reported as a warning instead of stopping the migration.

create table if not exists public.mt5_accounts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid references auth.users (id) on delete cascade,
  account_name text not null,
  login text not null,
  server text not null,
  encrypted_password text not null,
  is_active boolean default true,
  is_default boolean default false,
  broker_name text,
  account_type text,
  risk_limits jsonb,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint mt5_accounts_user_id_login_server_key unique (user_id, login, server)
);

-- Close the table before anything else. Projects made before 2026 grant everything in public to the API roles, and
-- the original policies let a browser read the ciphertext. Policies and grants of this project come in their own file.
alter table public.mt5_accounts enable row level security;
revoke all on table public.mt5_accounts from public, anon, authenticated, service_role;

do $$
declare
  v_policy text;
begin
  -- Permissive policies are joined with OR: one left-over policy would widen every new one. Hence all, by whatever name.
  for v_policy in select policyname from pg_policies where schemaname = 'public' and tablename = 'mt5_accounts' loop
    execute format('drop policy %I on public.mt5_accounts', v_policy);
    raise notice 'mt5_accounts: replaced policy "%"', v_policy;
  end loop;
end;
$$;

alter table public.mt5_accounts
  add column if not exists worker_id text,
  add column if not exists credential_kid text,
  add column if not exists credential_status text not null default 'ok',
  add column if not exists trade_mode text,
  add column if not exists currency text,
  add column if not exists verified_at timestamptz;

create unique index if not exists mt5_accounts_user_id_login_server_key
  on public.mt5_accounts (user_id, login, server);
create index if not exists idx_mt5_accounts_user_id on public.mt5_accounts (user_id);

-- Deleting a user deletes the accounts (and with them the ciphertext), also where the original key did not cascade.
do $$
declare
  v_key record;
  v_cascades boolean := false;
  v_orphans text;
begin
  for v_key in
    select c.conname, c.confdeltype
    from pg_constraint c
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
    where c.conrelid = 'public.mt5_accounts'::regclass
      and c.contype = 'f' and c.confrelid = 'auth.users'::regclass and a.attname = 'user_id'
  loop
    if v_key.confdeltype = 'c' then
      v_cascades := true;
    else
      execute format('alter table public.mt5_accounts drop constraint %I', v_key.conname);
    end if;
  end loop;
  if v_cascades then
    return;
  end if;
  alter table public.mt5_accounts
    add constraint mt5_accounts_user_id_fkey foreign key (user_id) references auth.users (id)
    on delete cascade not valid;
  begin
    alter table public.mt5_accounts validate constraint mt5_accounts_user_id_fkey;
  exception when foreign_key_violation then
    get stacked diagnostics v_orphans = pg_exception_detail;
    raise warning 'mt5_accounts: a row belongs to a user that does not exist; the key holds for new rows only. %', v_orphans;
  end;
end;
$$;

do $$
declare
  -- name, column that becomes NOT NULL (or empty), rule. A null passes a rule, as in CHECK.
  v_rules constant text[] := array[
    array['mt5_accounts_user_id_required', 'user_id', 'user_id is not null'],
    array['mt5_accounts_account_name_required', 'account_name', 'account_name is not null'],
    array['mt5_accounts_login_required', 'login', 'login is not null'],
    array['mt5_accounts_server_required', 'server', 'server is not null'],
    array['mt5_accounts_encrypted_password_required', 'encrypted_password', 'encrypted_password is not null'],
    array['mt5_accounts_is_active_required', 'is_active', 'is_active is not null'],
    array['mt5_accounts_is_default_required', 'is_default', 'is_default is not null'],
    array['mt5_accounts_created_at_required', 'created_at', 'created_at is not null'],
    array['mt5_accounts_updated_at_required', 'updated_at', 'updated_at is not null'],
    array['mt5_accounts_account_name_check', '', 'char_length(account_name) between 1 and 100'],
    array['mt5_accounts_login_check', '', $r$login ~ '^[1-9][0-9]{0,14}$'$r$],
    -- Compared byte for byte with what the terminal reports, so only what can never be a server name is refused.
    array['mt5_accounts_server_check', '',
      $r$char_length(server) between 1 and 64
         and server ~ '^[^[:space:][:cntrl:]]([^[:cntrl:]]*[^[:space:][:cntrl:]])?$'$r$],
    -- A compact JWE, or a Fernet token of the original service that waits to be sealed anew. A password as typed is neither.
    array['mt5_accounts_encrypted_password_check', '',
      $r$char_length(encrypted_password) <= 8192
         and encrypted_password ~ '^([A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+){3}|gAAAA[A-Za-z0-9_=-]+)$'$r$],
    array['mt5_accounts_account_type_check', '', $r$account_type in ('demo', 'live')$r$],
    array['mt5_accounts_trade_mode_check', '', $r$trade_mode in ('demo', 'contest', 'real')$r$],
    array['mt5_accounts_currency_check', '', 'char_length(currency) between 1 and 32'],
    array['mt5_accounts_credential_status_check', '', $r$credential_status in ('ok', 'invalid', 'read_only')$r$],
    array['mt5_accounts_risk_limits_check', '',
      $r$jsonb_typeof(risk_limits) = 'object' and char_length(risk_limits::text) <= 16384$r$],
    array['mt5_accounts_default_is_active_check', '', 'is_active or not is_default']
  ];
  v_rule text[];
  v_broken text;
  v_count bigint;
begin
  -- A null flag never matched the original service's `is_active = true`: it means no, not yes.
  update public.mt5_accounts set is_active = false where is_active is null;
  update public.mt5_accounts set is_default = false where is_default is null;
  update public.mt5_accounts set created_at = coalesce(updated_at, now()) where created_at is null;
  update public.mt5_accounts set updated_at = created_at where updated_at is null;
  -- Fernet tokens cannot be opened by a worker: shown as an invalid credential until imported or entered again.
  update public.mt5_accounts set credential_status = 'invalid' where encrypted_password like 'gAAAA%';

  -- One default per user: the newest active one stays.
  with ranked as (
    select id, is_active,
           row_number() over (partition by user_id order by is_active desc, created_at desc, id desc) as place
    from public.mt5_accounts
    where is_default
  ), cleared as (
    update public.mt5_accounts a set is_default = false
    from ranked r
    where r.id = a.id and (r.place > 1 or not r.is_active or a.user_id is null)
    returning a.id
  )
  select count(*), string_agg(id::text, ', ' order by id) into v_count, v_broken from cleared;
  if v_count > 0 then
    raise warning 'mt5_accounts: % rows are no longer a default (the newest active one stays): %', v_count, v_broken;
  end if;

  foreach v_rule slice 1 in array v_rules loop
    if exists (select from pg_constraint where conrelid = 'public.mt5_accounts'::regclass and conname = v_rule[1]) then
      execute format('alter table public.mt5_accounts drop constraint %I', v_rule[1]);
    end if;
    execute format('select count(*), string_agg(id::text, '', '' order by id) from public.mt5_accounts where not (%s)', v_rule[3])
      into v_count, v_broken;
    if v_count = 0 and v_rule[2] <> '' then
      execute format('alter table public.mt5_accounts alter column %I set not null', v_rule[2]);
    elsif v_count = 0 then
      execute format('alter table public.mt5_accounts add constraint %I check (%s)', v_rule[1], v_rule[3]);
    else
      raise warning 'mt5_accounts: % rows break % (kept; the rule holds for new and changed rows): %', v_count, v_rule[1], v_broken;
      -- NOT VALID still refuses every update of such a row. As a default it could not be unset any more and would
      -- block the choice of another one, so it stops being the default now.
      execute format('update public.mt5_accounts set is_default = false where is_default and not (%s)', v_rule[3]);
      execute format('alter table public.mt5_accounts add constraint %I check (%s) not valid', v_rule[1], v_rule[3]);
    end if;
  end loop;
end;
$$;

alter table public.mt5_accounts
  alter column is_active set default true,
  alter column is_default set default false,
  alter column created_at set default now(),
  alter column updated_at set default now();

create unique index if not exists mt5_accounts_one_default_per_user on public.mt5_accounts (user_id) where is_default;

comment on table public.mt5_accounts is
  'One (user, login, server). encrypted_password is a JWE that only the bridge worker can open; no client role can read it.';
