// The limits of the RPyC client, each with its unit. Pure.

/** Largest payload, in bytes as sent, that a frame may announce or carry. The format itself would allow 4 GiB. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** Largest payload in bytes after inflating: a few kilobytes of zlib can stand for gigabytes. */
export const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

/** How deep values and boxes may nest, in levels: reading recurses, and the peer chooses the nesting. */
export const MAX_VALUE_DEPTH = 100;

/** Values in one message, nested ones included. Bulk data travels as one `bytes` value, not as millions of items. */
export const MAX_MESSAGE_ITEMS = 1_000_000;

/** Decimal digits of one int: Python itself refuses more, and drops the connection instead of answering. */
export const MAX_INT_DIGITS = 4300;

/** Calls waiting for a reply on one connection. The server works on one at a time; more only hides a queue. */
export const MAX_PENDING_CALLS = 1024;

/** Longest accepted time-out in milliseconds: above it `setTimeout` wraps round and fires at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Characters of an exception's arguments that go into `RemoteError.message`. */
export const MAX_REMOTE_MESSAGE_CHARS = 500;

/** Idle time in milliseconds before TCP keep-alive probes start: the server never probes by itself. */
export const KEEP_ALIVE_DELAY_MS = 15_000;

/** Time in milliseconds a polite close may take to get its last bytes out before the socket is reset. */
export const CLOSE_GRACE_MS = 2_000;
