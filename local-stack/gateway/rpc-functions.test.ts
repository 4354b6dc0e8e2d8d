// The choice of a function by the names given, and the quoting of what a caller may name.
import assert from "node:assert/strict";
import { test } from "node:test";
import { callStatement, chooseFunction, type FunctionRow, notFoundTexts } from "./rpc-functions.ts";

function row(...args: (string | { name: string; type?: string; required?: boolean })[]): FunctionRow {
  const full = args.map((arg) => ({
    type: "text",
    required: true,
    variadic: false,
    ...(typeof arg === "string" ? { name: arg } : arg),
  }));
  return { name: "f", args: full, returns: "scalar", set: false };
}

test("chooseFunction() wants every given name known and every required one given", () => {
  const one = row("a", { name: "b", required: false });
  const kinds = [["a"], ["a", "b"], ["b"], [], ["a", "c"]].map((given) => chooseFunction([one], given).kind);
  assert.deepEqual(kinds, ["found", "found", "none", "none", "none"]);
});

test("chooseFunction() separates overloads by their names and refuses the rest", () => {
  const rows = [row("a"), row("a", { name: "b", required: false }), row("c")];
  assert.equal(chooseFunction(rows, ["a"]).kind, "ambiguous");
  assert.equal(chooseFunction(rows, ["a", "b"]).kind, "found");
  assert.equal(chooseFunction(rows, ["c"]).kind, "found");
});

test("chooseFunction() gives the whole body to a lone unnamed json, and to nothing else", () => {
  const choice = chooseFunction([row({ name: "", type: "jsonb" })], ["x"]);
  assert.equal(choice.kind === "found" && choice.wholeBody, true);
  assert.equal(chooseFunction([row({ name: "", type: "text" })], ["x"]).kind, "none");
  assert.equal(chooseFunction([row({ name: "", type: "json" }, "b")], ["x"]).kind, "none");
});

test("callStatement() quotes names: a caller's text never becomes SQL", () => {
  const call = { ...row('a"; drop table x; --'), name: 'f"g' };
  const sql = callStatement("public", { call, wholeBody: false }, ['a"; drop table x; --']);
  assert.ok(sql.includes('"public"."f""g"("a""; drop table x; --" => input."a""; drop table x; --")'));
});

test("notFoundTexts() counts the parameters as PostgREST does", () => {
  assert.match(notFoundTexts("public", "f", []).details, /^Searched for the function public\.f without parameters or/);
  assert.match(notFoundTexts("public", "f", ["b"]).details, /with parameter b or/);
  assert.match(notFoundTexts("public", "f", ["b", "a"]).details, /with parameters a, b or/);
});
