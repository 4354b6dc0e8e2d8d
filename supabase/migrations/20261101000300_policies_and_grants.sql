-- Who may touch which row (policies) and which column (grants). Policies name switchyard_owner beside the client role,
-- because the functions run as that role and are to be decided by the very same rule. The tables belong to `postgres`,
-- not to switchyard_owner: an owner would be exempt from them.

create policy mt5_accounts_select_own on public.mt5_accounts
  for select to authenticated, switchyard_owner
  using (user_id = (select switchyard.current_user_id()));
create policy mt5_accounts_insert_own on public.mt5_accounts
  for insert to authenticated, switchyard_owner
  with check (user_id = (select switchyard.current_user_id()));
create policy mt5_accounts_update_own on public.mt5_accounts
  for update to authenticated, switchyard_owner
  using (user_id = (select switchyard.current_user_id()))
  with check (user_id = (select switchyard.current_user_id()));
create policy mt5_accounts_delete_own on public.mt5_accounts
  for delete to authenticated, switchyard_owner
  using (user_id = (select switchyard.current_user_id()));

create policy mt5_current_account_select_own on public.mt5_current_account
  for select to switchyard_owner
  using (user_id = (select switchyard.current_user_id()));
create policy mt5_current_account_insert_own on public.mt5_current_account
  for insert to switchyard_owner
  with check (user_id = (select switchyard.current_user_id()));
create policy mt5_current_account_update_own on public.mt5_current_account
  for update to switchyard_owner
  using (user_id = (select switchyard.current_user_id()))
  with check (user_id = (select switchyard.current_user_id()));

create policy commands_select_own on public.commands
  for select to switchyard_owner
  using (user_id = (select switchyard.current_user_id()));
create policy commands_insert_own on public.commands
  for insert to switchyard_owner
  with check (user_id = (select switchyard.current_user_id()) and state = 'accepted');
-- A final row is out of reach for every function.
create policy commands_update_own on public.commands
  for update to switchyard_owner
  using (user_id = (select switchyard.current_user_id()) and state in ('accepted', 'unknown'))
  with check (user_id = (select switchyard.current_user_id()));
-- Withdrawing: only what certainly no worker has heard of.
create policy commands_delete_own on public.commands
  for delete to switchyard_owner
  using (user_id = (select switchyard.current_user_id()) and state = 'accepted' and not attached);

-- Client roles: everything but the ciphertext (and the id of the key it is sealed to) may be read; four columns
-- written. Inserting and deleting go through functions, and service_role has functions only.
grant select (id, user_id, account_name, login, server, is_active, is_default, broker_name, account_type, risk_limits,
              worker_id, credential_status, trade_mode, currency, verified_at, created_at, updated_at)
  on public.mt5_accounts to authenticated;
grant update (account_name, is_default, is_active, risk_limits) on public.mt5_accounts to authenticated;

grant select, insert, delete on public.mt5_accounts to switchyard_owner;
grant update (account_name, encrypted_password, is_active, is_default, broker_name, account_type, trade_mode, currency,
              risk_limits, worker_id, credential_kid, credential_status, verified_at)
  on public.mt5_accounts to switchyard_owner;
grant select, insert on public.mt5_current_account to switchyard_owner;
grant update (account_id, switched_at) on public.mt5_current_account to switchyard_owner;
grant select, insert, delete on public.commands to switchyard_owner;
grant update (state, executed, status, body, evidence, worker_id, attached, completed_at) on public.commands to switchyard_owner;
