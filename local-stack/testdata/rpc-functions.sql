-- Functions for the gateway's tests: one per kind of result and per kind of failure.
create table public.note (
  id bigint generated always as identity primary key,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null unique
);
alter table public.note enable row level security;
create policy own on public.note to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
grant select, insert on public.note to authenticated;
grant select on public.note to service_role;

create function public.add_note(p_title text) returns public.note language sql as
  'insert into public.note (title) values (p_title) returning *';
create function public.list_notes() returns setof public.note language sql stable as 'select * from public.note order by id';
create function public.titles() returns setof text language sql stable as 'select title from public.note order by id';
create function public.title_table() returns table (title text) language sql stable as 'select title from public.note order by id';
create function public.sum_of(p_a int, p_b int default 10) returns int language sql immutable as 'select p_a + p_b';
create function public.big() returns bigint language sql immutable as 'select 9223372036854775807';
create function public.as_json(p_value jsonb) returns jsonb language sql immutable as 'select jsonb_build_object(''got'', p_value)';
create function public.whole(jsonb) returns jsonb language sql immutable as 'select $1';
create function public.joined(variadic p_words text[]) returns text language sql immutable as 'select array_to_string(p_words, ''-'')';
create function public.two_out(out a int, out b text) language sql immutable as 'select 1, ''x''';
create function public.nothing() returns void language sql as 'select 1';
create function public.who() returns jsonb language sql stable as
  'select jsonb_build_object(''user'', current_user, ''role'', auth.role(), ''uid'', auth.uid(),
     ''method'', current_setting(''request.method''), ''path'', current_setting(''request.path''),
     ''trace'', current_setting(''request.headers'')::jsonb ->> ''x-trace'')';
create function public.made() returns jsonb language sql as
  'select set_config(''response.status'', ''201'', true), set_config(''response.headers'', ''[{"Location": "/there"}]'', true);
   select ''{"ok": true}''::jsonb';
create function public.overloaded(p_a int) returns int language sql immutable as 'select 1';
create function public.overloaded(p_a text) returns int language sql immutable as 'select 2';

create function public.refuse(p_code text, p_message text, p_detail text default null, p_hint text default null) returns void
  language plpgsql as $$
begin
  raise exception using errcode = p_code, message = p_message, detail = coalesce(p_detail, ''), hint = coalesce(p_hint, '');
end $$;
create function public.only_service() returns int language sql immutable as 'select 1';
revoke execute on function public.only_service() from public;
grant execute on function public.only_service() to service_role;
create schema private;
create function private.hidden() returns int language sql immutable as 'select 1';
