// Door of the terminals: sessions (one per terminal), what keeps them well, and the way onto an account. Imports the vault,
// the journal and the terminal port. Callers hold a session for one job at a time. Tests: beside the files.
export { type AccessReply, type AccountAccess, type Claim, createAccountAccess } from "./account-access.ts";
export { isSameServer, isSameSpelled, mayLogIn, serves, type TerminalLimits, UNLIMITED } from "./limits.ts";
export { LoginTimes } from "./login-times.ts";
export { Neighbours } from "./neighbours.ts";
export { isSilent, type QuarantineReason } from "./quarantine.ts";
export { type RunCommand, runRecycleCommand } from "./recycle-command.ts";
export { type KeeperOptions, keepTerminal } from "./terminal-keeper.ts";
export { type SessionOptions, type TerminalHealth, TerminalSession } from "./terminal-session.ts";
export { NEXT_STATES, type TerminalState } from "./terminal-state.ts";
