-- Which worker an account belongs to, asked before its password is sealed anew: what is unknown there, the counters of its
-- limits and its lane are in that worker's journal, and another worker would know nothing of them. Inactive accounts count,
-- and so does one that was removed while a command was open.

create function switchyard.find_worker(p_login text, p_server text) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select jsonb_build_object('worker_id', coalesce(
    (
      select worker_id from public.mt5_accounts
      where user_id = (select switchyard.current_user_id()) and login = p_login and server = p_server
    ),
    (
      select worker_id from public.commands
      where user_id = (select switchyard.current_user_id()) and account_id is null
        and login = p_login and server = p_server and state in ('accepted', 'unknown') and not is_group
      order by id desc
      limit 1
    )
  ));
$$;

create function public.find_worker(p_user_id uuid, p_login text, p_server text) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before text := switchyard.act_as(p_user_id);
  v_answer jsonb;
begin
  v_answer := switchyard.find_worker(p_login, p_server);
  perform switchyard.restore_claims(v_before);
  return v_answer;
end;
$$;

-- CREATE on public only for as long as the wrapper changes hands.
grant create on schema public to switchyard_owner;
do $$
declare
  v_function text;
begin
  foreach v_function in array array['switchyard.find_worker(text, text)', 'public.find_worker(uuid, text, text)'] loop
    execute format('alter function %s owner to switchyard_owner', v_function);
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function);
  end loop;
  grant execute on function public.find_worker(uuid, text, text) to service_role;
end;
$$;
revoke create on schema public from switchyard_owner;
