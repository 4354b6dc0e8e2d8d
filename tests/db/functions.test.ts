// The list of all functions of the project, each with its owner, rights and callers. A function that is not in the list
// fails here: nobody adds one without deciding who may call it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openSession, refuses, type Session } from "./session.ts";

type Kind = "definer" | "invoker";

/** signature → does it run with its owner's rights, and who may call it beside the owner. */
const FUNCTIONS: Record<string, [Kind, string[]]> = {
  // Pure, or nothing but a setting, a lock or the row at hand: no rights of their own.
  "switchyard.current_user_id()": ["invoker", ["authenticated"]],
  "switchyard.act_as(uuid)": ["invoker", []],
  "switchyard.restore_claims(text)": ["invoker", []],
  "switchyard.lock_user(uuid)": ["invoker", []],
  "switchyard.iso_time(timestamptz)": ["invoker", []],
  "switchyard.uuid_v7()": ["invoker", []],
  "switchyard.new_tag()": ["invoker", []],
  "switchyard.can_become(text,text)": ["invoker", []],
  "switchyard.is_open(text)": ["invoker", []],
  "switchyard.executed_in(text)": ["invoker", []],
  "switchyard.is_usable(text,text)": ["invoker", []],
  "switchyard.shown_state(text,timestamptz)": ["invoker", []],
  "switchyard.account_status(mt5_accounts)": ["invoker", []],
  "switchyard.account_json(mt5_accounts,uuid)": ["invoker", []],
  "switchyard.sealed_account_json(mt5_accounts)": ["invoker", []],
  "switchyard.command_json(commands)": ["invoker", []],
  "switchyard.submitted_json(commands)": ["invoker", []],
  "switchyard.guard_command()": ["invoker", []],
  "switchyard.guard_acknowledgement()": ["invoker", []],
  "switchyard.touch()": ["invoker", []],
  // Triggers that write another row.
  "switchyard.queue_default_change()": ["definer", []],
  "switchyard.keep_one_default()": ["definer", []],
  "switchyard.forget_current_account()": ["definer", []],
  // User functions, and their wrappers.
  "switchyard.current_account_id()": ["definer", []],
  "switchyard.list_accounts(bool)": ["definer", ["authenticated"]],
  "switchyard.get_account(uuid)": ["definer", ["authenticated"]],
  "switchyard.update_account(uuid,jsonb)": ["definer", ["authenticated"]],
  "switchyard.remove_account(uuid,bool)": ["definer", ["authenticated"]],
  "switchyard.get_command(uuid)": ["definer", ["authenticated"]],
  "switchyard.list_commands(uuid,text,int4,text)": ["definer", ["authenticated"]],
  "public.list_accounts(bool)": ["invoker", ["authenticated"]],
  "public.get_account(uuid)": ["invoker", ["authenticated"]],
  "public.update_account(uuid,jsonb)": ["invoker", ["authenticated"]],
  "public.remove_account(uuid,bool)": ["invoker", ["authenticated"]],
  "public.get_command(uuid)": ["invoker", ["authenticated"]],
  "public.list_commands(uuid,text,int4,text)": ["invoker", ["authenticated"]],
  // Trusted functions: what does the work trusts its caller to have set the user, so nobody may call it directly.
  "switchyard.find_account(uuid,bool)": ["definer", []],
  "switchyard.insert_command(commands)": ["definer", []],
  "switchyard.submit(uuid,text,text,text,jsonb,jsonb,int4,text)": ["definer", []],
  "switchyard.resolve_account(uuid)": ["definer", []],
  "switchyard.connect_account(jsonb)": ["definer", []],
  "switchyard.replace_credential(uuid,jsonb)": ["definer", []],
  "switchyard.switch_account(uuid)": ["definer", []],
  "switchyard.withdraw_command(uuid)": ["definer", []],
  "switchyard.complete_command(uuid,text,bool,int4,text,jsonb,text)": ["definer", []],
  "switchyard.acknowledge_command(uuid,text)": ["definer", []],
  "switchyard.find_worker(text,text)": ["definer", []],
  "public.submit_command(uuid,uuid,text,text,text,jsonb,int4,text)": ["definer", ["service_role"]],
  "public.submit_commands(uuid,uuid,text,text,text,jsonb,jsonb,int4,text)": ["definer", ["service_role"]],
  "public.resolve_account(uuid,uuid)": ["definer", ["service_role"]],
  "public.connect_account(uuid,jsonb)": ["definer", ["service_role"]],
  "public.replace_credential(uuid,uuid,jsonb)": ["definer", ["service_role"]],
  "public.switch_account(uuid,uuid)": ["definer", ["service_role"]],
  "public.withdraw_command(uuid,uuid)": ["definer", ["service_role"]],
  "public.complete_command(uuid,uuid,text,bool,int4,text,jsonb,text)": ["definer", ["service_role"]],
  "public.acknowledge_command(uuid,uuid,text)": ["definer", ["service_role"]],
  "public.find_worker(uuid,text,text)": ["definer", ["service_role"]],
};

