// Door of the scheduler: takes calls whose proofs are checked, runs them on terminals one at a time per terminal, and
// knows what became of every id. Imports the journal, the terminals, mt5 and the risk limits. Start reading at
// run-command.ts. Tests: beside the files.
export type { CommandCall, CommandEvent, CommandQuestion, ReadCall, Subscriber } from "./calls.ts";
export type { SignResult } from "./ending-writer.ts";
export { type PolicyParams, PRESETS, type PresetName } from "./policy/params.ts";
export { Scheduler, type SchedulerDeps } from "./scheduler.ts";
export { SETTLE_POLICY, type SettlePolicy } from "./settle-policy.ts";
