// What a connection needs of a socket, so that everything above it can be tested without one. Pure.

export type TransportEvents = {
  data(chunk: Uint8Array): void;
  /** Once: the peer ended the stream, or the socket failed with `error`. Not after `end()` or `reset()` of this side. */
  closed(error: Error | undefined): void;
};

export interface ByteTransport {
  /** Begins delivery. Nothing that arrived before is lost. */
  start(events: TransportEvents): void;
  /** Queues bytes; after the end it does nothing. */
  write(bytes: Uint8Array): void;
  /** Sends what is queued, then closes. The server still carries out every request it received. */
  end(): void;
  /** Closes with a TCP reset: requests that wait behind the running one are not carried out. */
  reset(): void;
}
