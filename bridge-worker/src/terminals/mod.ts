// Door of the terminals: sessions (one per terminal) and the way onto an account. Imports the vault, the journal and the
// terminal port. Callers hold a session for one job at a time. Tests: beside the files.
export { type AccessReply, type AccountAccess, type Claim, createAccountAccess } from "./account-access.ts";
export { LoginTimes } from "./login-times.ts";
export { type SessionOptions, type SessionState, TerminalSession } from "./terminal-session.ts";
