// `npm run ok`: the gate. Formatting, lint, types in Node and in both Denos, the checks, then every test.
import { spawnSync } from "node:child_process";
import { denoBinary } from "./deno.ts";

const FUNCTION = "supabase/functions/api/index.ts";
const node = (script: string): [string, string[]] => [process.execPath, [script]];

const Steps: readonly [name: string, command: string, args: string[]][] = [
  ["format", "biome", ["format", "."]],
  ["lint", "biome", ["lint", "--error-on-warnings", "."]],
  ["types: Node", "tsc", ["-p", "tsconfig.json"]],
  ["types: Deno 2.1.4", denoBinary("2.1.4"), ["check", FUNCTION]],
  ["types: Deno current", denoBinary("current"), ["check", FUNCTION]],
  ["imports", ...node("scripts/check-imports.ts")],
  ["versions", ...node("scripts/check-versions.ts")],
  ["errors", ...node("scripts/check-errors.ts")],
  ["secrets", ...node("scripts/check-secrets.ts")],
  ["advisors", ...node("scripts/check-advisors.ts")],
  ["tests", ...node("scripts/test.ts")],
];

for (const [name, command, args] of Steps) {
  console.log(`\n▶ ${name}`);
  const started = performance.now();
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error !== undefined) console.error(error.message);
  if (status !== 0) {
    console.error(`✖ ${name}`);
    process.exit(1);
  }
  console.log(`✔ ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
