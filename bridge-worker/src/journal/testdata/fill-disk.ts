// A process on a disk with a limit: records intents until that fails, printing each number after `recordIntent` has
// returned; then says how it failed, and what the next, smaller write says.
import { openJournal } from "../open-journal.ts";
import { ACCOUNT, intentOf, USER_ID, WORKER_ID } from "./entries.ts";

const lines: string[] = [];
const journal = openJournal({
  ...{ path: process.argv[2] ?? "", workerId: WORKER_ID, now: Date.now, newJournal: true },
  failed: () => lines.push("stop"),
});
try {
  for (let number = 1; ; number++) {
    journal.recordIntent(intentOf(number));
    lines.push(String(number));
  }
} catch (error) {
  lines.push(`failed: ${error instanceof Error ? error.message : ""}`);
}
try {
  journal.prove({ userId: USER_ID, account: ACCOUNT, credentialHash: "hash" }, 1);
  lines.push("then: written");
} catch (error) {
  lines.push(`then: ${error instanceof Error ? error.message : ""}`);
}
process.stdout.write(`${lines.join("\n")}\n`);
