// A process to be killed: opens the journal named by its argument and records intents for ever, printing each id after
// `recordIntent` has returned. A printed id is a promise.
import { writeSync } from "node:fs";
import { openJournal } from "../open-journal.ts";
import { endingOf, intentOf, WORKER_ID } from "./entries.ts";

const journal = openJournal({ path: process.argv[2] ?? "", workerId: WORKER_ID, now: Date.now, newJournal: true });
for (let number = 1; ; number++) {
  const intent = intentOf(number);
  journal.recordIntent(intent);
  writeSync(1, `intent ${intent.id}\n`);
  // Every second command ends before the next begins, so that the kill may fall on either kind of write.
  if (number % 2 !== 0) continue;
  journal.recordEnding(endingOf(number, `result ${number}`));
  writeSync(1, `ending ${intent.id}\n`);
}
