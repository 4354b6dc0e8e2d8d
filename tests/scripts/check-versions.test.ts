// The version check reads npm specifiers as Deno writes them and compares them exactly.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { importMapFaults, parseNpmSpecifier } from "../../scripts/check-versions.ts";

describe("parseNpmSpecifier", () => {
  const cases: [string, { name: string; version: string } | undefined][] = [
    ["npm:zod@4.6.7", { name: "zod", version: "4.6.7" }],
    ["npm:/hono@4.13.19/", { name: "hono", version: "4.13.19" }],
    ["npm:hono@4.13.19/cors", { name: "hono", version: "4.13.19" }],
    ["npm:@hono/zod-openapi@1.6.3", { name: "@hono/zod-openapi", version: "1.6.3" }],
    ["npm:zod", undefined],
    ["jsr:@std/assert@1.0.0", undefined],
    ["https://esm.sh/zod@4.6.7", undefined],
    ["./local.ts", undefined],
  ];
  for (const [specifier, expected] of cases) {
    it(`reads ${specifier}`, () => assert.deepStrictEqual(parseNpmSpecifier(specifier), expected));
  }
});

describe("importMapFaults", () => {
  const manifest = { version: "0.1.0", dependencies: { zod: "4.6.7" }, devDependencies: { pg: "8.0.0" } };
  const faultsOf = (imports: Record<string, string>): string[] => importMapFaults("deno.json", { imports }, manifest);

  it("has none for the same version", () => assert.deepStrictEqual(faultsOf({ zod: "npm:zod@4.6.7" }), []));

  it("names another version, a range, a package that is missing or for development only, and what is not npm", () => {
    for (const specifier of ["npm:zod@4.6.8", "npm:zod@^4.6.7", "npm:jose@6.0.0", "npm:pg@8.0.0", "jsr:@a/b@1.0.0"]) {
      const [fault, ...more] = faultsOf({ key: specifier });
      assert.match(fault ?? "", /^deno\.json: /, specifier);
      assert.deepStrictEqual(more, []);
    }
  });
});
