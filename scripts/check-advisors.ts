// Compares what `supabase db advisors` finds in a migrated database with scripts/advisors-allow-list.json, both ways: a
// finding that is not listed fails, and so does a listed one that no longer occurs.
// `node scripts/check-advisors.ts [--db-url postgres://…]`: without a URL on a throw-away cluster of its own. A given
// database should be freshly migrated, too: the lints about unused indexes depend on what it has read so far.
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { databaseUrl, freePort, prepareDatabase, startCluster, startWatchdog } from "../local-stack/mod.ts";

const ROOT = resolve(import.meta.dirname, "..");
const ALLOW_LIST = "scripts/advisors-allow-list.json";
/** How long the CLI may take, in ms; it needs about two seconds. */
const CLI_LIMIT_MS = 120_000;

/** A finding is known by its lint and the object it is about, as the CLI's own cache key names the two. */
export type Finding = { lint: string; object: string };

const AllowList = z.array(
  z.strictObject({ lint: z.string().min(1), object: z.string().min(1), reason: z.string().min(20).endsWith(".") }),
);
const AdvisorsOutput = z.object({ results: z.array(z.object({ name: z.string(), cacheKey: z.string() })) });

/** The findings in the CLI's JSON. Throws when it has another form: an empty answer must not pass for a clean one. */
export function parseFindings(json: string): Finding[] {
  return AdvisorsOutput.parse(JSON.parse(json)).results.map(({ name, cacheKey }) => ({
    lint: name,
    object: cacheKey.startsWith(`${name}_`) ? cacheKey.slice(name.length + 1) : cacheKey,
  }));
}

/** What is found but not listed, and what is listed but not found, as lines to print. */
export function compareFindings(found: readonly Finding[], allowed: readonly Finding[]): string[] {
  const key = ({ lint, object }: Finding): string => `${lint} ${object}`;
  const foundKeys = new Set(found.map(key));
  const allowedKeys = new Set(allowed.map(key));
  return [
    ...[...foundKeys].filter((one) => !allowedKeys.has(one)).map((one) => `found, not listed: ${one}`),
    ...[...allowedKeys].filter((one) => !foundKeys.has(one)).map((one) => `listed, no longer found: ${one}`),
  ];
}

async function runAdvisors(url: string, folder: string): Promise<Finding[]> {
  // The CLI reads config.toml first, which names a key file that a fresh checkout does not have: a copy beside an empty
  // set of keys. So this also fails when the CLI cannot read the configuration.
  const project = join(folder, "supabase");
  mkdirSync(project);
  copyFileSync(join(ROOT, "supabase/config.toml"), join(project, "config.toml"));
  writeFileSync(join(project, "signing_keys.json"), "[]");
  const args = ["db", "advisors", `--remote=${url}`, "--yes", "--agent", "no", "--output-format", "json"];
  const cli = spawn(join(ROOT, "node_modules/.bin/supabase"), [...args, "--level", "info", "--workdir", folder], {
    env: { ...process.env, DO_NOT_TRACK: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: CLI_LIMIT_MS,
  });
  let output = "";
  let errors = "";
  cli.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  cli.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const code = await new Promise<number | null>((done, failed) => cli.on("error", failed).on("close", done));
  if (code !== 0) throw new Error(`supabase db advisors ended with ${code}: ${errors}${output}`);
  return parseFindings(output);
}

/** Runs `work` with the URL of a fresh, migrated database and removes it. */
async function withFreshDatabase<T>(folder: string, work: (url: string) => Promise<T>): Promise<T> {
  const address = { port: await freePort(), database: "postgres" };
  const options = { dataDir: join(folder, "postgres"), port: address.port, ephemeral: true };
  // Ends the cluster and removes the folder if this process is killed.
  const watchdog = startWatchdog();
  watchdog.removeAtDeath(folder);
  const cluster = await startCluster(options, { log: () => undefined, watchdog });
  try {
    await prepareDatabase(address, join(ROOT, "supabase/migrations"));
    return await work(`${databaseUrl(address)}?sslmode=disable`);
  } finally {
    await cluster.stop();
    watchdog.keep(folder);
    await watchdog.close();
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { "db-url": { type: "string" } } });
  const allowed = AllowList.parse(JSON.parse(readFileSync(join(ROOT, ALLOW_LIST), "utf8")));
  const folder = mkdtempSync(join(tmpdir(), "switchyard-advisors-"));
  // Under root Postgres runs as another user, who must be able to pass through this folder.
  chmodSync(folder, 0o711);
  try {
    const given = values["db-url"];
    const found = given
      ? await runAdvisors(given, folder)
      : await withFreshDatabase(folder, (url) => runAdvisors(url, folder));
    const faults = compareFindings(found, allowed);
    for (const { lint, object } of found) console.log(`  ${lint} ${object}`);
    for (const fault of faults) console.error(fault);
    console.log(`check:advisors: ${found.length} findings, ${allowed.length} allowed, ${faults.length} faults`);
    process.exitCode = faults.length > 0 ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
