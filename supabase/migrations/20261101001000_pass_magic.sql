-- The account option `pass_magic`: the caller's own magic number goes to the broker, and the tag that names a command there
-- stands in the comment alone. Weaker evidence, because brokers overwrite comments: off unless the user asks for it.

alter table public.mt5_accounts add column if not exists pass_magic boolean not null default false;

grant select (pass_magic), update (pass_magic) on public.mt5_accounts to authenticated;
grant update (pass_magic) on public.mt5_accounts to switchyard_owner;

create or replace function switchyard.account_json(p_account public.mt5_accounts, p_current_id uuid) returns jsonb
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
    'pass_magic', p_account.pass_magic,
    'created_at', switchyard.iso_time(p_account.created_at),
    'updated_at', switchyard.iso_time(p_account.updated_at)
  );
$$;

create or replace function switchyard.sealed_account_json(p_account public.mt5_accounts) returns jsonb
language sql immutable set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_account.id,
    'login', p_account.login,
    'server', p_account.server,
    'account_name', p_account.account_name,
    'encrypted_password', p_account.encrypted_password,
    'risk_limits', p_account.risk_limits,
    'pass_magic', p_account.pass_magic,
    'worker_id', p_account.worker_id
  );
$$;

create or replace function switchyard.update_account(p_account_id uuid, p_changes jsonb) returns jsonb
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
        when 'pass_magic' then jsonb_typeof(p_changes -> v_key) = 'boolean'
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
    is_active = coalesce((p_changes ->> 'is_active')::boolean, is_active),
    pass_magic = coalesce((p_changes ->> 'pass_magic')::boolean, pass_magic)
  where user_id = v_user and id = p_account_id
  returning * into v_account;
  return switchyard.account_json(v_account, switchyard.current_account_id());
exception when check_violation then
  raise exception using errcode = 'PT422', message = 'invalid_request', detail = sqlerrm;
end;
$$;

create or replace function switchyard.connect_account(p_account jsonb) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  v_account public.mt5_accounts;
  v_default boolean := coalesce((p_account ->> 'set_as_default')::boolean, false);
  v_has_limits boolean := coalesce((p_account ->> 'has_risk_limits')::boolean, p_account ? 'risk_limits');
  v_limits jsonb := nullif(p_account -> 'risk_limits', 'null');
  v_created boolean := false;
begin
  -- One connect of a user at a time: the look-up and the insert below need no retry.
  perform switchyard.lock_user(v_user);
  update public.mt5_accounts set
    account_name = p_account ->> 'account_name',
    encrypted_password = p_account ->> 'encrypted_password',
    credential_kid = p_account ->> 'credential_kid',
    credential_status = coalesce(p_account ->> 'credential_status', 'ok'),
    broker_name = coalesce(p_account ->> 'broker_name', broker_name),
    account_type = coalesce(p_account ->> 'account_type', account_type),
    trade_mode = coalesce(p_account ->> 'trade_mode', trade_mode),
    currency = coalesce(p_account ->> 'currency', currency),
    worker_id = coalesce(p_account ->> 'worker_id', worker_id),
    risk_limits = case when v_has_limits then v_limits else risk_limits end,
    pass_magic = coalesce((p_account ->> 'pass_magic')::boolean, pass_magic),
    is_active = true,
    is_default = is_default or v_default,
    verified_at = clock_timestamp()
  where user_id = v_user and login = p_account ->> 'login' and server = p_account ->> 'server'
  returning * into v_account;
  if not found then
    insert into public.mt5_accounts (
      user_id, account_name, login, server, encrypted_password, credential_kid, credential_status, broker_name, account_type,
      trade_mode, currency, worker_id, risk_limits, pass_magic, is_default, verified_at
    ) values (
      v_user, p_account ->> 'account_name', p_account ->> 'login', p_account ->> 'server', p_account ->> 'encrypted_password',
      p_account ->> 'credential_kid', coalesce(p_account ->> 'credential_status', 'ok'), p_account ->> 'broker_name',
      p_account ->> 'account_type', p_account ->> 'trade_mode', p_account ->> 'currency', p_account ->> 'worker_id',
      case when v_has_limits then v_limits end, coalesce((p_account ->> 'pass_magic')::boolean, false), v_default,
      clock_timestamp()
    )
    returning * into v_account;
    v_created := true;
  end if;
  return jsonb_build_object(
    'account', switchyard.account_json(v_account, switchyard.current_account_id()), 'created', v_created
  );
exception when check_violation or not_null_violation then
  -- sqlerrm names the rule; the detail Postgres adds would quote the row, ciphertext included.
  raise exception using errcode = 'PT422', message = 'invalid_request', detail = sqlerrm;
end;
$$;
