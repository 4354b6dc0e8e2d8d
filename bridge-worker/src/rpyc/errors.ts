// The failures this room reports about itself and the wire (what the server's Python raised is in remote-error.ts). Pure.

/** What was wrong with the bytes: not decodable, over a limit, in the other dialect, or with thread ids in front. */
export type ViolationKind = "malformed" | "too_large" | "foreign_dialect" | "thread_binding";

/** The peer sent something that is no valid RPyC. The connection is reset: after it, byte positions mean nothing. */
export class ProtocolViolation extends Error {
  override readonly name = "ProtocolViolation";
  readonly kind: ViolationKind;

  constructor(kind: ViolationKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * - `unreachable`: no TCP connection came up, so nothing was sent
 * - `tls`: the TLS layer refused; nothing reached Python
 * - `not_sent`: the call came after the end of the connection and never left this process
 * - `lost`: end of stream, reset or another socket error; what was sent may have run
 * - `closed_by_peer`: the server sent a CLOSE request
 * - `closed_here`: `close()` or `reset()` was called while the call was waiting; it may have run
 * - `timeout`: see {@link RpcTimeout}
 */
export type LossKind = "unreachable" | "tls" | "not_sent" | "lost" | "closed_by_peer" | "closed_here" | "timeout";

/** There is no connection (any more). Only `unreachable`, `tls` and `not_sent` prove that the call did not run. */
export class ConnectionLost extends Error {
  override readonly name: string = "ConnectionLost";
  readonly kind: LossKind;

  constructor(kind: LossKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** No answer in time. The server knows no cancel, so the call may still be running there, or have run. */
export class RpcTimeout extends ConnectionLost {
  override readonly name: string = "RpcTimeout";

  constructor(message: string, options?: ErrorOptions) {
    super("timeout", message, options);
  }
}
