-- What only the edge function may do with the ledger: accept commands, release what nobody has seen, store outcomes. They
-- act for switchyard.current_user_id(); nobody calls them but the wrappers in public.

create function switchyard.submitted_json(p_command public.commands) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_command.id,
    'kind', p_command.kind,
    'state', switchyard.shown_state(p_command.state, p_command.deadline),
    'raw_state', p_command.state,
    'executed', p_command.executed,
    'status', p_command.status,
    'body', p_command.body,
    'tag', p_command.tag::text,
    'key', p_command.idempotency_key,
    'fingerprint_matches', true,
    'request', p_command.request,
    'worker_id', p_command.worker_id,
    'deadline', switchyard.iso_time(p_command.deadline),
    'created_at', switchyard.iso_time(p_command.created_at)
  );
$$;

-- One row of the ledger. Null when the key is taken; a tag that is taken is drawn again.
create function switchyard.insert_command(p_command public.commands) returns public.commands
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_command public.commands;
begin
  for v_attempt in 1..10 loop
    insert into public.commands (
      user_id, account_id, login, server, kind, idempotency_key, fingerprint, parent_id, is_group, request, worker_id,
      request_id, timeout_ms, created_at, deadline
    ) values (
      p_command.user_id, p_command.account_id, p_command.login, p_command.server, p_command.kind, p_command.idempotency_key,
      p_command.fingerprint, p_command.parent_id, p_command.is_group, p_command.request, p_command.worker_id,
      p_command.request_id, p_command.timeout_ms, p_command.created_at, p_command.deadline
    )
    -- Waits while another transaction is inserting the same key, and then sees whether it did.
    on conflict do nothing
    returning * into v_command;
    if found then
      return v_command;
    end if;
    if exists (
      select from public.commands where user_id = p_command.user_id and idempotency_key = p_command.idempotency_key
    ) then
      return null;
    end if;
  end loop;
  raise exception using errcode = 'PT503', message = 'database_unavailable',
    detail = 'The command could not be written to the ledger.';
end;
$$;

-- submit_command and submit_commands: p_children is null for a single command.
create function switchyard.submit(
  p_account_id uuid, p_kind text, p_key text, p_fingerprint text, p_request jsonb, p_children jsonb, p_timeout_ms int,
  p_request_id text
) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  -- The caller's time runs from here, also while this waits for a lock.
  v_start timestamptz := clock_timestamp();
  v_account public.mt5_accounts;
  v_command public.commands;
  v_draft public.commands;
  v_child jsonb;
  v_children jsonb;
  v_created boolean := false;
  v_account_json jsonb;
begin
  if p_kind is null or p_key is null or p_fingerprint is null or p_request is null or p_timeout_ms is null
    or p_timeout_ms not between 500 and 25000 then
    raise exception using errcode = 'PT422', message = 'invalid_request',
      detail = 'Kind, key, fingerprint, request and a timeout of 500 to 25000 ms are required.';
  end if;
  if p_children is not null and (
    jsonb_typeof(p_children) <> 'array' or jsonb_array_length(p_children) > 1000
    or exists (
      select from jsonb_array_elements(p_children) c
      where jsonb_typeof(c -> 'kind') is distinct from 'string' or jsonb_typeof(c -> 'request') is distinct from 'object'
    )
  ) then
    raise exception using errcode = 'PT422', message = 'invalid_request',
      detail = 'The children must be an array of at most 1000 {kind, request}.';
  end if;

  for v_attempt in 1..20 loop
    -- The key comes first: a repeated request gets its answer even if its account is gone since.
    select * into v_command from public.commands where user_id = v_user and idempotency_key = p_key;
    if found then
      if v_command.fingerprint <> p_fingerprint or v_command.is_group <> (p_children is not null) then
        raise exception using errcode = 'PT422', message = 'idempotency_key_reused',
          detail = 'This key belongs to another request.';
      end if;
      exit when v_command.state <> 'accepted' or v_command.attached;
      -- From now on two callers hold the command, and neither knows what the other wrote to a worker.
      update public.commands set attached = true where id = v_command.id and state = 'accepted' and not attached
      returning * into v_command;
      exit when found;
    else
      v_account := switchyard.find_account(p_account_id, true);
      v_draft.user_id := v_user;
      v_draft.account_id := v_account.id;
      v_draft.login := v_account.login;
      v_draft.server := v_account.server;
      v_draft.worker_id := v_account.worker_id;
      v_draft.kind := p_kind;
      v_draft.request := p_request;
      v_draft.idempotency_key := p_key;
      v_draft.fingerprint := p_fingerprint;
      v_draft.is_group := p_children is not null;
      v_draft.request_id := p_request_id;
      v_draft.timeout_ms := p_timeout_ms;
      v_draft.created_at := v_start;
      v_draft.deadline := v_start + p_timeout_ms * interval '1 millisecond';
      v_command := switchyard.insert_command(v_draft);
      v_created := v_command.id is not null;
      exit when v_created;
    end if;
    -- Submitted, settled or withdrawn by another transaction in between: look again.
    v_command := null;
  end loop;
  if v_command.id is null then
    raise exception using errcode = 'PT503', message = 'database_unavailable',
      detail = 'The command could not be written to the ledger.';
  end if;

  if v_created and p_children is not null then
    v_draft.idempotency_key := null;
    v_draft.fingerprint := null;
    v_draft.is_group := false;
    v_draft.parent_id := v_command.id;
    for v_child in select value from jsonb_array_elements(p_children) with ordinality order by ordinality loop
      v_draft.kind := v_child ->> 'kind';
      v_draft.request := v_child -> 'request';
      perform switchyard.insert_command(v_draft);
    end loop;
  end if;
  if v_command.is_group then
    select coalesce(jsonb_agg(switchyard.submitted_json(c) order by c.id), '[]') into v_children
    from public.commands c where c.user_id = v_user and c.parent_id = v_command.id;
  end if;

  -- The sealed credential goes along only while there is something left to do with it.
  if not v_created and switchyard.is_open(v_command.state) and v_command.account_id is not null then
    select * into v_account from public.mt5_accounts where user_id = v_user and id = v_command.account_id;
  end if;
  v_account_json := switchyard.sealed_account_json(v_account)
    || jsonb_build_object('id', v_command.account_id, 'login', v_command.login, 'server', v_command.server);

  return jsonb_build_object(
    'created', v_created,
    'account', v_account_json,
    'remaining_ms', floor(extract(epoch from v_command.deadline - clock_timestamp()) * 1000)::bigint,
    'submitted_ago_ms', floor(extract(epoch from clock_timestamp() - v_command.created_at) * 1000)::bigint
  ) || case
    when p_children is null then jsonb_build_object('command', switchyard.submitted_json(v_command))
    else jsonb_build_object('parent', switchyard.submitted_json(v_command), 'children', v_children)
  end;
