// One version of everything: package.json, the root deno.json and the function's deno.json name the same exact versions;
// the product's own version stands in package.json and in both runtimes' constants.
import { existsSync, readFileSync } from "node:fs";

type Manifest = { version: string; dependencies: Record<string, string>; devDependencies: Record<string, string> };
type DenoConfig = { imports: Record<string, string> };

/** `npm:/hono@4.13.19/` and `npm:hono@4.13.19` → name and version. */
export function parseNpmSpecifier(specifier: string): { name: string; version: string } | undefined {
  const match = /^npm:\/?((?:@[^/@]+\/)?[^/@]+)@([^/]+)\/?/.exec(specifier);
  return match === null ? undefined : { name: match[1] ?? "", version: match[2] ?? "" };
}

/** Faults of one import map against package.json. */
export function importMapFaults(file: string, map: DenoConfig, manifest: Manifest): string[] {
  return Object.entries(map.imports).flatMap(([key, specifier]) => {
    const parsed = parseNpmSpecifier(specifier);
    if (parsed === undefined) return [`${file}: "${key}" is not an exact npm: import`];
    const expected = manifest.dependencies[parsed.name];
    if (expected === parsed.version) return [];
    return [`${file}: ${parsed.name} is ${parsed.version}, package.json has ${expected ?? "none"}`];
  });
}

if (import.meta.main) {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
  const faults: string[] = [];
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    if (!/^(npm:[^@]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      faults.push(`package.json: ${name} "${version}" is not exact`);
  }
  for (const file of ["deno.json", "supabase/functions/api/deno.json"]) {
    faults.push(...importMapFaults(file, JSON.parse(readFileSync(file, "utf8")) as DenoConfig, manifest));
  }
  for (const file of ["bridge-worker/src/version.ts", "supabase/functions/api/version.ts"]) {
    if (!existsSync(file) || !readFileSync(file, "utf8").includes(`"${manifest.version}"`)) {
      faults.push(`${file} does not name version ${manifest.version}`);
    }
  }
  for (const fault of faults) console.error(fault);
  console.log(`check:versions: ${faults.length} faults`);
  process.exit(faults.length > 0 ? 1 : 0);
}
