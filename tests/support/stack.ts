// The whole stack for an end-to-end test file: real Postgres, real Deno, real WebSocket, the worker's own process.
import { freePort, type Stack, type StackOptions, startStack } from "../../local-stack/mod.ts";
import { isDenoVersion } from "../../scripts/deno.ts";

export type TestStack = Stack & {
  /** Everything that any part of the stack printed. */
  output(): string;
};

/** Ephemeral, on free ports. `DENO_VERSION=current` runs the function on the newer Deno. A part that dies fails loudly. */
export async function startTestStack(options: StackOptions = {}): Promise<TestStack> {
  const lines: string[] = [];
  const wanted = process.env.DENO_VERSION ?? "2.1.4";
  if (!isDenoVersion(wanted)) throw new Error(`DENO_VERSION=${wanted} is not a Deno of this project`);
  const stack = await startStack({
    ephemeral: true,
    port: await freePort(),
    dbPort: await freePort(),
    workerPort: await freePort(),
    deno: wanted,
    log: (line) => lines.push(line),
    ...options,
  });
  stack.onFailure((part, why) => {
    process.stderr.write(`the stack's ${part} ended: ${why}\n${lines.slice(-30).join("\n")}\n`);
    process.exitCode = 1;
  });
  return {
    get info() {
      return stack.info;
    },
    parts: stack.parts,
    onFailure: (callback) => stack.onFailure(callback),
    stop: () => stack.stop(),
    output: () => lines.join("\n"),
  };
}

/** Asks again until the condition holds. For states that no event announces; `what` is the failure's message. */
export async function until(what: string, condition: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
