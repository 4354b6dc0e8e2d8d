// `npm run dev`: starts the stack, prints how to use it, and keeps it running until a signal or a failure.
import { join } from "node:path";
import { runDev } from "./dev-command.ts";
import { startStack } from "./mod.ts";

if (import.meta.main) {
  process.exitCode = await runDev({
    args: process.argv.slice(2),
    env: process.env,
    start: startStack,
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    demoUserFile: (dataDir) => join(dataDir, "keys", "demo_user.json"),
    untilSignal: () =>
      new Promise((resolve) => {
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve(signal));
      }),
  });
}
