// A worker's inner rooms for tests: a real scheduler on a real journal, vault and signer, with simulated terminals whose
// clocks stand still until a test moves them. The broker's ledger is the oracle of what was really sent.
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { CompactEncrypt, compactVerify, importJWK } from "jose";
import { type After, realAfter } from "../../bridge-worker/src/after.ts";
import { type Journal, openJournal } from "../../bridge-worker/src/journal/mod.ts";
import { createResultSigner } from "../../bridge-worker/src/link/mod.ts";
import type { Log } from "../../bridge-worker/src/log.ts";
import type { TerminalPort } from "../../bridge-worker/src/mt5/mod.ts";
import {
  type AccountRef,
  type AccountTarget,
  type CommandRequest,
  CREDENTIAL_ALG,
  CREDENTIAL_ENC,
  CREDENTIAL_TYP,
  CREDENTIAL_VERSION,
  type Outcome,
  type ReadOutcome,
  type ReadRequest,
  ResultClaims,
  type TradeParams,
} from "../../bridge-worker/src/protocol.ts";
import {
  type CommandCall,
  type CommandEvent,
  type CommandQuestion,
  type PolicyParams,
  type ReadCall,
  Scheduler,
  SETTLE_POLICY,
  type SettlePolicy,
  type SignResult,
  type Subscriber,
} from "../../bridge-worker/src/scheduler/mod.ts";
import { createSimTerminal, SimBroker, SimProcess, tradingPassword } from "../../bridge-worker/src/simulator/mod.ts";
import {
  createAccountAccess,
  LoginTimes,
  type TerminalLimits,
  TerminalSession,
} from "../../bridge-worker/src/terminals/mod.ts";
import { createVault } from "../../bridge-worker/src/vault/mod.ts";
import { type KeyPair, makeKeyPair } from "../../scripts/keys.ts";
import { ManualClock } from "./manual-clock.ts";

export const WORKER_ID = "worker-test";
export const SERVER = "Switchyard-Demo";
/** Time a call has unless a test says otherwise, milliseconds. */
const CALL_LIFE_MS = 20_000;

/** What outlives one start of a worker: its keys, the broker, the terminals' processes, the clock. */
export type World = {
  clock: ManualClock;
  broker: SimBroker;
  processes: SimProcess[];
  sealKey: KeyPair;
  resultKey: KeyPair;
};

/** A user with a registered account. `credential` is sealed to the worker; the password in it may be a wrong one. */
export type Actor = { userId: string; account: AccountTarget; credential: string };
export type ActorOptions = { userId?: string; account?: Partial<AccountRef>; password?: string };

export type CallChange = Partial<Pick<CommandCall, "id" | "notAfterMs" | "submittedAgoMs">> & {
  limits?: unknown;
  tag?: number;
};

export type FixtureOptions = {
  terminals?: number;
  world?: World;
  journalPath?: string;
  /** Puts a fake in front of the real thing. */
  wrapJournal?: (journal: Journal) => Journal;
  wrapPort?: (port: TerminalPort, journal: Journal) => TerminalPort;
  /** Other terminals than simulated ones. */
  sessions?: (log: Log) => TerminalSession[];
  policy?: SettlePolicy;
  params?: PolicyParams;
  /** What every terminal may serve. */
  limits?: TerminalLimits;
  /** Real time, unless a test moves the scheduler's timers itself (`clock.after`). */
  after?: After;
};

