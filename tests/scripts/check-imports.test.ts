// The import check finds every form of an import.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { importsOf } from "../../scripts/check-imports.ts";

const FILE = "bridge-worker/src/link/server.ts";

describe("importsOf", () => {
  const cases: [string, { to: string; typeOnly: boolean }[]][] = [
    [`import { a } from "./peer.ts";`, [{ to: "bridge-worker/src/link/peer.ts", typeOnly: false }]],
    [`import type { A } from "../journal/mod.ts";`, [{ to: "bridge-worker/src/journal/mod.ts", typeOnly: true }]],
    [`export * from "../log.ts";`, [{ to: "bridge-worker/src/log.ts", typeOnly: false }]],
    [`export type { A } from "./a.ts";`, [{ to: "bridge-worker/src/link/a.ts", typeOnly: true }]],
    [`import "./side-effect.ts";`, [{ to: "bridge-worker/src/link/side-effect.ts", typeOnly: false }]],
    [`const a = await import("./late.ts");`, [{ to: "bridge-worker/src/link/late.ts", typeOnly: false }]],
    [`import {\n  a,\n  type B,\n} from "./many.ts";`, [{ to: "bridge-worker/src/link/many.ts", typeOnly: false }]],
    [`import { z } from "zod";`, [{ to: "zod", typeOnly: false }]],
    [`import a from "jsr:@std/a";`, [{ to: "jsr:@std/a", typeOnly: false }]],
    [`const text = "no import";`, []],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepStrictEqual(importsOf(FILE, text), expected));
  }

  it("reads all of them, in their order", () => {
    const text = `// about\nimport { a } from "./a.ts";\nimport type { B } from "./b.ts";\n\nexport { c } from "./c.ts";\n`;
    assert.deepStrictEqual(
      importsOf(FILE, text).map(({ to }) => to.split("/").at(-1)),
      ["a.ts", "b.ts", "c.ts"],
    );
  });
});
