// A supervisor that waits to be killed: two parts, one of them deaf to SIGTERM, and a folder to remove. Prints the pids.
import { startPart } from "../child-process.ts";
import { startWatchdog } from "../watchdog.ts";

const [, , folder = ""] = process.argv;
const watchdog = startWatchdog();
watchdog.removeAtDeath(folder);
const command = {
  file: process.execPath,
  env: {},
  readyLimitMs: 20_000,
  stopLimitMs: 1000,
  ready: ({ line }: { line: (pattern: RegExp) => Promise<void> }) => line(/ready/),
};
const hooks = { log: () => undefined, watchdog };
const deaf = "process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)";
const polite = "console.log('ready'); setInterval(() => {}, 1000)";
const one = await startPart({ ...command, name: "deaf", args: ["-e", deaf] }, hooks);
const two = await startPart({ ...command, name: "polite", args: ["-e", polite] }, hooks);
process.stdout.write(`${JSON.stringify([one.pid, two.pid])}\n`);