exception when check_violation then
  raise exception using errcode = 'PT422', message = 'invalid_request', detail = sqlerrm;
end;
$$;

-- Releases the key of a command of which certainly no worker knows. A group goes as a whole or not at all.
create function switchyard.withdraw_command(p_command_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  v_rows int;
  v_withdrawable int;
begin
  -- Locked first, judged after: nobody attaches to or completes one of them between the two.
  perform 1 from public.commands where user_id = v_user and (id = p_command_id or parent_id = p_command_id) order by id for update;
  select count(*), count(*) filter (where state = 'accepted' and not attached)
  into v_rows, v_withdrawable
  from public.commands where user_id = v_user and (id = p_command_id or parent_id = p_command_id);
  if v_rows = 0 or v_withdrawable < v_rows then
    return jsonb_build_object('withdrawn', false);
  end if;
  delete from public.commands where user_id = v_user and parent_id = p_command_id;
  delete from public.commands where user_id = v_user and id = p_command_id;
  return jsonb_build_object('withdrawn', true);
end;
$$;

-- Compare and set: of several writers one stores its answer, and all of them give the one that is stored.
create function switchyard.complete_command(
  p_command_id uuid, p_state text, p_executed boolean, p_status int, p_body text, p_evidence jsonb, p_worker_id text
) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  v_command public.commands;
  v_stored boolean;
begin
  if p_state is null
    or p_state not in ('accepted', 'refused', 'expired', 'cancelled', 'done', 'rejected', 'unknown', 'not_executed')
    or p_executed is distinct from switchyard.executed_in(p_state)
    or (not switchyard.is_open(p_state) and (p_status is null or p_body is null))
    or p_status not between 100 and 599 then
    raise exception using errcode = 'PT422', message = 'invalid_request',
      detail = 'State, executed and the answer of the command do not fit together.';
  end if;
  update public.commands set
    state = p_state,
    executed = p_executed,
    status = p_status,
    body = p_body,
    -- What was seen while the outcome was unknown is not lost when a proof arrives.
    evidence = coalesce(p_evidence, evidence),
    worker_id = coalesce(p_worker_id, worker_id),
    completed_at = case when not switchyard.is_open(p_state) then clock_timestamp() end
  where user_id = v_user and id = p_command_id and switchyard.can_become(state, p_state)
  returning * into v_command;
  v_stored := found;
  if not v_stored then
    select * into v_command from public.commands where user_id = v_user and id = p_command_id;
    if not found then
      raise exception using errcode = 'PT404', message = 'command_not_found', detail = 'There is no such command.';
    end if;
  end if;
  return jsonb_build_object(
    'stored', v_stored,
    'state', v_command.state,
    'executed', v_command.executed,
    'status', v_command.status,
    'body', v_command.body
  );
end;
$$;

do $$
declare
  v_function text;
begin
  foreach v_function in array array[
    'switchyard.submitted_json(public.commands)',
    'switchyard.insert_command(public.commands)',
    'switchyard.submit(uuid, text, text, text, jsonb, jsonb, int, text)',
    'switchyard.withdraw_command(uuid)',
    'switchyard.complete_command(uuid, text, boolean, int, text, jsonb, text)'
  ] loop
    execute format('alter function %s owner to switchyard_owner', v_function);
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function);
  end loop;
end;
$$;