const LISTED = `
  select n.nspname || '.' || p.proname || '(' || coalesce((
           select string_agg(t.typname, ',' order by a.place)
           from unnest(p.proargtypes::oid[]) with ordinality a (oid, place) join pg_type t on t.oid = a.oid), '') || ')' as signature,
         p.prosecdef as definer, p.proowner::regrole::text as owner, p.proconfig as config,
         coalesce((
           select array_agg(case when g.grantee = 0 then 'PUBLIC' else g.grantee::regrole::text end order by 1)
           from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
           where g.grantee <> p.proowner
         ), '{}')::text[] as callers
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('public', 'switchyard')
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`;

let session: Session;

describe("the functions of the database", () => {
  before(async () => {
    session = await openSession();
  });
  after(() => session.close());

  test("are exactly these, with exactly these rights and callers, one owner, and an empty search path", async () => {
    const rows = await session.admin(LISTED);
    const found = rows.map((row) => [
      row.signature,
      [row.definer ? "definer" : "invoker", row.callers, row.owner, row.config],
    ]);
    const expected = Object.entries(FUNCTIONS).map(([signature, [kind, callers]]) => [
      signature,
      [kind, callers, "switchyard_owner", ['search_path=""']],
    ]);
    assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected));
    assert.equal(found.length, expected.length);
  });

  test("belong to a role that cannot log in, cannot bypass row security, owns no table and may create nothing in public", async () => {
    const [role] = await session.admin(
      `select rolcanlogin, rolbypassrls, rolsuper, rolcreaterole, has_schema_privilege('switchyard_owner', 'public', 'CREATE') as creates,
              exists (select from pg_class where relowner = r.oid) as owns_a_table,
              exists (select from pg_auth_members m where m.member = r.oid) as is_member
       from pg_roles r where rolname = 'switchyard_owner'`,
    );
    assert.deepEqual(new Set(Object.values(role ?? {})), new Set([false]));
  });

  test("the schema behind the wrappers is closed to every client role", async () => {
    for (const role of ["anon", "authenticated", "service_role"]) {
      const [row] = await session.admin("select has_schema_privilege($1, 'switchyard', 'USAGE') as usage", [role]);
      assert.equal(row?.usage, false, role);
    }
  });

  test("no role calls a wrapper that is not its own", async () => {
    const user = await session.newUser();
    const callers = { anon: "anon", authenticated: { user }, service_role: "service_role" } as const;
    const wrappers = Object.entries(FUNCTIONS).filter(([signature]) => signature.startsWith("public."));
    for (const [signature, [, allowed]] of wrappers) {
      const nulls = signature
        .replace(/^.*\((.*)\)$/, "$1")
        .split(",")
        .map((type) => `null::${type}`);
      const call = `select ${signature.replace(/\(.*/, "")}(${nulls.join(", ")})`;
      for (const [role, caller] of Object.entries(callers)) {
        if (!allowed.includes(role)) await refuses(session.as(caller, call), "42501");
      }
    }
  });
});
