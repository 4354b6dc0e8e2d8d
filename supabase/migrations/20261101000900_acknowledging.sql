-- Acknowledging: the user no longer waits for an unknown outcome. The command's state and answer stay what they are; the
-- worker has lifted the block before this is written. Who: the command's own user, nobody else can.

alter table public.commands
  add column acknowledged_at timestamptz,
  add column acknowledge_reason text check (char_length(acknowledge_reason) between 1 and 500),
  add check ((acknowledged_at is null) = (acknowledge_reason is null)),
  -- Only what was unknown once: what a proof ended later stays acknowledged.
  add check (acknowledged_at is null or state in ('unknown', 'done', 'rejected', 'not_executed'));

grant update (acknowledged_at, acknowledge_reason) on public.commands to switchyard_owner;

-- Set once, while the command is unknown, and never changed: by no caller, `postgres` included.
create function switchyard.guard_acknowledgement() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if old.acknowledged_at is not null or old.state <> 'unknown' or new.state <> 'unknown' then
    raise exception using errcode = 'restrict_violation', message = 'command_acknowledgement_is_immutable',
      detail = format('Command %s is acknowledged once, and only while its outcome is unknown.', old.id);
  end if;
  return new;
end;
$$;

create trigger commands_guard_acknowledgement before update on public.commands
  for each row when (
    (old.acknowledged_at, old.acknowledge_reason) is distinct from (new.acknowledged_at, new.acknowledge_reason)
  )
  execute function switchyard.guard_acknowledgement();

create or replace function switchyard.command_json(p_command public.commands) returns jsonb
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
    'acknowledged', case when p_command.acknowledged_at is not null then jsonb_build_object(
      'at', switchyard.iso_time(p_command.acknowledged_at), 'reason', p_command.acknowledge_reason
    ) end,
    'worker_id', p_command.worker_id,
    'created_at', switchyard.iso_time(p_command.created_at),
    'deadline', switchyard.iso_time(p_command.deadline),
    'completed_at', switchyard.iso_time(p_command.completed_at)
  );
$$;

-- Answers the command as get_command() does. One that has ended has nothing to acknowledge and is shown as it is; of two
-- acknowledgements the first counts.
create function switchyard.acknowledge_command(p_command_id uuid, p_reason text) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user uuid := switchyard.current_user_id();
  v_reason text := btrim(p_reason);
  v_state text;
begin
  if v_reason is null or char_length(v_reason) not between 1 and 500 then
    raise exception using errcode = 'PT422', message = 'invalid_request',
      detail = 'A reason of 1 to 500 characters is required.';
  end if;
  update public.commands set acknowledged_at = clock_timestamp(), acknowledge_reason = v_reason
  where user_id = v_user and id = p_command_id and state = 'unknown' and acknowledged_at is null;
  if not found then
    select state into v_state from public.commands where user_id = v_user and id = p_command_id;
    if not found then
      raise exception using errcode = 'PT404', message = 'command_not_found', detail = 'There is no such command.';
    elsif v_state = 'accepted' then
      raise exception using errcode = 'PT409', message = 'command_under_way', detail = 'The command is still under way.';
    end if;
  end if;
  return switchyard.get_command(p_command_id);
end;
$$;

create function public.acknowledge_command(p_user_id uuid, p_command_id uuid, p_reason text) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before text := switchyard.act_as(p_user_id);
  v_answer jsonb;
begin
  v_answer := switchyard.acknowledge_command(p_command_id, p_reason);
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
  foreach v_function in array array[
    'switchyard.guard_acknowledgement()',
    'switchyard.acknowledge_command(uuid, text)',
    'public.acknowledge_command(uuid, uuid, text)'
  ] loop
    execute format('alter function %s owner to switchyard_owner', v_function);
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function);
  end loop;
  grant execute on function public.acknowledge_command(uuid, uuid, text) to service_role;
end;
$$;
revoke create on schema public from switchyard_owner;
