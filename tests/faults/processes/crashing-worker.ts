// The bridge worker as a test starts it: everything of production's main.ts, with proof intervals a hundred times shorter
// and a halt at whatever point the control folder names. Production has no such hook.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { readConfig } from "../../../bridge-worker/src/config.ts";
import { createLog, describeError } from "../../../bridge-worker/src/log.ts";
import { startWorker } from "../../../bridge-worker/src/worker.ts";
import { CONTROL_VARIABLE, isNewJournal, stopsAt } from "./crash-points.ts";
import { crashSeams } from "./crash-seams.ts";

const control = process.env[CONTROL_VARIABLE];
if (control === undefined) throw new Error(`${CONTROL_VARIABLE} is missing`);
const config = await readConfig(process.env);
const log = createLog(config.logLevel, config.workerId);
const worker = await startWorker({
  config,
  log,
  bootId: randomUUID(),
  journalPath: join(config.dataDir, "journal.db"),
  newJournal: isNewJournal(control),
  now: () => performance.now(),
  wallClock: () => Date.now(),
  fatal: (error) => {
    log.error("worker.fatal", { error: describeError(error) });
    process.exit(3);
  },
  seams: crashSeams(stopsAt(control)),
});
process.once("SIGTERM", () => void worker.stop().then(() => process.exit(0)));
