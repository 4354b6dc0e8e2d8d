// Wires the rooms of one worker: journal and vault at the bottom, terminals above them, the scheduler, the link on top.
// Everything outside (clocks, ids, the way to die) is an argument, so that tests can run a whole worker in their process.
import { statSync } from "node:fs";
import { join } from "node:path";
import { realAfter } from "./after.ts";
import { type Config, ConfigError } from "./config.ts";
import { type Journal, openJournal, startCompaction } from "./journal/mod.ts";
import {
  checkKeySet,
  createFunctionKeys,
  createResultSigner,
  createUserTokens,
  describeWorker,
  type LinkServer,
  Outbox,
  startLinkServer,
} from "./link/mod.ts";
import type { Log } from "./log.ts";
import type { TerminalPort } from "./mt5/mod.ts";
import { PRESETS, Scheduler, type SettlePolicy } from "./scheduler/mod.ts";
import { createTerminals } from "./terminal-pool.ts";
import { createAccountAccess, LoginTimes, type TerminalSession } from "./terminals/mod.ts";
import { createVault } from "./vault/mod.ts";
import { VERSION } from "./version.ts";

const ONLY_SHARED_SECRET =
  "holds no ES256 or RS256 key: the project still signs with a shared secret (HS256). Switch it to asymmetric JWT signing keys";
/** Time for started commands to end after SIGTERM: the longest send there is. What is left becomes `unknown`. */
const DRAIN_MS = 40_000;

export type WorkerOptions = {
  config: Config;
  log: Log;
  bootId: string;
  journalPath: string;
  /** `--new-journal`: a person says that the journal is new, or an old copy. */
  newJournal?: boolean;
  now: () => number;
  wallClock: () => number;
  fatal: (error: unknown) => void;
  seams?: Seams;
};

/** Where a test build reaches in: to stop the process at a write, to hold a terminal, to shorten the proof intervals. */
export type Seams = {
  journal?: (journal: Journal) => Journal;
  port?: (port: TerminalPort) => TerminalPort;
  policy?: SettlePolicy;
};

export type Worker = { port: number; stop: () => Promise<void> };

export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { config, log, bootId, now, wallClock, fatal, seams = {} } = options;
  const keySet = await checkKeySet(config.jwksUrl);
  if (keySet === "unreachable") log.warn("worker.auth_unreachable", { url: config.jwksUrl });
  if (keySet === "symmetric") throw new ConfigError([`${config.jwksUrl} ${ONLY_SHARED_SECRET}`]);
  const opened = openJournal({
    ...{
      path: options.journalPath,
      workerId: config.workerId,
      now: wallClock,
      newJournal: options.newJournal ?? false,
      failed: fatal,
    },
    log: log.scope({ room: "journal" }),
  });
  const journal = seams.journal?.(opened) ?? opened;
  const vault = await createVault(config.sealRing);
  const terminals = createTerminals({
    config,
    log,
    owner: bootId,
    now,
    statePath: join(config.dataDir, "paper-broker.json"),
    ...(seams.port === undefined ? {} : { wrapPort: seams.port }),
  });
  const access = createAccountAccess({ journal, vault, times: new LoginTimes(), now, wallClock, after: realAfter });
  const sign = await createResultSigner({ key: config.resultKey, workerId: config.workerId, wallClock });
  const { sessions } = terminals;
  const policy = seams.policy ?? config.settlePolicy;
  const scheduler = new Scheduler({
    sessions,
    journal,
    access,
    sign,
    log,
    now,
    wallClock,
    after: realAfter,
    policy,
    params: PRESETS[config.scheduling].params,
    fatal,
  });
  const recovered = await scheduler.recover();
  const functionKeys = createFunctionKeys({ keys: config.linkKeys, workerId: config.workerId, bootId });
  const userTokens = createUserTokens({ jwksUrl: config.jwksUrl, issuer: config.jwtIssuer });
  const health = () =>
    describeWorker({
      ...{ version: VERSION, plainRpc: config.plainRpc, scheduler, journal, wallClock },
      journalBytes: () => statSync(options.journalPath, { throwIfNoEntry: false })?.size ?? 0,
    });
  const confirmed = (id: string, result: string): void => {
    try {
      journal.confirmDelivery(id, result);
    } catch (error) {
      // Harmless to the result, which would only be told again; but the disk can no longer be trusted.
      fatal(error);
    }
  };
  const link = await startLinkServer({
    host: config.host,
    port: config.port,
    workerId: config.workerId,
    bootId,
    functionKeys,
    peer: {
      proofs: { functionKeys, userTokens, now },
      scheduler,
      sign,
      confirmed,
      health,
      log: log.scope({ room: "link" }),
    },
    log: log.scope({ room: "link" }),
    now,
    wallClock,
  });
  const outbox = new Outbox({
    journal,
    url: config.resultsUrl,
    log: log.scope({ room: "outbox" }),
    now,
    after: realAfter,
  });
  const stopCompaction = startCompaction({
    ...{ journal, after: realAfter, wallClock, fatal },
    log: log.scope({ room: "journal" }),
  });
  outbox.start();
  log.info("worker.ready", {
    port: link.port,
    boot_id: bootId,
    terminals: sessions.map(({ name, kind }) => ({ name, kind })),
    seal_kids: vault.kids,
    recovered,
    plain_rpc: config.plainRpc,
  });
  return {
    port: link.port,
    stop: () => stop({ link, scheduler, outbox, stopCompaction, sessions, journal, log, save: terminals.save }),
  };
}

type Rooms = {
  link: LinkServer;
  scheduler: Scheduler;
  outbox: Outbox;
  stopCompaction: () => void;
  sessions: readonly TerminalSession[];
  journal: Journal;
  log: Log;
  save: () => void;
};

/** From the door inwards: nothing new comes in, what has started ends and is told, then the terminals are let go. */
async function stop({ link, scheduler, outbox, stopCompaction, sessions, journal, log, save }: Rooms): Promise<void> {
  link.stopAccepting();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), DRAIN_MS);
  });
  const drained = await Promise.race([scheduler.drain(), late]);
  clearTimeout(timer);
  if (drained === "late") log.warn("worker.drain_incomplete", { in_flight: scheduler.inFlight });
  await link.close();
  await outbox.stop();
  stopCompaction();
  for (const session of sessions) await session.close();
  save();
  journal.close();
  log.info("worker.stopped");
}
