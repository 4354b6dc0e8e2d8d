// One shared stack for every run of real processes: Postgres, Deno, the worker, and a Python process as the terminal,
// with a proxy on both links. Only what a run kills is started again.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openJournal } from "../../../bridge-worker/src/journal/mod.ts";
import { freePort, type Part, startWatchdog } from "../../../local-stack/mod.ts";
import { WORKER_ID } from "../../../local-stack/part-environment.ts";
import { type BrokerDouble, startBrokerDouble } from "../../support/broker-double.ts";
import { startTestStack, type TestStack, until } from "../../support/stack.ts";
import { CONTROL_VARIABLE, type CrashControl, crashControl, type WorkerPoint } from "./crash-points.ts";
import { createFrameTap, type FrameTap } from "./frame-tap.ts";
import { joinStack, type Player } from "./players.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const WORKER_ENTRY = join(import.meta.dirname, "crashing-worker.ts");
const JOURNAL = "journal.db";
const ALPHA = "Alpha-Demo";
/** A full campaign opens a thousand positions. */
const DEPOSIT = 1_000_000;
/** What the worker says when it gives a terminal a rest. */
const TERMINAL_TROUBLE = "terminal.quarantined";
/** Its longest rest, and the way back. */
const SERVES_LIMIT_MS = 18_000;
const FIRST_ORDER = { symbol: "EURUSD", order_type: "buy", volume: 0.01 };
const HOUR_MS = 3_600_000;
const FOLDER = join(tmpdir(), "switchyard-faults-");

export type Rig = {
  stack: TestStack;
  broker: BrokerDouble;
  /** Function → worker, and worker → terminal. */
  link: TcpProxy;
  rpc: TcpProxy;
  frames: FrameTap;
  crash: CrashControl;
  /** Two users, each on an account of their own, at one broker, on one terminal. */
  ann: Player;
  bob: Player;
  /** One more user on an account, verified by a login. */
  join(name: string, login: string, server: string, password: string): Promise<Player>;
  /** Ends the worker where it stands and starts it again. */
  killWorker(): Promise<void>;
  /** Kills the worker when it stops at the point during `work`, and starts it again. */
  killWorkerAt<T>(point: WorkerPoint, work: () => Promise<T>): Promise<{ result: Promise<T> }>;
  /** Halts the worker when it reaches the point during `work`, does something meanwhile, and lets it go on. */
  holdWorkerAt<T>(point: WorkerPoint, work: () => Promise<T>, meanwhile: () => Promise<unknown>): Promise<T>;
  /** The terminal's process with it; the broker lives on. `settings`: of the new one, before anybody reaches it. */
  killPython(settings?: Record<string, unknown>): Promise<void>;
  /** Until an order hangs in the terminal. */
  hanging(): Promise<void>;
  /** Everything works again: what a run broke is mended before the next one. */
  heal(): Promise<void>;
  /** Until a fresh reading goes all the way to the terminal and back: links and terminal are up. */
  serves(): Promise<void>;
  /**
   * A terminal that fails again within a minute is left alone ever longer. The next run begins without that past: with a
   * worker that has just been killed, if its terminal has failed.
   */
  forgetTroubles(): Promise<void>;
  /** A link that has just been opened: an old one would be replaced, and what it is to swallow never written. */
  freshLink(): Promise<void>;
  stop(): Promise<void>;
};

