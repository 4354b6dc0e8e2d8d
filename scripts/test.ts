// `npm test [-- filter …]`: every test, in groups. A filter keeps the test files whose path contains it. The groups that
// need Python say in one line what is missing; with CI=true a missing prerequisite fails.
import { spawnSync } from "node:child_process";
import { requirePython } from "../tests/support/python.ts";
import { denoBinary } from "./deno.ts";
import { sourceFiles } from "./source-files.ts";

/** Most test files are short; those that start whole stacks run alone, so that two cores do not fight. */
const ALONE = /^tests\/(e2e|faults)\//;
const DENO_TEST = /\.deno\.ts$/;
const TEST = /\.test\.ts$/;
const CONCURRENCY = 2;
/** A test file that takes longer than this hangs. Milliseconds. */
const FILE_TIMEOUT_MS = 240_000;

const filters = process.argv.slice(2);
const files = sourceFiles().filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
const suites = files.filter((file) => TEST.test(file));
const failures: string[] = [];

function run(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  console.log(`\n== ${name}`);
  const started = performance.now();
  const { status, signal } = spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  console.log(
    `== ${name}: ${status === 0 ? "ok" : `failed (${status ?? signal})`} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  if (status !== 0) failures.push(name);
}

/** The function's own end-to-end files: run on both Denos, because Supabase's runtime lags behind the current one. */
const ON_BOTH_DENOS = ["tests/e2e/main-flow.test.ts", "tests/e2e/http-manners.test.ts"];

function nodeTests(name: string, list: readonly string[], concurrency: number, env: NodeJS.ProcessEnv = {}): void {
  if (list.length === 0) return;
  const options = [
    "--test",
    "--test-force-exit",
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${FILE_TIMEOUT_MS}`,
  ];
  run(name, process.execPath, ["--import", "./tests/support/no-leaks.ts", ...options, ...list], env);
}

nodeTests(
  "unit and room tests",
  suites.filter((file) => !ALONE.test(file)),
  CONCURRENCY,
);
for (const version of ["2.1.4", "current"] as const) {
  const deno = files.filter((file) => DENO_TEST.test(file));
  if (deno.length > 0) run(`Deno ${version}`, denoBinary(version), ["test", "--quiet", "--allow-read", ...deno]);
}
const alone = suites.filter((file) => ALONE.test(file));
nodeTests("end to end, function on Deno 2.1.4", alone, 1, { DENO_VERSION: "2.1.4" });
const again = alone.filter((file) => ON_BOTH_DENOS.includes(file));
nodeTests("end to end, function on the current Deno", again, 1, { DENO_VERSION: "current" });
// Said once, at the end, where it is read; with CI=true it has thrown long before.
const missing = requirePython();
if (missing !== undefined) console.log(`\nskipped: the tests on real RPyC servers. ${missing}`);
if (failures.length > 0) {
  console.error(`\nfailed: ${failures.join(", ")}`);
  process.exit(1);
}
