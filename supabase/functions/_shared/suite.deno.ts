// The contract's promises under Deno; suite.test.ts runs the very same cases under Node.
import { DomainCases } from "./testdata/domain-cases.ts";
import { ErrorsCases } from "./testdata/errors-cases.ts";
import { LinkCases } from "./testdata/link-cases.ts";
import { RequestCases } from "./testdata/request-cases.ts";

const Rooms = { domain: DomainCases, errors: ErrorsCases, protocol: [...RequestCases, ...LinkCases] };
for (const [room, cases] of Object.entries(Rooms)) {
  for (const { name, run } of cases) Deno.test(`${room}: ${name}`, run);
}
