// Every size, count and deadline of the contract, with its unit and the reason for its value. Pure.

/** Commands: how long the caller is willing to wait for the *start* (and, by default, for the answer). */
export const COMMAND_TIMEOUT_DEFAULT_MS = 10_000;
export const COMMAND_TIMEOUT_MIN_MS = 500;
/** Hosted functions must answer within 150 s and gateways in front of them often cut at 30 s. */
export const COMMAND_TIMEOUT_MAX_MS = 25_000;

/** Connect and switch include a real login, which takes 0.5–5 s and up to 30 s at a slow broker. */
export const LOGIN_TIMEOUT_DEFAULT_MS = 30_000;
export const LOGIN_TIMEOUT_MAX_MS = 45_000;

/** Reads: how old an answer may be, and how long the terminal may take for a fresh one. */
export const MAX_AGE_DEFAULT_MS = 2_000;
export const MAX_AGE_MAX_MS = 60_000;
export const READ_TIMEOUT_MS = 15_000;

/** HTTP bodies: the largest honest one is a connect with risk limits, about 12 KiB. */
export const MAX_BODY_BYTES = 16 * 1024;
/** `POST /internal/results` carries a batch from the worker's outbox. */
export const MAX_RESULTS_BODY_BYTES = 256 * 1024;
export const MAX_RESULTS_PER_POST = 50;

/** Link frames, in bytes of UTF-8: two tokens of at most 8 KiB and a body of at most 32 KiB, as JSON. */
export const MAX_CALL_FRAME_BYTES = 64 * 1024;
/** Answers carry lists: 1,000 positions are about 400 KiB. Reads are cut by MAX_ROWS before they reach this. */
export const MAX_ANSWER_FRAME_BYTES = 1024 * 1024;
export const MAX_TOKEN_CHARS = 8 * 1024;
export const MAX_CALL_BODY_CHARS = 32 * 1024;
/** An account's limits inside a body, in bytes of JSON: what parses is ASCII, and the database holds no more of it. */
export const MAX_RISK_LIMITS_BYTES = 16 * 1024;
/** The sentence in a failure or a link's error. Who makes a longer one cuts it, or the whole answer is refused. */
export const MAX_DETAIL_CHARS = 500;
/** Rows of one list answer (positions, orders). */
export const MAX_ROWS = 1_000;
/** Rows of one page of history, and the longest period that is looked through for it. */
export const HISTORY_PAGE_DEFAULT = 100;
export const HISTORY_PAGE_MAX = 500;
export const HISTORY_DEFAULT_MS = 24 * 60 * 60 * 1000;
export const HISTORY_MAX_MS = 92 * 24 * 60 * 60 * 1000;

/** A command or read envelope and a link ticket die this long after they were signed. */
export const ENVELOPE_LIFE_S = 30;
/** Wall clocks of function and worker may differ by this much; they are compared only to refuse. */
export const CLOCK_TOLERANCE_S = 30;

/** The worker admits a command (or says why not) within this time, or the function opens another link and asks again. */
export const ACK_TIMEOUT_MS = 1_000;
/** A link idle for longer than this is pinged before use; one older than LINK_MAX_AGE_MS is replaced. */
export const LINK_IDLE_MS = 10_000;
export const LINK_MAX_AGE_MS = 60_000;
/** Opening a link: TCP, TLS, upgrade, welcome. */
export const LINK_OPEN_TIMEOUT_MS = 3_000;
/** Links one worker holds: one per live function isolate, with room for those that died unnoticed. */
export const MAX_LINKS = 2_000;
/** Calls of one link being admitted or read at once (a queued command no longer counts): `too_many_requests` beyond. */
export const MAX_CALLS_PER_LINK = 256;
/** Worker → function WebSocket pings; a link that is silent for a whole interval, pong included, is ended. */
export const LINK_HEARTBEAT_MS = 15_000;

/** The reason of an acknowledgement, in characters: a sentence or two for whoever reads the ledger. */
export const ACKNOWLEDGE_REASON_MAX_CHARS = 500;

/** An accepted command this long past its deadline is shown as `unknown` until the worker says what became of it. */
export const ACCEPTED_GRACE_MS = 5_000;
/** A proof of possession lapses this long after the last successful login with exactly that credential. */
export const PROOF_LIFE_MS = 12 * 60 * 60 * 1000;
