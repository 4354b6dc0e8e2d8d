// Which folder on the way to a path keeps an unprivileged user out. Pure: what the folders look like is an argument.
// Postgres refuses to run as root, so under root it runs as another user, who must be able to enter every folder above
// its programs and its data. The system's own message for that is a bare EACCES without the folder's name.
import { dirname, resolve } from "node:path";

export type FolderFacts = { mode: number; uid: number; gid: number };

const OWNER_ENTER = 0o100;
const GROUP_ENTER = 0o010;
const OTHER_ENTER = 0o001;

/** The topmost folder at or above `path` that (uid, gid) may not enter, or undefined when the way is open. */
export function closedFolder(
  path: string,
  user: { uid: number; gid: number },
  factsOf: (folder: string) => FolderFacts,
): string | undefined {
  return foldersAbove(path).find((folder) => {
    const { mode, uid, gid } = factsOf(folder);
    if (uid === user.uid) return (mode & OWNER_ENTER) === 0;
    if (gid === user.gid) return (mode & GROUP_ENTER) === 0;
    return (mode & OTHER_ENTER) === 0;
  });
}

/** `/a/b/c` → `/`, `/a`, `/a/b`, `/a/b/c`. */
function foldersAbove(path: string): string[] {
  const absolute = resolve(path);
  const parent = dirname(absolute);
  return parent === absolute ? [absolute] : [...foldersAbove(parent), absolute];
}
