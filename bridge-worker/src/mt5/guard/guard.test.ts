// Runs the guard's own tests (guard_test.py) in Python and reports each of them here.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pythonCommand, requirePython } from "../../../../tests/support/python.ts";

const TESTS = fileURLToPath(new URL("guard_test.py", import.meta.url));
/** Below it something was not collected. */
const MIN_TESTS = 56;

test("guard.py keeps its promises in plain Python", { skip: requirePython() ?? false }, async (context) => {
  const report = await run();
  const results = [...report.matchAll(/^(test_\w+) .*?\.\.\. (\w+)$/gm)];
  for (const [, name = "", result] of results) {
    await context.test(name.replaceAll("_", " "), () => assert.equal(result, "ok", report));
  }
  assert.ok(results.length >= MIN_TESTS, report);
  assert.match(report, /^OK$/m, report);
});

async function run(): Promise<string> {
  const options = { env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } };
  try {
    return (await promisify(execFile)(pythonCommand() ?? "", [TESTS, "-v"], options)).stderr;
  } catch (error) {
    // A failing test ends Python with a status; its report is what we want to see.
    if (error instanceof Error && "stderr" in error) return String(error.stderr);
    throw error;
  }
}
