// Which database function a call of /rest/v1/rpc/NAME means, and the SQL that calls it, as PostgREST decides both.
// Pure: the catalogue rows are an argument.

/** One function of the exposed schema, as `FUNCTIONS_QUERY` reads it. */
export type FunctionRow = {
  name: string;
  /** Input arguments in order; an unnamed one has the name "". */
  args: { name: string; type: string; required: boolean; variadic: boolean }[];
  returns: "void" | "scalar" | "composite";
  set: boolean;
};

export type Choice =
  | { kind: "found"; call: FunctionRow; wholeBody: boolean }
  | { kind: "ambiguous"; candidates: FunctionRow[] }
  | { kind: "none" };

/** All functions named $2 in schema $1, with everything needed to call them. One row, one JSON column `functions`. */
export const FUNCTIONS_QUERY = `
select coalesce(json_agg(json_build_object(
  'name', p.proname,
  'set', p.proretset,
  'returns', case
    when p.prorettype = 'void'::regtype then 'void'
    when t.typtype = 'c' or coalesce(p.proargmodes::text[] && '{t,b,o}', false) then 'composite'
    else 'scalar'
  end,
  'args', coalesce(a.args, '[]'::json)
)), '[]'::json) as functions
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_type rt on rt.oid = p.prorettype
-- A domain over a composite type is a composite.
join pg_catalog.pg_type t on t.oid = case when rt.typtype = 'd' then rt.typbasetype else rt.oid end
left join lateral (
  select json_agg(json_build_object(
    'name', coalesce(input.name, ''),
    'type', pg_catalog.format_type(input.type, null),
    'required', input.ord <= p.pronargs - p.pronargdefaults,
    'variadic', input.mode = 'v'
  ) order by input.ord) as args
  from (
    select every.type, every.name, every.mode, row_number() over (order by every.idx) as ord
    from unnest(
      coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes::text[]
    ) with ordinality as every (type, name, mode, idx)
    where every.type is not null and coalesce(every.mode, 'i') in ('i', 'b', 'v')
  ) input
) a on true
where n.nspname = $1 and p.proname = $2 and p.prokind = 'f'`;

/** Picks by the names given: all given names exist, all required ones are given. A lone unnamed json takes the body. */
export function chooseFunction(rows: readonly FunctionRow[], given: readonly string[]): Choice {
  const named = rows.filter((row) => {
    const names = row.args.map(({ name }) => name);
    const required = row.args.filter(({ required }) => required).map(({ name }) => name);
    return given.every((name) => name !== "" && names.includes(name)) && required.every((name) => given.includes(name));
  });
  const [only, second] = named;
  if (only && second === undefined) return { kind: "found", call: only, wholeBody: false };
  if (only) return { kind: "ambiguous", candidates: named };
  const whole = rows.find(isWholeBodyFunction);
  return whole ? { kind: "found", call: whole, wholeBody: true } : { kind: "none" };
}

function isWholeBodyFunction({ args }: FunctionRow): boolean {
  const [only, second] = args;
  return only !== undefined && second === undefined && only.name === "" && ["json", "jsonb"].includes(only.type);
}

/**
 * One statement with the body's text as $1, answering one row: `body` (JSON text or null for void), `rows` (of a set),
 * and what the function asked for through the settings response.status and response.headers.
 */
export function callStatement(
  schema: string,
  { call, wholeBody }: { call: FunctionRow; wholeBody: boolean },
  given: readonly string[],
): string {
  const target = `${quoteIdentifier(schema)}.${quoteIdentifier(call.name)}`;
  const passed = call.args.filter(({ name }) => given.includes(name));
  // PostgREST's own way: json_to_record converts every value to its argument's type with Postgres's rules.
  const record = passed.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`).join(", ");
  const from = wholeBody || passed.length === 0 ? "" : `json_to_record($1::json) as input (${record}), lateral `;
  const args = wholeBody
    ? `$1::${call.args[0]?.type ?? "json"}`
    : passed
        .map(({ name, variadic }) => {
          const quoted = quoteIdentifier(name);
          return `${variadic ? "variadic " : ""}${quoted} => input.${quoted}`;
        })
        .join(", ");
  // A parameter nobody mentions has no type; the cast in a condition that is always true gives it one.
  const where = from === "" && !wholeBody ? " where $1::text is not null" : "";
  const source = `select result.* from ${from}${target}(${args}) as result${call.returns === "composite" ? "" : " (value)"}${where}`;
  const value = call.returns === "composite" ? "_rpc_source" : "_rpc_source.value";
  const all = `coalesce(json_agg(${value}), '[]'::json)`;
  const one = `coalesce(json_agg(${value}) -> 0, 'null'::json)`;
  const body = call.returns === "void" ? "null::text" : `(${call.set ? all : one})::text`;
  return (
    `with _rpc_source as materialized (${source}) select ${body} as body, count(*)::int as rows, ` +
    `nullif(current_setting('response.status', true), '') as status, ` +
    `nullif(current_setting('response.headers', true), '') as headers from _rpc_source`
  );
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** PGRST202's message and details, word for word PostgREST's. */
export function notFoundTexts(
  schema: string,
  name: string,
  given: readonly string[],
): { message: string; details: string } {
  const names = [...given].sort().join(", ");
  const called = given.length === 0 ? `${schema}.${name} without parameters` : `${schema}.${name}(${names})`;
  const searched =
    given.length === 0
      ? "without parameters"
      : given.length === 1
        ? `with parameter ${names}`
        : `with parameters ${names}`;
  return {
    message: `Could not find the function ${called} in the schema cache`,
    details:
      `Searched for the function ${schema}.${name} ${searched} or with a single unnamed json/jsonb parameter, ` +
      "but no matches were found in the schema cache.",
  };
}
