// The contract's promises under Node; suite.deno.ts runs the very same cases under Deno.
import { describe, it } from "node:test";
import { DomainCases } from "./testdata/domain-cases.ts";
import { ErrorsCases } from "./testdata/errors-cases.ts";
import { LinkCases } from "./testdata/link-cases.ts";
import { RequestCases } from "./testdata/request-cases.ts";

const Rooms = { domain: DomainCases, errors: ErrorsCases, protocol: [...RequestCases, ...LinkCases] };
for (const [room, cases] of Object.entries(Rooms)) {
  describe(room, () => {
    for (const { name, run } of cases) it(name, run);
  });
}
