// The error catalogue, docs/errors.md and the SQL functions agree: every code has one heading with its status, every
// heading is a code, every code raised in SQL exists with the same HTTP status.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Catalogue, ErrorCodes, isErrorCode } from "../supabase/functions/_shared/errors/mod.ts";

const DOC = "docs/errors.md";
const MIGRATIONS = "supabase/migrations";

/** Headings of the form "### `code` (404)". */
export function documentedCodes(markdown: string): Map<string, number> {
  return new Map(
    [...markdown.matchAll(/^### `([a-z_0-9]+)` \((\d{3})\)$/gm)].map((match) => [match[1] ?? "", Number(match[2])]),
  );
}

/** Pairs of SQLSTATE PTnnn and message in `raise` statements, in either order of the options. */
export function raisedCodes(sql: string): { code: string; status: number }[] {
  return [...sql.matchAll(/raise\s+exception\s+using([\s\S]*?);/gi)].flatMap(([, options = ""]) => {
    const status = /errcode\s*=\s*'PT(\d{3})'/i.exec(options)?.[1];
    const code = /message\s*=\s*'([a-z_0-9]+)'/i.exec(options)?.[1];
    return status === undefined || code === undefined ? [] : [{ code, status: Number(status) }];
  });
}

if (import.meta.main) {
  const faults: string[] = [];
  const documented = documentedCodes(readFileSync(DOC, "utf8"));
  for (const code of ErrorCodes) {
    const status = documented.get(code);
    if (status === undefined) faults.push(`${DOC} has no heading for ${code}`);
    else if (status !== Catalogue[code].status)
      faults.push(`${DOC}: ${code} is ${Catalogue[code].status}, not ${status}`);
  }
  for (const code of documented.keys()) if (!isErrorCode(code)) faults.push(`${DOC}: ${code} is not in the catalogue`);
  let raised = 0;
  for (const file of readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"))) {
    for (const { code, status } of raisedCodes(readFileSync(join(MIGRATIONS, file), "utf8"))) {
      raised += 1;
      if (!isErrorCode(code)) faults.push(`${file} raises ${code}, which is not in the catalogue`);
      else if (Catalogue[code].status !== status)
        faults.push(`${file} raises ${code} as ${status}, not ${Catalogue[code].status}`);
    }
  }
  if (raised === 0) faults.push(`${MIGRATIONS}: no raise was found; has their form changed?`);
  for (const fault of faults) console.error(fault);
  console.log(
    `check:errors: ${ErrorCodes.length} codes, ${documented.size} headings, ${raised} raises, ${faults.length} faults`,
  );
  process.exit(faults.length > 0 ? 1 : 0);
}
