// Runs one of the two pinned Denos: `node scripts/deno.ts 2.1.4 check …` (what Supabase's edge runtime is compatible
// with) or `node scripts/deno.ts current …`. Calls the platform binary itself, so neither npm's shim nor PATH decides.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export const DENO_PACKAGES = { "2.1.4": "deno", current: "deno-current" } as const;
export type DenoVersion = keyof typeof DENO_PACKAGES;

export function isDenoVersion(text: string): text is DenoVersion {
  return Object.hasOwn(DENO_PACKAGES, text);
}

/** Path of the Deno executable that `npm ci` brought for this platform. Throws when the platform has none. */
export function denoBinary(version: DenoVersion): string {
  const root = createRequire(import.meta.url);
  const shim = dirname(root.resolve(`${DENO_PACKAGES[version]}/package.json`));
  const platform = `${process.platform}-${process.arch}${process.platform === "linux" ? "-glibc" : ""}`;
  const binary = dirname(createRequire(join(shim, "package.json")).resolve(`@deno/${platform}/package.json`));
  return join(binary, process.platform === "win32" ? "deno.exe" : "deno");
}

if (import.meta.main) {
  const [version = "", ...args] = process.argv.slice(2);
  if (!isDenoVersion(version)) {
    console.error(`usage: node scripts/deno.ts ${Object.keys(DENO_PACKAGES).join("|")} <deno arguments>`);
    process.exit(2);
  }
  const child = spawn(denoBinary(version), args, { stdio: "inherit" });
  child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
