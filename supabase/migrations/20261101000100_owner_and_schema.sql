-- The role that owns every function, the schema that is never exposed, and the pure functions the rest is built from.

-- Functions run as this role. It owns no table and has no BYPASSRLS, so row level security decides inside them as it
-- does outside: a query that forgets its user finds nothing.
do $$
begin
  if not exists (select from pg_roles where rolname = 'switchyard_owner') then
    create role switchyard_owner nologin noinherit;
  end if;
exception when duplicate_object or unique_violation then
  null; -- Roles belong to the cluster: another database of it was migrated at the same moment.
end;
$$;

-- So that this and later migrations may hand functions to the role and replace them; `postgres` sees more already.
grant switchyard_owner to current_user with inherit true, set true;

create schema if not exists switchyard;
revoke all on schema switchyard from public;
-- CREATE is what ALTER FUNCTION … OWNER TO asks of the new owner. The role cannot log in.
grant usage, create on schema switchyard to switchyard_owner;
grant usage on schema public to switchyard_owner;

comment on schema switchyard is 'Functions behind the wrappers in public. Not exposed, and no client role has USAGE.';

-- Null when there is no user or the subject is not a UUID: compared with user_id that matches no row.
-- Not auth.uid(): `postgres` cannot hand out USAGE on schema auth, and this needs no right there.
create function switchyard.current_user_id() returns uuid
language sql stable set search_path = ''
as $$
  select case
    when subject ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then subject::uuid
  end
  from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' as subject) as claims;
$$;

-- Makes the statements that follow act as this user and returns the claims that held before. Every caller hands those to
-- restore_claims() before it returns, so nothing that the same transaction does later can act as this user. If the caller
-- fails instead, Postgres itself puts the setting back with the (sub)transaction. (A `set` clause on the functions would
-- do both, but only a superuser may attach a custom setting, and `postgres` is none on the hosted platform.)
create function switchyard.act_as(p_user_id uuid) returns text
language plpgsql volatile set search_path = ''
as $$
declare
  v_before text := current_setting('request.jwt.claims', true);
begin
  if p_user_id is null then
    raise exception using errcode = 'PT422', message = 'invalid_request', detail = 'A user id is required.';
  end if;
  perform set_config('request.jwt.claims', jsonb_build_object('sub', p_user_id, 'role', 'authenticated')::text, true);
  return v_before;
end;
$$;

create function switchyard.restore_claims(p_before text) returns void
language sql volatile set search_path = ''
as $$
  select set_config('request.jwt.claims', coalesce(p_before, ''), true);
$$;

-- Serialises what concerns all accounts of one user (the default, connecting) until the transaction ends. Always taken
-- before any row lock: two transactions then wait for each other in one order and cannot deadlock.
create function switchyard.lock_user(p_user_id uuid) returns void
language sql volatile set search_path = ''
as $$
  select pg_advisory_xact_lock(hashtextextended('switchyard.user:' || p_user_id::text, 0));
$$;

create function switchyard.iso_time(p_time timestamptz) returns text
language sql immutable set search_path = ''
as $$
  select to_char(p_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
$$;

-- RFC 9562 version 7 with twelve bits below the millisecond (its method 3): ids sort by creation, and the children of
-- a group, made microseconds apart, keep their order.
create function switchyard.uuid_v7() returns uuid
language sql volatile set search_path = ''
as $$
  with clock as (
    select (extract(epoch from clock_timestamp()) * 1000000)::bigint as us, replace(gen_random_uuid()::text, '-', '') as random
  )
  select (
    lpad(to_hex(us / 1000), 12, '0') || '7' || lpad(to_hex(us % 1000 * 4096 / 1000), 3, '0') || substr(random, 17, 16)
  )::uuid
  from clock;
$$;

-- 52 random bits, at least 2^40: fits a double and a terminal's 64-bit magic, and is far from any magic people choose.
create function switchyard.new_tag() returns bigint
language plpgsql volatile set search_path = ''
as $$
declare
  v_random text;
  v_tag bigint;
begin
  loop
    v_random := replace(gen_random_uuid()::text, '-', '');
    -- Hex digits 1–12 and 14: digit 13 is the version, the same in every UUID.
    v_tag := ('x' || substr(v_random, 1, 12) || substr(v_random, 14, 1))::bit(52)::bigint;
    if v_tag >= 1099511627776 then
      return v_tag;
    end if;
  end loop;
end;
$$;

-- The life of a command. Nothing leads out of a final state; nothing leads back to `accepted`.
create function switchyard.can_become(p_from text, p_to text) returns boolean
language sql immutable set search_path = ''
as $$
  select (p_from, p_to) in (
    ('accepted', 'refused'), ('accepted', 'expired'), ('accepted', 'cancelled'),
    ('accepted', 'done'), ('accepted', 'rejected'), ('accepted', 'unknown'),
    ('unknown', 'done'), ('unknown', 'rejected'), ('unknown', 'not_executed')
  );
$$;

create function switchyard.is_open(p_state text) returns boolean
language sql immutable set search_path = ''
as $$
  select p_state in ('accepted', 'unknown');
$$;

-- Whether an order exists at the broker because of a command in this state: the answer `executed` must give.
create function switchyard.executed_in(p_state text) returns boolean
language sql immutable set search_path = ''
as $$
  select case
    when p_state = 'done' then true
    when p_state in ('refused', 'expired', 'cancelled', 'rejected', 'not_executed') then false
  end;
$$;

-- Five seconds past its deadline an accepted row is shown as unknown: its result may still be on the way, or lost.
create function switchyard.shown_state(p_state text, p_deadline timestamptz) returns text
language sql stable set search_path = ''
as $$
  select case
    when p_state = 'accepted' and statement_timestamp() > p_deadline + interval '5 seconds' then 'unknown'
    else p_state
  end;
$$;

do $$
declare
  v_function regprocedure;
begin
  for v_function in select oid::regprocedure from pg_proc where pronamespace = 'switchyard'::regnamespace loop
    execute format('alter function %s owner to switchyard_owner', v_function);
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function);
  end loop;
  -- Called by the policies on tables that a signed-in user may read and update directly.
  grant execute on function switchyard.current_user_id() to authenticated;
end;
$$;
