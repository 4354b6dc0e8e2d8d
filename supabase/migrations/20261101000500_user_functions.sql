-- What a user may do with the user's own token. The functions live in switchyard and run as switchyard_owner; public
-- has a wrapper of the same name for each, which is all that the API exposes. The wrappers are not `security definer`:
-- their bodies were resolved when they were created, so callers need EXECUTE on the function behind, but no USAGE on
-- its schema, and an exposed schema holds no function that runs with somebody else's rights.

create function switchyard.account_status(p_account public.mt5_accounts) returns text
language sql immutable set search_path = ''
as $$
  select case
    when not p_account.is_active then 'inactive'
    when p_account.credential_status = 'invalid' then 'credential_invalid'
    when p_account.credential_status = 'read_only' then 'read_only'
    else 'active'
  end;
$$;

-- An account as its user sees it. The ciphertext is not among the fields; trusted functions add it by name.
create function switchyard.account_json(p_account public.mt5_accounts, p_current_id uuid) returns jsonb
language sql immutable set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_account.id,
    'account_name', p_account.account_name,
    'login', p_account.login,
    'server', p_account.server,
    'broker_name', p_account.broker_name,
    'account_type', p_account.account_type,
    'is_active', p_account.is_active,
    'is_default', p_account.is_default,
    'is_current', p_account.is_active and p_account.id is not distinct from p_current_id,
    'status', switchyard.account_status(p_account),
    'currency', p_account.currency,
    'trade_mode', p_account.trade_mode,
    'risk_limits', p_account.risk_limits,
    'created_at', switchyard.iso_time(p_account.created_at),
    'updated_at', switchyard.iso_time(p_account.updated_at)
  );
$$;

create function switchyard.current_account_id() returns uuid
language sql stable security definer set search_path = ''
as $$
  select account_id from public.mt5_current_account where user_id = switchyard.current_user_id();
$$;

create function switchyard.list_accounts(p_include_inactive boolean) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select coalesce(
    jsonb_agg(switchyard.account_json(a, (select switchyard.current_account_id())) order by a.created_at, a.id), '[]'
  )
  from public.mt5_accounts a
  where a.user_id = (select switchyard.current_user_id()) and (a.is_active or coalesce(p_include_inactive, false));
$$;

create function switchyard.get_account(p_account_id uuid) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select switchyard.account_json(a, switchyard.current_account_id())
  from public.mt5_accounts a
  where a.user_id = (select switchyard.current_user_id()) and a.id = p_account_id;
$$;

-- Locks: the user's queue first (the default may move), the row second. See lock_user().
create function switchyard.update_account(p_account_id uuid, p_changes jsonb) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  v_key text;
  v_account public.mt5_accounts;
begin
  if jsonb_typeof(p_changes) is distinct from 'object' then
    raise exception using errcode = 'PT422', message = 'invalid_request', detail = 'The changes must be an object.';
  end if;
  for v_key in select jsonb_object_keys(p_changes) loop
    if not coalesce(
      case v_key
        when 'account_name' then jsonb_typeof(p_changes -> v_key) = 'string'
        when 'risk_limits' then jsonb_typeof(p_changes -> v_key) in ('object', 'null')
        when 'is_default' then jsonb_typeof(p_changes -> v_key) = 'boolean'
        when 'is_active' then jsonb_typeof(p_changes -> v_key) = 'boolean'
      end, false
    ) then
      raise exception using errcode = 'PT422', message = 'invalid_request',
        detail = format('The field "%s" cannot be changed, or not to this value.', left(v_key, 100));
    end if;
  end loop;

  perform switchyard.lock_user(v_user);
  select * into v_account from public.mt5_accounts where user_id = v_user and id = p_account_id for no key update;
  if not found then
    raise exception using errcode = 'PT404', message = 'account_not_found', detail = 'There is no such account.';
  end if;
  if (p_changes ->> 'is_default')::boolean
    and not coalesce((p_changes ->> 'is_active')::boolean, v_account.is_active) then
    raise exception using errcode = 'PT409', message = 'account_inactive',
      detail = 'An inactive account cannot be the default account.';
  end if;
  update public.mt5_accounts set
    account_name = coalesce(p_changes ->> 'account_name', account_name),
    risk_limits = case when p_changes ? 'risk_limits' then nullif(p_changes -> 'risk_limits', 'null') else risk_limits end,
    is_default = coalesce((p_changes ->> 'is_default')::boolean, is_default),
    is_active = coalesce((p_changes ->> 'is_active')::boolean, is_active)
  where user_id = v_user and id = p_account_id
  returning * into v_account;
  return switchyard.account_json(v_account, switchyard.current_account_id());
exception when check_violation then
  raise exception using errcode = 'PT422', message = 'invalid_request', detail = sqlerrm;
end;
$$;

-- submit_command holds a share lock on the account row until its command is in the ledger. This takes the exclusive one
-- first and counts after: no command can slip in between the count and the delete. A group counts through its children.
create function switchyard.remove_account(p_account_id uuid, p_abandon boolean) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  v_open int;
begin
  perform 1 from public.mt5_accounts where user_id = v_user and id = p_account_id for update;
  if not found then
    raise exception using errcode = 'PT404', message = 'account_not_found', detail = 'There is no such account.';
  end if;
  select count(*) into v_open from public.commands
  where user_id = v_user and account_id = p_account_id and state in ('accepted', 'unknown') and not is_group;
  if v_open > 0 and not coalesce(p_abandon, false) then
    raise exception using errcode = 'PT409', message = 'account_busy',
      detail = format('%s commands of this account are still open.', v_open);
  end if;
  delete from public.mt5_accounts where user_id = v_user and id = p_account_id;
  return jsonb_build_object('id', p_account_id, 'removed', true, 'abandoned_commands', v_open);
