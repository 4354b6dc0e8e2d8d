// The one way to start the whole stack with the project's own worker and function.
import type { StackOptions } from "./options.ts";
import { switchyardParts } from "./stack-parts.ts";
import { type Stack, superviseStack } from "./supervisor.ts";

/** Starts Postgres, gateway, worker and function; rejects, with everything stopped again, if one of them does not. */
export function startStack(options: StackOptions): Promise<Stack> {
  return superviseStack(options, switchyardParts);
}
