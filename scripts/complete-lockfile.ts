// Makes package-lock.json whole for every platform. npm leaves out optional platform packages that the registry at
// hand does not carry, and `npm ci` then refuses the lockfile elsewhere ("Missing: … from lock file"). Each optional
// dependency without an entry gets one, with os/cpu/libc read from its name. Run after every change of dependencies.
import { readFileSync, writeFileSync } from "node:fs";

type Entry = {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
};

const OPERATING_SYSTEMS: Record<string, string> = { windows: "win32" };

/** `@deno/linux-arm64-glibc` → os linux, cpu arm64, libc glibc. Words that name no platform are ignored. */
export function platformOf(name: string): Pick<Entry, "os" | "cpu" | "libc"> {
  const words = name.split(/[/-]/);
  const os = words.find((word) => ["linux", "darwin", "win32", "windows", "android"].includes(word));
  const cpu = words.find((word) => ["x64", "arm64"].includes(word));
  const libc = words.find((word) => ["glibc", "musl"].includes(word));
  return {
    ...(os ? { os: [OPERATING_SYSTEMS[os] ?? os] } : {}),
    ...(cpu ? { cpu: [cpu] } : {}),
    ...(libc ? { libc: [libc] } : {}),
  };
}

/** The entry that `name`, required by the package at `owner`, resolves to by node's walk up the folders. */
function lockedEntry(packages: Record<string, Entry>, owner: string, name: string): Entry | undefined {
  for (let base = owner; ; ) {
    const entry = packages[`${base ? `${base}/` : ""}node_modules/${name}`];
    if (entry !== undefined || base === "") return entry;
    const parent = base.lastIndexOf("/node_modules/");
    base = parent < 0 ? "" : base.slice(0, parent);
  }
}

if (import.meta.main) {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, Entry> };
  const packages = lock.packages;
  let added = 0;
  for (const [owner, entry] of Object.entries({ ...packages })) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const locked = lockedEntry(packages, owner, name);
      if (locked !== undefined && (locked.version === version || version.includes("^"))) continue;
      // Two majors of one package (both Denos) may want different versions of the same name: nest the second.
      const top = `node_modules/${name}`;
      const path = packages[top] === undefined ? top : `${owner}/${top}`;
      packages[path] = { version, ...platformOf(name), ...(entry.dev ? { dev: true } : {}), optional: true };
      added++;
    }
  }
  lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: ${added} platform packages added`);
}
