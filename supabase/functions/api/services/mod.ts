// Door of the use cases: one per file, plus the pure decisions they share. They see the database, the workers and the
// keys through interfaces only, and know nothing of HTTP but the status of a stored answer. Tests: beside the files.
export * from "./account-answers.ts";
export * from "./acknowledge-command.ts";
export * from "./cancel-command.ts";
export * from "./change-accounts.ts";
export * from "./check-health.ts";
export * from "./connect-account.ts";
export * from "./context.ts";
export * from "./fingerprint.ts";
export * from "./history-page.ts";
export * from "./idempotency-key.ts";
export * from "./list-commands.ts";
export * from "./read-account.ts";
export * from "./read-command.ts";
export * from "./read-status.ts";
export * from "./receive-results.ts";
export * from "./replace-password.ts";
export * from "./submit-command.ts";
export * from "./switch-account.ts";