export type WorkerFixture = World & {
  journal: Journal;
  scheduler: Scheduler;
  sessions: TerminalSession[];
  sign: SignResult;
  log: Log;
  /** What the worker would have died of. A test that expects a death takes it out; `stop` throws what is left. */
  fatal: unknown[];
  /** Every line that was logged, as text. */
  logged: string[];
  actor(options?: ActorOptions): Promise<Actor>;
  command(actor: Actor, request: CommandRequest, change?: CallChange): CommandCall;
  trade(actor: Actor, params?: Partial<TradeParams>, change?: CallChange): CommandCall;
  readCall(actor: Actor, request: ReadRequest): ReadCall;
  question(call: CommandCall, change?: Partial<CommandQuestion>): CommandQuestion;
  /** Runs a command to its end. */
  run(call: CommandCall): Promise<Outcome>;
  read(actor: Actor, request: ReadRequest): Promise<ReadOutcome>;
  /** The claims of a result, its signature checked. */
  open(result: string): Promise<ResultClaims>;
  outcome(event: CommandEvent): Promise<Outcome>;
  /** The terminal's next order does not come back before this is called; the broker has it by then. */
  holdNextSend(terminal?: number): () => void;
  stop(): Promise<void>;
};

export async function createWorld(terminals = 1): Promise<World> {
  return {
    clock: new ManualClock(),
    broker: new SimBroker({ seed: 11 }),
    processes: Array.from({ length: terminals }, (_, index) => new SimProcess({ path: `C:\\Test\\${index + 1}` })),
    sealKey: await makeKeyPair({ alg: "ECDH-ES", use: "enc" }),
    resultKey: await makeKeyPair({ alg: "ES256", use: "sig" }),
  };
}

export async function createWorkerFixture(options: FixtureOptions = {}): Promise<WorkerFixture> {
  const world = options.world ?? (await createWorld(options.terminals));
  const { clock, broker, processes, sealKey, resultKey } = world;
  const { now, wallClock } = clock;
  const fatal: unknown[] = [];
  const logged: string[] = [];
  const log = collectLog(logged);
  const path = options.journalPath ?? ":memory:";
  const opened = openJournal({ path, workerId: WORKER_ID, now: wallClock, newJournal: !existsSync(path) });
  const journal = options.wrapJournal?.(opened) ?? opened;
  const simulated = (process: SimProcess, index: number): TerminalSession => {
    const port = createSimTerminal({
      ...{ name: `sim-${index + 1}`, broker, owner: randomUUID(), process },
      ...{ now, wait: clock.wait, utcNow: wallClock },
    });
    const limits = options.limits === undefined ? {} : { limits: options.limits };
    return new TerminalSession({
      ...{ port: options.wrapPort?.(port, journal) ?? port, kind: "simulator", log, now },
      ...limits,
    });
  };
  const sessions = options.sessions?.(log) ?? processes.map(simulated);
  const vault = await createVault([sealKey.privateJwk]);
  const access = createAccountAccess({
    journal,
    vault,
    times: new LoginTimes(),
    now,
    wallClock,
    after: options.after ?? realAfter,
  });
  const sign = await createResultSigner({ key: resultKey.privateJwk, workerId: WORKER_ID, wallClock });
  const scheduler = new Scheduler({
    ...{ sessions, journal, access, sign, log, now, wallClock, after: options.after ?? realAfter },
    policy: options.policy ?? SETTLE_POLICY,
    ...(options.params === undefined ? {} : { params: options.params }),
    fatal: (error) => fatal.push(error),
  });
  const calls = createCalls(world);
  const open = async (result: string): Promise<ResultClaims> => {
    const { payload } = await compactVerify(result, await importJWK(resultKey.publicJwk, "ES256"));
    return ResultClaims.parse(JSON.parse(new TextDecoder().decode(payload)));
  };
  const outcome = async (event: CommandEvent): Promise<Outcome> => {
    if (!("result" in event)) throw new Error(`not ended: ${event.phase}`);
    const { command } = await open(event.result);
    if (command === undefined) throw new Error("the result is about no command");
    return command;
  };
  return {
    ...world,
    ...calls,
    ...{ journal, scheduler, sessions, sign, log, fatal, logged, open, outcome },
    async run(call) {
      const heard = listen();
      await scheduler.command(call, heard.subscriber);
      return outcome({ result: await heard.result });
    },
    read: (actor, request) => scheduler.read(calls.readCall(actor, request)),
    holdNextSend(terminal = 0) {
      const held = Promise.withResolvers<void>();
      processes[terminal]?.faults.addSend({ kind: "hang", until: held.promise, executes: true });
      return held.resolve;
    },
    async stop() {
      await scheduler.drain();
      for (const session of sessions) await session.close();
      opened.close();
      if (fatal.length > 0) throw new Error("the worker would have died", { cause: fatal[0] });
    },
  };
}

