// Starts the local stack in order (Postgres, database, gateway, worker, function), watches it, stops it in reverse.
//
// A part that ends without having been asked to is a failure: it is reported, and everything else is stopped. What was
// asked for through `Part.kill` or `Part.restart` is not. If this very process dies, the watchdog ends the rest.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describeExit, type Part, type PartHooks, startPart } from "./child-process.ts";
import { databaseUrl, prepareDatabase } from "./database.ts";
import { startGateway } from "./gateway/mod.ts";
import { loadProjectKeys } from "./keys.ts";
import type { StackOptions } from "./options.ts";
import { freePort } from "./ports.ts";
import { startCluster } from "./postgres/mod.ts";
import type { PartContext, StackParts } from "./stack-parts.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

export const DEFAULT_PORTS = { gateway: 54_321, postgres: 54_322, worker: 54_330 } as const;
/** The one function of this project. */
const FUNCTION_NAME = "api";
const ROOT = resolve(import.meta.dirname, "..");

export type StackInfo = {
  api_url: string;
  anon_key: string;
  service_role_key: string;
  publishable_key: string;
  secret_key: string;
  db_url: string;
  worker_url: string;
  jwks_url: string;
  pid: number;
  worker_pid: number;
  data_dir: string;
};

export interface Stack {
  /** Read at the moment of asking: `worker_pid` changes with a restart. */
  readonly info: StackInfo;
  readonly parts: { postgres: Part; worker: Part; function: Part };
  /** Called once, with the name of the part that failed and why; the rest is being stopped. At once if that was before. */
  onFailure(callback: (part: string, why: string) => void): void;
  /** Stops everything, in reverse order; safe to repeat. Resolves when nothing is left running. */
  stop(): Promise<void>;
}

/** Starts everything. Rejects, with everything stopped again, if a part does not start. */
export async function superviseStack(options: StackOptions, parts: StackParts): Promise<Stack> {
  const log = options.log ?? (() => undefined);
  const undo = new UndoList();
  const failure = new Failure();
  const hooksFor = (name: string, watchdog: Watchdog): PartHooks => ({
    log,
    watchdog,
    onUnexpectedExit: (exit) => {
      const why = describeExit(exit);
      log(`[stack] ${name} ended unexpectedly: ${why}`);
      failure.report(name, why);
      undo.run().catch((error: unknown) => log(`[stack] ${String(error)}`));
    },
  });
  try {
    const watchdog = startWatchdog();
    undo.add(() => watchdog.close());
    const dataDir = prepareDataDir(options, watchdog, undo);
    const keyDir = join(dataDir, "keys");
    await parts.prepareKeys(keyDir);
    const keys = await loadProjectKeys(keyDir);

    const dbPort = await freePort(options.dbPort ?? DEFAULT_PORTS.postgres);
    const database = { port: dbPort, database: "postgres" };
    const cluster = { dataDir: join(dataDir, "postgres"), port: dbPort, ephemeral: options.ephemeral ?? false };
    const postgres = await startCluster(cluster, hooksFor("postgres", watchdog));
    undo.add(() => postgres.stop());
    const applied = await prepareDatabase(database, options.migrationsDir ?? join(ROOT, "supabase", "migrations"));
    for (const file of applied) log(`[stack] applied ${file}`);

    failure.throwIfReported();
    const functionPort = await freePort();
    const gateway = await startGateway({
      port: await freePort(options.port ?? DEFAULT_PORTS.gateway),
      database,
      keys,
      functionTarget: () => ({ name: FUNCTION_NAME, port: functionPort }),
      log,
    });
    undo.add(() => gateway.close());

    const workerPort = await freePort(options.workerPort ?? DEFAULT_PORTS.worker);
    const context: PartContext = {
      ...{ options, dataDir, keyDir, keys: keys.api, apiUrl: gateway.url },
      ...{ workerPort, functionPort },
    };
    const worker = await startPart(parts.worker(context), hooksFor("worker", watchdog));
    undo.add(() => worker.stop());
    failure.throwIfReported();
    const edge = await startPart(parts.function(context), hooksFor("function", watchdog));
    undo.add(() => edge.stop());
    failure.throwIfReported();

    return {
      get info() {
        return {
          api_url: gateway.url,
          ...keys.api,
          db_url: databaseUrl(database),
          worker_url: `http://127.0.0.1:${workerPort}`,
          jwks_url: `${gateway.url}/auth/v1/.well-known/jwks.json`,
          pid: process.pid,
          worker_pid: worker.pid,
          data_dir: dataDir,
        };
      },
      parts: { postgres, worker, function: edge },
      onFailure: (callback) => failure.subscribe(callback),
      stop: () => undo.run(),
    };
  } catch (error) {
    await undo.run();
    // A part that dies takes the one that is being started with it: the first death is the reason.
    failure.throwIfReported();
    throw error;
  }
}

/** The data folder's absolute path. A throw-away one goes at the end, and also if this process is killed. */
function prepareDataDir(options: StackOptions, watchdog: Watchdog, undo: UndoList): string {
  const throwAway = options.ephemeral === true && options.dataDir === undefined;
  const dataDir = throwAway
    ? mkdtempSync(join(tmpdir(), "switchyard-"))
    : resolve(options.dataDir ?? join(ROOT, ".data"));
  if (throwAway) {
    watchdog.removeAtDeath(dataDir);
    undo.add(() => {
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
      watchdog.keep(dataDir);
    });
  }
  mkdirSync(dataDir, { recursive: true });
  // Postgres, as another user under root, must be able to pass through; the key folder inside stays closed.
  if (process.getuid?.() === 0) chmodSync(dataDir, statSync(dataDir).mode | 0o001);
  return dataDir;
}

/** What has to be undone, newest first. Each step runs once; a second call waits for the first and takes what is left. */
class UndoList {
  readonly #steps: (() => void | Promise<void>)[] = [];
  #running: Promise<void> = Promise.resolve();

  add(step: () => void | Promise<void>): void {
    this.#steps.push(step);
  }

  run(): Promise<void> {
    const before = this.#running.catch(() => undefined);
    this.#running = before.then(() => this.#runAll());
    return this.#running;
  }

  async #runAll(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        // One part that does not stop must not keep the others running.
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, "Stopping the stack failed");
  }
}

/** The first failure, kept for those who subscribe later. */
class Failure {
  #first: { part: string; why: string } | undefined;
  readonly #callbacks: ((part: string, why: string) => void)[] = [];

  report(part: string, why: string): void {
    if (this.#first) return;
    this.#first = { part, why };
    for (const callback of this.#callbacks) callback(part, why);
  }

  subscribe(callback: (part: string, why: string) => void): void {
    if (this.#first) callback(this.#first.part, this.#first.why);
    else this.#callbacks.push(callback);
  }

  throwIfReported(): void {
    if (this.#first) throw new Error(`${this.#first.part} ended unexpectedly: ${this.#first.why}`);
  }
}