end;
$$;

create function switchyard.command_json(p_command public.commands) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_command.id,
    'parent_id', p_command.parent_id,
    'kind', p_command.kind,
    'state', switchyard.shown_state(p_command.state, p_command.deadline),
    'open', switchyard.is_open(p_command.state),
    'executed', p_command.executed,
    'account', jsonb_build_object('id', p_command.account_id, 'login', p_command.login, 'server', p_command.server),
    'request', p_command.request,
    'status', p_command.status,
    'evidence', p_command.evidence,
    'worker_id', p_command.worker_id,
    'created_at', switchyard.iso_time(p_command.created_at),
    'deadline', switchyard.iso_time(p_command.deadline),
    'completed_at', switchyard.iso_time(p_command.completed_at)
  );
$$;

-- A group also lists its children: what became of it is what became of them.
create function switchyard.get_command(p_command_id uuid) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select switchyard.command_json(c)
    || jsonb_build_object('body', c.body)
    || case when c.is_group then jsonb_build_object('children', (
         select coalesce(jsonb_agg(switchyard.command_json(k) || jsonb_build_object('body', k.body) order by k.id), '[]')
         from public.commands k
         where k.user_id = (select switchyard.current_user_id()) and k.parent_id = c.id
       )) else '{}' end
  from public.commands c
  where c.user_id = (select switchyard.current_user_id()) and c.id = p_command_id;
$$;

-- Newest first; the cursor is the id of the last command of the page before.
create function switchyard.list_commands(p_account_id uuid, p_state text, p_limit int, p_cursor text) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  v_limit int := least(greatest(coalesce(p_limit, 50), 1), 200);
  v_commands public.commands[];
begin
  if p_cursor is not null and p_cursor !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    raise exception using errcode = 'PT422', message = 'invalid_request', detail = 'The cursor is not one of ours.';
  end if;
  if p_state is not null and p_state not in
    ('accepted', 'refused', 'expired', 'cancelled', 'done', 'rejected', 'unknown', 'not_executed') then
    raise exception using errcode = 'PT422', message = 'invalid_request', detail = 'There is no such state.';
  end if;
  -- One more than asked for: whether there is a next page.
  select array_agg(c order by c.id desc) into v_commands
  from (
    select * from public.commands
    where user_id = v_user
      and (p_account_id is null or account_id = p_account_id)
      and (p_state is null or switchyard.shown_state(state, deadline) = p_state)
      and (p_cursor is null or id < p_cursor::uuid)
    order by id desc
    limit v_limit + 1
  ) c;
  return jsonb_build_object(
    'data', (select coalesce(jsonb_agg(switchyard.command_json(c) order by c.id desc), '[]') from unnest(v_commands[1:v_limit]) c),
    'next_cursor', case when cardinality(v_commands) > v_limit then v_commands[v_limit].id end
  );
end;
$$;

create function public.list_accounts(p_include_inactive boolean default false) returns jsonb
language sql stable set search_path = ''
return switchyard.list_accounts(p_include_inactive);

create function public.get_account(p_account_id uuid) returns jsonb
language sql stable set search_path = ''
return switchyard.get_account(p_account_id);

create function public.update_account(p_account_id uuid, p_changes jsonb) returns jsonb
language sql volatile set search_path = ''
return switchyard.update_account(p_account_id, p_changes);

create function public.remove_account(p_account_id uuid, p_abandon boolean default false) returns jsonb
language sql volatile set search_path = ''
return switchyard.remove_account(p_account_id, p_abandon);

create function public.get_command(p_command_id uuid) returns jsonb
language sql stable set search_path = ''
return switchyard.get_command(p_command_id);

create function public.list_commands(
  p_account_id uuid default null, p_state text default null, p_limit int default 50, p_cursor text default null
) returns jsonb
language sql stable set search_path = ''
return switchyard.list_commands(p_account_id, p_state, p_limit, p_cursor);

-- CREATE on public only for as long as the wrappers change hands.
grant create on schema public to switchyard_owner;
do $$
declare
  v_function record;
begin
  for v_function in
    select * from (values
      ('switchyard.account_status(public.mt5_accounts)', null),
      ('switchyard.account_json(public.mt5_accounts, uuid)', null),
      ('switchyard.current_account_id()', null),
      ('switchyard.command_json(public.commands)', null),
      ('switchyard.list_accounts(boolean)', 'authenticated'),
      ('switchyard.get_account(uuid)', 'authenticated'),
      ('switchyard.update_account(uuid, jsonb)', 'authenticated'),
      ('switchyard.remove_account(uuid, boolean)', 'authenticated'),
      ('switchyard.get_command(uuid)', 'authenticated'),
      ('switchyard.list_commands(uuid, text, int, text)', 'authenticated'),
      ('public.list_accounts(boolean)', 'authenticated'),
      ('public.get_account(uuid)', 'authenticated'),
      ('public.update_account(uuid, jsonb)', 'authenticated'),
      ('public.remove_account(uuid, boolean)', 'authenticated'),
      ('public.get_command(uuid)', 'authenticated'),
      ('public.list_commands(uuid, text, int, text)', 'authenticated')
    ) as f (signature, caller)
  loop
    execute format('alter function %s owner to switchyard_owner', v_function.signature);
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function.signature);
    if v_function.caller is not null then
      execute format('grant execute on function %s to %I', v_function.signature, v_function.caller);
    end if;
  end loop;
end;
$$;
revoke create on schema public from switchyard_owner;
