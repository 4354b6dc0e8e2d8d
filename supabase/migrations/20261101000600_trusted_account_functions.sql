-- What only the edge function may do with accounts: hand out a sealed credential, or store what the broker confirmed. They
-- act for switchyard.current_user_id(), as the user's own functions do; nobody calls them but the wrappers in public.

create function switchyard.find_account(p_account_id uuid, p_lock boolean) returns public.mt5_accounts
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  v_account public.mt5_accounts;
  v_id uuid := p_account_id;
begin
  if v_id is null then
    -- One rule: the account last switched to; if the user never switched, the default; else none. A row without an
    -- account means that the user had switched and the account is gone: never fall back to the default then.
    select account_id into v_id from public.mt5_current_account where user_id = v_user;
    if not found then
      select id into v_id from public.mt5_accounts where user_id = v_user and is_default;
    end if;
  end if;
  if p_lock then
    -- Against remove_account and deactivation until the command is in the ledger. Shared: commands do not queue here.
    select * into v_account from public.mt5_accounts where user_id = v_user and id = v_id for share;
  else
    select * into v_account from public.mt5_accounts where user_id = v_user and id = v_id;
  end if;
  if p_account_id is null then
    if v_account.id is null or not v_account.is_active then
      raise exception using errcode = 'PT404', message = 'no_account_connected',
        detail = 'No account is selected: switch to one, or name one with account_id.';
    end if;
  elsif v_account.id is null then
    raise exception using errcode = 'PT404', message = 'account_not_found', detail = 'There is no such account.';
  elsif not v_account.is_active then
    raise exception using errcode = 'PT409', message = 'account_inactive', detail = 'The account is deactivated.';
  end if;
  return v_account;
end;
$$;

-- What the worker is to be given: the account with its sealed credential.
create function switchyard.sealed_account_json(p_account public.mt5_accounts) returns jsonb
language sql immutable set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_account.id,
    'login', p_account.login,
    'server', p_account.server,
    'account_name', p_account.account_name,
    'encrypted_password', p_account.encrypted_password,
    'risk_limits', p_account.risk_limits,
    'worker_id', p_account.worker_id
  );
$$;

create function switchyard.resolve_account(p_account_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_account public.mt5_accounts := switchyard.find_account(p_account_id, false);
begin
  return switchyard.account_json(v_account, switchyard.current_account_id()) || switchyard.sealed_account_json(v_account);
end;
$$;

-- The broker has confirmed login and server. The same (login, server) again keeps the id, and with it the history.
create function switchyard.connect_account(p_account jsonb) returns jsonb
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
    is_active = true,
    is_default = is_default or v_default,
    verified_at = clock_timestamp()
  where user_id = v_user and login = p_account ->> 'login' and server = p_account ->> 'server'
  returning * into v_account;
  if not found then
    insert into public.mt5_accounts (
      user_id, account_name, login, server, encrypted_password, credential_kid, credential_status, broker_name, account_type,
      trade_mode, currency, worker_id, risk_limits, is_default, verified_at
    ) values (
      v_user, p_account ->> 'account_name', p_account ->> 'login', p_account ->> 'server', p_account ->> 'encrypted_password',
      p_account ->> 'credential_kid', coalesce(p_account ->> 'credential_status', 'ok'), p_account ->> 'broker_name',
      p_account ->> 'account_type', p_account ->> 'trade_mode', p_account ->> 'currency', p_account ->> 'worker_id',
      case when v_has_limits then v_limits end, v_default, clock_timestamp()
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

create function switchyard.replace_credential(p_account_id uuid, p_credential jsonb) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  v_account public.mt5_accounts;
begin
  update public.mt5_accounts set
    encrypted_password = p_credential ->> 'encrypted_password',
    credential_kid = p_credential ->> 'credential_kid',
    credential_status = coalesce(p_credential ->> 'credential_status', 'ok'),
    currency = coalesce(p_credential ->> 'currency', currency),
    trade_mode = coalesce(p_credential ->> 'trade_mode', trade_mode),
    worker_id = coalesce(p_credential ->> 'worker_id', worker_id),
    verified_at = clock_timestamp()
  where user_id = v_user and id = p_account_id
  returning * into v_account;
  if not found then
    raise exception using errcode = 'PT404', message = 'account_not_found', detail = 'There is no such account.';
  end if;
  return jsonb_build_object('account', switchyard.account_json(v_account, switchyard.current_account_id()));
exception when check_violation or not_null_violation then
  raise exception using errcode = 'PT422', message = 'invalid_request', detail = sqlerrm;
end;
$$;

create function switchyard.switch_account(p_account_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  v_account public.mt5_accounts;
  v_previous uuid;
begin
  if p_account_id is null then
    raise exception using errcode = 'PT422', message = 'invalid_request', detail = 'The account to switch to is required.';
  end if;
  v_account := switchyard.find_account(p_account_id, true);
  select account_id into v_previous from public.mt5_current_account where user_id = v_user for update;
  insert into public.mt5_current_account (user_id, account_id) values (v_user, v_account.id)
  on conflict (user_id) do update set account_id = excluded.account_id, switched_at = now();
  return jsonb_build_object(
    'account', switchyard.account_json(v_account, v_account.id), 'previous_account_id', v_previous
  );
end;
$$;

do $$
declare
  v_function text;
begin
  foreach v_function in array array[
    'switchyard.find_account(uuid, boolean)',
    'switchyard.sealed_account_json(public.mt5_accounts)',
    'switchyard.resolve_account(uuid)',
    'switchyard.connect_account(jsonb)',
    'switchyard.replace_credential(uuid, jsonb)',
    'switchyard.switch_account(uuid)'
  ] loop
    execute format('alter function %s owner to switchyard_owner', v_function);
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function);
  end loop;
end;
$$;
