// The statement splitter against every place where a semicolon is only a character.
import assert from "node:assert/strict";
import { test } from "node:test";
import { splitStatements } from "./sql-statements.ts";

const ROWS: [string, string[]][] = [
  ["", []],
  ["-- only a comment;\n/* and; /* nested; */ another */", []],
  ["select 1; select 2", ["select 1", "select 2"]],
  ["select 1;;\n;select 2;", ["select 1", "select 2"]],
  ["select 'a;''b;'; select 2", ["select 'a;''b;'", "select 2"]],
  ["select E'a\\';b'; select 2", ["select E'a\\';b'", "select 2"]],
  ["select E'a''\\';b'; select 2", ["select E'a''\\';b'", "select 2"]],
  ['select ";""x;"; select 2', ['select ";""x;"', "select 2"]],
  ["do $$ begin; end $$; select 2", ["do $$ begin; end $$", "select 2"]],
  ["do $a$ $$;$$ ; $a$; select 2", ["do $a$ $$;$$ ; $a$", "select 2"]],
  ["select $1; select a$b; select 2", ["select $1", "select a$b", "select 2"]],
  ["-- why; this\nselect 1;", ["-- why; this\nselect 1"]],
  ["select 1 /* ; */; select 2", ["select 1 /* ; */", "select 2"]],
  [
    "create function f() returns int begin atomic; select case when true then 1 end; end; select 2",
    ["create function f() returns int begin atomic; select case when true then 1 end; end", "select 2"],
  ],
  ["begin; select 1; end; select 2", ["begin", "select 1", "end", "select 2"]],
];

for (const [sql, expected] of ROWS) {
  test(`splitStatements() ${JSON.stringify(sql.slice(0, 50))}`, () => assert.deepEqual(splitStatements(sql), expected));
}
