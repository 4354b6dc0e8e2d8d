// What a link needs from a socket, so that everything above it runs without one.

export type TransportEvents = {
  onText: (text: string) => void;
  /** Once, for whatever reason; nothing comes after it. */
  onClose: (reason: string) => void;
};

export interface BridgeTransport {
  /** False when the socket is known not to be open: then certainly nothing was written. */
  send(text: string): boolean;
  /** Ends it at once; `onClose` follows at the latest when the peer has answered, or never: do not wait for it. */
  close(): void;
}

/** Opens a socket and resolves when the peer has accepted the protocol. Rejects when it does not, or `signal` aborts. */
export type OpenTransport = (
  request: { url: string; protocols: string[]; signal: AbortSignal },
  events: TransportEvents,
) => Promise<BridgeTransport>;
