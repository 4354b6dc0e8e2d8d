// Builds the real parts from a checked configuration. What differs between runtimes (socket, log writer, staying alive)
// is handed in by the entry.
import { createBridge, DefaultBridgeLimits, type OpenTransport, realAfter } from "./bridge/mod.ts";
import type { Config } from "./config.ts";
import {
  createEnvelopeSigner,
  createResultVerifier,
  createSealer,
  createTicketSigner,
  createUserTokenVerifier,
  sha256Base64url,
  type VerifyUserToken,
} from "./crypto/mod.ts";
import { createDatabase, createSqlClient } from "./db/mod.ts";
import type { Log } from "./log.ts";
import type { Clock, ServiceContext } from "./services/mod.ts";

export type Deps = {
  services: ServiceContext;
  clock: Clock;
  verifyUserToken: VerifyUserToken;
  corsOrigins: "*" | string[];
  /** Holds the isolate until the promise settles; the promise never rejects. */
  keepAlive: (promise: Promise<unknown>) => void;
  /** Closes the links. The edge never does; whoever embeds the app may. */
  close: () => void;
};

export type Surroundings = {
  log: Log;
  clock: Clock;
  newId: () => string;
  openTransport: OpenTransport;
  keepAlive: Deps["keepAlive"];
};

export function buildDeps(config: Config, { log, clock, newId, openTransport, keepAlive }: Surroundings): Deps {
  const { supabaseUrl: url, secretKey, publishableKey, workers, linkPrivateKey } = config;
  const verifyResult = createResultVerifier(workers);
  const bridge = createBridge({
    workers,
    openTransport,
    signEnvelope: createEnvelopeSigner(linkPrivateKey),
    signTicket: createTicketSigner(linkPrivateKey),
    verifyResult,
    hash: sha256Base64url,
    newId,
    ...clock,
    after: realAfter,
    limits: DefaultBridgeLimits,
    onFault: (workerId, error) => log.error("link.fault", { workerId, error }),
  });
  const services: ServiceContext = {
    db: createDatabase(createSqlClient({ url, secretKey, publishableKey })),
    bridge,
    sealPassword: createSealer(workers),
    verifyResult,
    workerIds: workers.map(({ id }) => id),
    clock,
    newId,
    log,
  };
  const verifyUserToken = createUserTokenVerifier({ jwksUrl: config.jwksUrl, issuer: config.jwtIssuer });
  return {
    services,
    clock,
    verifyUserToken,
    corsOrigins: config.corsOrigins,
    keepAlive,
    close: () => bridge.close(),
  };
}