export async function startRig(): Promise<Rig> {
  const dataDir = mkdtempSync(FOLDER);
  // Also if this process is killed: what a killed Postgres has committed must last as long as the rig, and no longer.
  const watchdog = startWatchdog();
  watchdog.removeAtDeath(dataDir);
  const undo: (() => void | Promise<void>)[] = [
    () => watchdog.close(),
    () => {
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
      watchdog.keep(dataDir);
    },
  ];
  const stop = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    const broker = await startBrokerDouble({ bookFile: join(dataDir, "broker.book") });
    undo.push(() => broker.stop());
    for (const login of ["1001", "1002"]) await broker.control({ deposit: { login, server: ALPHA, amount: DEPOSIT } });
    const rpc = await startTcpProxy({ host: broker.host, port: broker.port });
    undo.push(() => rpc.stop());
    const frames = createFrameTap();
    const workerPort = await freePort();
    const link = await startTcpProxy({ host: "127.0.0.1", port: workerPort }, frames.tap);
    undo.push(() => link.stop());
    const controlDir = join(dataDir, "control");
    const crash = crashControl(controlDir);
    makeOldJournal(dataDir);
    const stack = await startTestStack({
      dataDir,
      ephemeral: false,
      ...{ workerPort, linkPort: link.port, workerEntry: WORKER_ENTRY, terminals: `${rpc.host}:${rpc.port}` },
      workerEnv: { [CONTROL_VARIABLE]: controlDir },
    });
    undo.push(() => stack.stop());
    const { worker } = stack.parts;
    const killWorker = async (): Promise<void> => {
      worker.kill("SIGKILL");
      await worker.exited;
      await worker.restart();
    };
    const halt = async <T>(point: WorkerPoint, work: () => Promise<T>): Promise<{ result: Promise<T> }> => {
      crash.arm(point);
      const result = work();
      // Whoever called looks at it only after the blow.
      result.catch(() => {});
      await until(`the worker stops at ${point}`, async () => crash.isReached(point));
      return { result };
    };
    const isServing = async (): Promise<boolean> => {
      const { status } = await ann.trader.get("/account/info?max_age_ms=0");
      return status === 200;
    };
    const serves = (): Promise<void> => until("the terminal can be read", isServing, SERVES_LIMIT_MS);
    const countTroubles = (): number => stack.output().split(TERMINAL_TROUBLE).length - 1;
    let troubles = 0;
    const players = { join: (...who: Parameters<Rig["join"]>) => joinStack(stack, ...who) };
    const ann = await players.join("ann", "1001", ALPHA, "alpha-one");
    const bob = await players.join("bob", "1002", ALPHA, "alpha-two");
    // What this broker does with marks is learned from a first order of each.
    for (const { trader } of [ann, bob]) await trader.post("/trades", FIRST_ORDER);
    return {
      ...{ stack, broker, link, rpc, frames, crash, ann, bob, stop, killWorker },
      ...players,
      async killWorkerAt(point, work) {
        const { result } = await halt(point, work);
        worker.kill("SIGKILL");
        await worker.exited;
        crash.disarm();
        await worker.restart();
        return { result };
      },
      async holdWorkerAt(point, work, meanwhile) {
        const { result } = await halt(point, work);
        await meanwhile();
        crash.disarm();
        return result;
      },
      async killPython(settings = {}) {
        await broker.replaceProcess();
        await broker.control(settings);
        rpc.aimAt({ host: broker.host, port: broker.port });
      },
      hanging: () => until("an order hangs", async () => (await broker.seen()).hanging > 0),
      serves,
      async forgetTroubles() {
        if (countTroubles() === troubles) return;
        await killWorker();
        await serves();
        troubles = countTroubles();
      },
      freshLink() {
        link.reset();
        return serves();
      },
      async heal() {
        crash.disarm();
        link.heal();
        rpc.heal();
        // A run that failed in its midst must not take the next ones with it.
        for (const part of Object.values(stack.parts)) if (await isEnded(part)) await part.restart();
        await broker.control({
          release: true,
          send_ms: 0,
          login_ms: 0,
          settle_ms: 0,
          initialize_ms: 0,
          overwrite: {},
          connected: true,
        });
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A worker that has run for a while: one made this very moment knows nothing of what is younger than half a minute. */
function makeOldJournal(dataDir: string): void {
  const folder = join(dataDir, "worker");
  mkdirSync(folder, { recursive: true });
  const now = (): number => Date.now() - HOUR_MS;
  openJournal({ path: join(folder, JOURNAL), workerId: WORKER_ID, now, newJournal: true }).close();
}

/** Nothing is awaited: a process that runs has not ended by the next turn either. */
function isEnded({ exited }: Part): Promise<boolean> {
  const notYet = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([exited.then(() => true), notYet]);
}
