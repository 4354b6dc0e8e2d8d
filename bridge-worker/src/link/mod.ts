// Door of the link: the WebSocket server that functions call, the proofs it demands, the results it signs and the outbox
// behind it. Imports the scheduler's door and the journal. Tests: beside the files; frames: docs/protocol.md.
export { describeWorker, type WorkerParts } from "./describe-worker.ts";
export { createFunctionKeys, type FunctionKeys } from "./function-keys.ts";
export { Outbox, type OutboxOptions } from "./outbox.ts";
export { Peer, type PeerDeps } from "./peer.ts";
export { createResultSigner } from "./result-signer.ts";
export { type LinkServer, type LinkServerOptions, startLinkServer } from "./server.ts";
export { checkKeySet, createUserTokens, type UserTokens } from "./user-tokens.ts";
