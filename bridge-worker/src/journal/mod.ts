// Door of the journal: the worker's durable memory (SQLite, full synchronous commits). Imports the shared contract only.
// Tests: beside the files. What survives which crash: docs/reliability.md.

export { type CompactionDeps, startCompaction } from "./compaction.ts";
export type {
  Ending,
  Intent,
  Journal,
  JournalEntry,
  JournalState,
  MarkSurvival,
  OpenIntent,
  ProofKey,
  RiskCounters,
  TagOwner,
} from "./journal.ts";
export { JournalUnusable } from "./journal-unusable.ts";
export { type JournalOptions, openJournal } from "./open-journal.ts";
