-- The trusted functions as the API calls them, with the secret key. Each names the user (the subject of the token that the
-- edge function has verified) and acts as that user: the same policies decide as for the user's own calls. The caller's
-- claims are put back on the way out; see act_as().

create function public.submit_command(
  p_user_id uuid, p_account_id uuid, p_kind text, p_key text, p_fingerprint text, p_request jsonb, p_timeout_ms int,
  p_request_id text
) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before text := switchyard.act_as(p_user_id);
  v_answer jsonb;
begin
  v_answer := switchyard.submit(p_account_id, p_kind, p_key, p_fingerprint, p_request, null, p_timeout_ms, p_request_id);
  perform switchyard.restore_claims(v_before);
  return v_answer;
end;
$$;

create function public.submit_commands(
  p_user_id uuid, p_account_id uuid, p_kind text, p_key text, p_fingerprint text, p_request jsonb, p_children jsonb,
  p_timeout_ms int, p_request_id text
) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before text := switchyard.act_as(p_user_id);
  v_answer jsonb;
begin
  v_answer := switchyard.submit(
    p_account_id, p_kind, p_key, p_fingerprint, p_request, coalesce(p_children, 'null'), p_timeout_ms, p_request_id
  );
  perform switchyard.restore_claims(v_before);
  return v_answer;
end;
$$;

create function public.resolve_account(p_user_id uuid, p_account_id uuid default null) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before text := switchyard.act_as(p_user_id);
  v_answer jsonb;
begin
  v_answer := switchyard.resolve_account(p_account_id);
  perform switchyard.restore_claims(v_before);
  return v_answer;
end;
$$;

create function public.connect_account(p_user_id uuid, p_account jsonb) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before text := switchyard.act_as(p_user_id);
  v_answer jsonb;
begin
  v_answer := switchyard.connect_account(p_account);
  perform switchyard.restore_claims(v_before);
  return v_answer;
end;
$$;

create function public.replace_credential(p_user_id uuid, p_account_id uuid, p_credential jsonb) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before text := switchyard.act_as(p_user_id);
  v_answer jsonb;
begin
  v_answer := switchyard.replace_credential(p_account_id, p_credential);
  perform switchyard.restore_claims(v_before);
  return v_answer;
end;
$$;

create function public.switch_account(p_user_id uuid, p_account_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before text := switchyard.act_as(p_user_id);
  v_answer jsonb;
begin
  v_answer := switchyard.switch_account(p_account_id);
  perform switchyard.restore_claims(v_before);
  return v_answer;
end;
$$;

create function public.withdraw_command(p_user_id uuid, p_command_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before text := switchyard.act_as(p_user_id);
  v_answer jsonb;
begin
  v_answer := switchyard.withdraw_command(p_command_id);
  perform switchyard.restore_claims(v_before);
  return v_answer;
end;
$$;

create function public.complete_command(
  p_user_id uuid, p_command_id uuid, p_state text, p_executed boolean, p_status int, p_body text, p_evidence jsonb,
  p_worker_id text
) returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before text := switchyard.act_as(p_user_id);
  v_answer jsonb;
begin
  v_answer := switchyard.complete_command(p_command_id, p_state, p_executed, p_status, p_body, p_evidence, p_worker_id);
  perform switchyard.restore_claims(v_before);
  return v_answer;
end;
$$;

-- CREATE on public only for as long as the wrappers change hands.
grant create on schema public to switchyard_owner;
do $$
declare
  v_function text;
begin
  foreach v_function in array array[
    'public.submit_command(uuid, uuid, text, text, text, jsonb, int, text)',
    'public.submit_commands(uuid, uuid, text, text, text, jsonb, jsonb, int, text)',
    'public.resolve_account(uuid, uuid)',
    'public.connect_account(uuid, jsonb)',
    'public.replace_credential(uuid, uuid, jsonb)',
    'public.switch_account(uuid, uuid)',
    'public.withdraw_command(uuid, uuid)',
    'public.complete_command(uuid, uuid, text, boolean, int, text, jsonb, text)'
  ] loop
    execute format('alter function %s owner to switchyard_owner', v_function);
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function);
    execute format('grant execute on function %s to service_role', v_function);
  end loop;
end;
$$;
revoke create on schema public from switchyard_owner;
