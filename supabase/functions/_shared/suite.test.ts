// The contract's promises under Node; suite.deno.ts runs the very same cases under Deno.
import { describe, it } from "node:test";
import { DomainCases } from "./testdata/domain-cases.ts";
import { ErrorsCases } from "./testdata/errors-cases.ts";
import { ProtocolCases } from "./testdata/protocol-cases.ts";

for (const [room, cases] of Object.entries({ domain: DomainCases, errors: ErrorsCases, protocol: ProtocolCases })) {
  describe(room, () => {
    for (const { name, run } of cases) it(name, run);
  });
}