type Calls = Pick<WorkerFixture, "actor" | "command" | "trade" | "question" | "readCall">;

/** Tags of one test process are all different, as those of one database are. */
let lastTag = 2 ** 40;

function createCalls({ clock, sealKey }: World): Calls {
  const command: Calls["command"] = (actor, request, change = {}) => {
    lastTag += 1;
    const { tag = lastTag, limits = null, ...rest } = change;
    return {
      id: randomUUID(),
      userId: actor.userId,
      account: actor.account,
      notAfterMs: clock.now() + CALL_LIFE_MS,
      submittedAgoMs: 0,
      body: { request, tag, credential: actor.credential, risk_limits: limits },
      ...rest,
    };
  };
  return {
    command,
    trade: (actor, params = {}, change = {}) =>
      command(
        actor,
        { kind: "trade", params: { symbol: "EURUSD", order_type: "buy", volume: 0.01, ...params } },
        change,
      ),
    async actor({ userId = randomUUID(), account = {}, password } = {}) {
      const { login = "5000001", server = SERVER } = account;
      const credential = await sealPassword(sealKey, userId, { login, server }, password ?? tradingPassword(login));
      return { userId, account: { id: randomUUID(), login, server }, credential };
    },
    question: ({ id, userId, notAfterMs, submittedAgoMs }, change = {}) => ({
      ...{ commandId: id, userId, notAfterMs, submittedAgoMs },
      ...change,
    }),
    readCall: (actor, request) => ({
      ...{ id: randomUUID(), userId: actor.userId, account: actor.account, notAfterMs: clock.now() + CALL_LIFE_MS },
      body: { request, credential: actor.credential },
    }),
  };
}

/** What the function does with a password before anything else happens to it. */
export async function sealPassword(
  { publicJwk }: KeyPair,
  userId: string,
  { login, server }: AccountRef,
  password: string,
): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(password))
    .setProtectedHeader({
      ...{ alg: CREDENTIAL_ALG, enc: CREDENTIAL_ENC, typ: CREDENTIAL_TYP, kid: publicJwk.kid, v: CREDENTIAL_VERSION },
      ...{ sub: userId, lgn: login, srv: server },
    })
    .encrypt(await importJWK(publicJwk, CREDENTIAL_ALG));
}

export type Heard = { subscriber: Subscriber; events: CommandEvent[]; result: Promise<string> };

/** A subscriber that writes down what it hears. */
export function listen(): Heard {
  const ended = Promise.withResolvers<string>();
  const events: CommandEvent[] = [];
  const subscriber: Subscriber = (event) => {
    events.push(event);
    if ("result" in event) ended.resolve(event.result);
  };
  return { subscriber, events, result: ended.promise };
}

export function collectLog(lines: string[]): Log {
  const write = (event: string, fields?: Record<string, unknown>): void => {
    lines.push(`${event} ${JSON.stringify(fields ?? {})}`);
  };
  const log: Log = { debug: write, info: write, warn: write, error: write, scope: () => log };
  return log;
}

/** The real thing with some of its methods replaced. */
export function overriding<T extends object>(real: T, fakes: Partial<T>): T {
  return new Proxy(real, {
    get(target, name) {
      const fake: unknown = Reflect.get(fakes, name);
      if (fake !== undefined) return fake;
      // Read on the real object itself: its methods use private fields.
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
