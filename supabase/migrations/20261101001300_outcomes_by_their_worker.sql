-- A command's outcome comes from the worker that it was given to. Results are signed by workers, and with several of them
-- one whose host is lost must not be able to say what another one did.

create or replace function switchyard.complete_command(
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
    -- Of a row from before workers had names, the first one that answers.
    worker_id = coalesce(worker_id, p_worker_id),
    completed_at = case when not switchyard.is_open(p_state) then clock_timestamp() end
  where user_id = v_user and id = p_command_id and switchyard.can_become(state, p_state)
    and (worker_id is null or p_worker_id is null or worker_id = p_worker_id)
  returning * into v_command;
  v_stored := found;
  if not v_stored then
    select * into v_command from public.commands where user_id = v_user and id = p_command_id;
    if not found then
      raise exception using errcode = 'PT404', message = 'command_not_found', detail = 'There is no such command.';
    elsif v_command.worker_id <> p_worker_id then
      raise exception using errcode = 'PT401', message = 'invalid_result',
        detail = 'The command was given to another worker.';
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
