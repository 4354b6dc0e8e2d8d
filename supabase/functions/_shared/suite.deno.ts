// The contract's promises under Deno; suite.test.ts runs the very same cases under Node.
import { DomainCases } from "./testdata/domain-cases.ts";
import { ErrorsCases } from "./testdata/errors-cases.ts";
import { ProtocolCases } from "./testdata/protocol-cases.ts";

for (const [room, cases] of Object.entries({ domain: DomainCases, errors: ErrorsCases, protocol: ProtocolCases })) {
  for (const { name, run } of cases) Deno.test(`${room}: ${name}`, run);
}
