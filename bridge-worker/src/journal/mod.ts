// Door of the journal: the worker's durable memory (SQLite, full synchronous commits). Imports the shared contract only.
// Tests: beside the files. What survives which crash: docs/reliability.md.
export type {
  Ending,
  Intent,
  Journal,
  JournalEntry,
  JournalState,
  ProofKey,
  RiskCounters,
  TagOwner,
} from "./journal.ts";
export { type JournalOptions, JournalUnusable, openJournal } from "./sqlite-journal.ts";
