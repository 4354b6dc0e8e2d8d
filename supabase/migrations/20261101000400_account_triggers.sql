-- Rules about accounts that hold whichever way a row is written: through a function, a client's own update, or by hand.

-- Two transactions that each set a default must not hold one row each while waiting for the other's. Before the first
-- row is locked, each statement that may move the default queues up behind the user's lock.
create function switchyard.queue_default_change() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  if switchyard.current_user_id() is not null then
    perform switchyard.lock_user(switchyard.current_user_id());
  end if;
  return null;
end;
$$;

-- Setting one default unsets the other in the same statement; a deactivated account stops being the default; an
-- inactive one cannot become it. Acts as the row's user, so it also works for an administrator without claims.
create function switchyard.keep_one_default() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  v_before text;
begin
  if not new.is_active then
    if tg_op = 'UPDATE' and old.is_default and old.is_active then
      new.is_default := false;
      return new;
    end if;
    raise exception using errcode = 'PT409', message = 'account_inactive',
      detail = 'An inactive account cannot be the default account.';
  end if;
  if (tg_op = 'INSERT' or not old.is_default) and new.user_id is not null then
    perform switchyard.lock_user(new.user_id);
    v_before := switchyard.act_as(new.user_id);
    update public.mt5_accounts set is_default = false
    where user_id = new.user_id and is_default and id <> new.id;
    perform switchyard.restore_claims(v_before);
  end if;
  return new;
end;
$$;

-- A current account that is deactivated stops being current for good: activating it again does not bring it back.
create function switchyard.forget_current_account() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  v_before text;
begin
  if new.user_id is not null then
    v_before := switchyard.act_as(new.user_id);
    update public.mt5_current_account set account_id = null where user_id = new.user_id and account_id = new.id;
    perform switchyard.restore_claims(v_before);
  end if;
  return null;
end;
$$;

create function switchyard.touch() returns trigger
language plpgsql set search_path = ''
as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end;
$$;

create trigger mt5_accounts_queue_default_change before insert or update of is_default, is_active on public.mt5_accounts
  for each statement execute function switchyard.queue_default_change();
create trigger mt5_accounts_keep_one_default before insert or update on public.mt5_accounts
  for each row when (new.is_default) execute function switchyard.keep_one_default();
create trigger mt5_accounts_forget_current after update on public.mt5_accounts
  for each row when (old.is_active and not new.is_active) execute function switchyard.forget_current_account();
create trigger mt5_accounts_touch before update on public.mt5_accounts
  for each row execute function switchyard.touch();

do $$
declare
  v_function text;
begin
  foreach v_function in array array[
    'switchyard.queue_default_change()', 'switchyard.keep_one_default()', 'switchyard.forget_current_account()', 'switchyard.touch()'
  ] loop
    execute format('alter function %s owner to switchyard_owner', v_function);
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function);
  end loop;
end;
$$;
