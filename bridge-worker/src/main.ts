// The bridge worker: reads the configuration, builds the rooms from the ground up, and stops them in reverse on SIGTERM,
// SIGINT or SIGHUP. The only file that touches `process`.
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, readConfig } from "./config.ts";
import { JournalUnusable } from "./journal/mod.ts";
import { createLog, describeError } from "./log.ts";
import { startWorker } from "./worker.ts";

/** Exit codes: 2 the configuration is wrong, 3 the journal cannot be used, 1 anything else. */
const EXIT_CONFIG = 2;
const EXIT_JOURNAL = 3;

const USAGE = `usage: node bridge-worker/src/main.ts [--new-journal]
  --new-journal  once, when there is no journal yet, or the one there is an old copy or damaged (docs/operations.md)`;

async function main(): Promise<void> {
  const newJournal = readFlags(process.argv.slice(2));
  const config = await readConfig(process.env);
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const log = createLog(config.logLevel, config.workerId);
  const starting = startWorker({
    config,
    log,
    bootId: randomUUID(),
    journalPath: join(config.dataDir, "journal.db"),
    newJournal,
    now: () => performance.now(),
    wallClock: () => Date.now(),
    // A journal that cannot be written is the end: nobody may be told anything that is not on the disk.
    fatal: (error) => {
      log.error("worker.fatal", { error: describeError(error) });
      process.exit(EXIT_JOURNAL);
    },
  });
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    log.info("worker.stopping", { signal });
    starting
      .then((worker) => worker.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error("worker.stop_failed", { error: describeError(error) });
          process.exit(1);
        },
      );
  };
  // Before it has started: what is asked to stop in that moment must not die with an order half sent.
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // A terminal window that is closed.
  process.on("SIGHUP", stop);
  await starting;
}

function readFlags(flags: readonly string[]): boolean {
  const unknown = flags.find((flag) => flag !== "--new-journal");
  if (unknown !== undefined) throw new ConfigError([`Unknown option "${unknown}"\n${USAGE}`]);
  return flags.length > 0;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exit(error instanceof ConfigError ? EXIT_CONFIG : error instanceof JournalUnusable ? EXIT_JOURNAL : 1);
}
