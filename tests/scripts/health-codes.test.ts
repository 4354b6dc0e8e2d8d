// The codes of an account's status are promises: docs/errors.md lists each, under its layer, and no other.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { HealthCodes } from "../../supabase/functions/_shared/protocol/mod.ts";

/** Layer → codes of the table's rows; a row without a layer belongs to the one above. */
function documented(markdown: string): Record<string, string[]> {
  const section = markdown.split("## The status of an account")[1]?.split("\n## ")[0] ?? "";
  const codes: Record<string, string[]> = {};
  let layer = "";
  for (const [, first = "", second = ""] of section.matchAll(/^\|([^|]*)\|([^|]*`[^|]*)\|/gm)) {
    layer = /`(\w+)`/.exec(first)?.[1] ?? (first.trim() || layer);
    codes[layer] = [...(codes[layer] ?? []), ...[...second.matchAll(/`(\w+)`/g)].map(([, code = ""]) => code)];
  }
  return codes;
}

it("docs/errors.md has every code of an account's status under its layer, and no other", () => {
  const { every, ...layers } = documented(readFileSync("docs/errors.md", "utf8"));
  const sorted = (codes: Readonly<Record<string, readonly string[]>>) =>
    Object.fromEntries(Object.entries(codes).map(([layer, list]) => [layer, [...list].sort()]));
  assert.deepEqual(every, ["ok", "not_known"]);
  assert.deepEqual(sorted(layers), sorted(HealthCodes));
});
