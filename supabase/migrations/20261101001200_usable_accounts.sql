-- A row of the service that this replaces may hold a login or server that no call can carry: an address, for example. It is
-- kept and shown, but neither read nor traded on: refused here, no command of it gets into the ledger.

-- The function's own Login and ServerName (functions/_shared/domain/ids.ts), which every call is checked against.
create function switchyard.is_usable(p_login text, p_server text) returns boolean
language sql immutable set search_path = ''
as $$
  select p_login ~ '^[1-9][0-9]{0,14}$'
    and p_server ~ '^[A-Za-z0-9]([A-Za-z0-9 ._-]{0,61}[A-Za-z0-9])?$'
    and p_server !~ '^[0-9.]+$';
$$;

create or replace function switchyard.find_account(p_account_id uuid, p_lock boolean) returns public.mt5_accounts
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
  if not switchyard.is_usable(v_account.login, v_account.server) then
    raise exception using errcode = 'PT409', message = 'credential_invalid',
      detail = 'No broker has this login and server: connect the account again as the broker calls it, and remove this one.';
  end if;
  return v_account;
end;
$$;

do $$
begin
  alter function switchyard.is_usable(text, text) owner to switchyard_owner;
  revoke all on function switchyard.is_usable(text, text) from public, anon, authenticated, service_role;
end;
$$;
