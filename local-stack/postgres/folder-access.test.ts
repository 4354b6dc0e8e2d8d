// Which folder keeps a user out, as a table.
import assert from "node:assert/strict";
import { test } from "node:test";
import { closedFolder, type FolderFacts } from "./folder-access.ts";

const NOBODY = { uid: 65534, gid: 65534 };

function folders(facts: Record<string, Partial<FolderFacts>>): (path: string) => FolderFacts {
  return (path) => ({ mode: 0o755, uid: 0, gid: 0, ...facts[path] });
}

test("closedFolder() finds nothing on an open way", () => {
  assert.equal(closedFolder("/a/b", NOBODY, folders({})), undefined);
});

test("closedFolder() names the topmost closed folder, the root and the path itself included", () => {
  assert.equal(closedFolder("/a/b/c", NOBODY, folders({ "/a": { mode: 0o700 }, "/a/b": { mode: 0o700 } })), "/a");
  assert.equal(closedFolder("/a/b", NOBODY, folders({ "/a/b": { mode: 0o754 } })), "/a/b");
  assert.equal(closedFolder("/a", NOBODY, folders({ "/": { mode: 0o750 } })), "/");
});

test("closedFolder() uses the bit of the class the user is in", () => {
  assert.equal(closedFolder("/a", NOBODY, folders({ "/a": { mode: 0o700, uid: 65534 } })), undefined);
  assert.equal(closedFolder("/a", NOBODY, folders({ "/a": { mode: 0o655, uid: 65534 } })), "/a");
  assert.equal(closedFolder("/a", NOBODY, folders({ "/a": { mode: 0o710, gid: 65534 } })), undefined);
  assert.equal(closedFolder("/a", NOBODY, folders({ "/a": { mode: 0o701, gid: 65534 } })), "/a");
});
