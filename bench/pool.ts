// `npm run bench pool [-- --seconds=60] [--seed=1]`: real processes. A worker on 2 and on 8 terminals over RPyC, 20 and
// 200 accounts, logins of 300 ms, mixed traffic; then the very same requests through plain FIFO on the same terminals: the
// next free terminal takes the oldest request and logs in. Counted at the terminals: logins, orders, and whose they are.
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createRpycTerminal, type RpycTerminal, tagComment } from "../bridge-worker/src/mt5/mod.ts";
import { accountsOf, openOffice, type Scale, startTerminals, type Terminal } from "../tests/faults/pool/office.ts";
import { pythonCommand } from "../tests/support/python.ts";
import { BASE, generate, type Request, type Shape } from "./scheduler/workload.ts";
import { percentile, ratio } from "./statistics.ts";

const TIMEOUT_MS = 10_000;
/** As a caller has who says nothing else. */
const MAX_AGE_MS = 2_000;
/** Some two thirds of what plain FIFO can take with logins of 300 ms. */
const SESSIONS_PER_TERMINAL_S = 0.2;
const CASES: readonly Scale[] = [
  { terminals: 2, accounts: 20, loginMs: 300, sendMs: 50 },
  { terminals: 8, accounts: 200, loginMs: 300, sendMs: 50 },
];

type Served = { request: Request; tag: number; waitMs: number; ok: boolean };
type Run = { served: Served[]; logins: number; wrongAccount: number; lost: number };

export async function benchPool(args: readonly string[]): Promise<object> {
  if (pythonCommand() === undefined)
    throw new Error("needs python3 with rpyc and numpy: apt-get install python3-rpyc python3-numpy");
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: { type: "string", default: "60" }, seed: { type: "string", default: "1" } },
  });
  const cases: object[] = [];
  for (const scale of CASES) {
    const requests = generate(shapeOf(scale, Number(values.seconds)), Number(values.seed));
    const ours = await runOurs(scale, requests);
    const fifo = await runFifo(scale, requests);
    cases.push({
      ...{ ...scale, users: scale.accounts / 2, requests: requests.length },
      ...{ ours: figuresOf(ours), plain_fifo: figuresOf(fifo) },
      ...{ switches_of_fifo: ratio(ours.logins, fifo.logins), target: 0.5 },
    });
  }
  return { seconds: Number(values.seconds), seed: Number(values.seed), unit: "ms from arrival to answer", cases };
}

function shapeOf({ terminals, accounts }: Scale, seconds: number): Shape {
  const hours = seconds / 3_600;
  // Short thoughts: a minute is to hold whole sessions.
  return {
    ...BASE,
    terminals,
    accountsPerTerminal: accounts / terminals,
    hours,
    sessionRate: SESSIONS_PER_TERMINAL_S,
    thinkMs: 1_500,
  };
}

/** Open loop: each request at its time, whatever became of those before. */
async function play(requests: readonly Request[], serve: (request: Request) => Promise<Served>): Promise<Served[]> {
  const startMs = performance.now();
  const serving: Promise<Served>[] = [];
  for (const request of requests) {
    await pause(Math.max(0, startMs + request.arrivedMs - performance.now()));
    serving.push(serve(request));
  }
  return await Promise.all(serving);
}

async function runOurs(scale: Scale, requests: readonly Request[]): Promise<Run> {
  const office = await openOffice(scale);
  const { worker, terminals, actors } = office;
  try {
    const served = await play(requests, async (request) => {
      const actor = actors[request.account];
      if (actor === undefined) throw new RangeError("no such account");
      const startMs = performance.now();
      if (request.kind === "read") {
        const reply = await worker.read(actor, { kind: "account_info", max_age_ms: MAX_AGE_MS });
        return { request, tag: 0, waitMs: performance.now() - startMs, ok: reply.ok };
      }
      const call = worker.trade(actor);
      const outcome = await worker.run(call);
      const waitMs = performance.now() - startMs;
      return { request, tag: call.body.tag, waitMs, ok: outcome.state === "done" };
    });
    return await judge(scale, terminals, served);
  } finally {
    await office.stop();
  }
}

async function runFifo(scale: Scale, requests: readonly Request[]): Promise<Run> {
  const { terminals, remove } = await startTerminals(scale);
  const ports = terminals.map(({ server }, index) => portTo(server, `t${index}`));
  const waiting: ((port: Desk) => void)[] = [];
  const free: Desk[] = ports.map((port) => ({ port, account: null }));
  const take = (): Promise<Desk> => {
    const desk = free.shift();
    return desk === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(desk);
  };
  const give = (desk: Desk): void => {
    const next = waiting.shift();
    if (next === undefined) free.push(desk);
    else next(desk);
  };
  const accounts = accountsOf(scale);
  try {
    for (const port of ports) await port.open();
    const served = await play(requests, async (request) => {
      const known = accounts[request.account];
      if (known === undefined) throw new RangeError("no such account");
      const startMs = performance.now();
      const tag = 2 ** 41 + request.index;
      const desk = await take();
      const ok = await serveAt(desk, request, known, tag).finally(() => give(desk));
      return { request, tag: request.kind === "read" ? 0 : tag, waitMs: performance.now() - startMs, ok };
    });
    return await judge(scale, terminals, served);
  } finally {
    for (const port of ports) await port.close();
    await remove();
  }
}

type Desk = { port: RpycTerminal; account: number | null };

async function serveAt(
  desk: Desk,
  request: Request,
  { account, password }: ReturnType<typeof accountsOf>[number],
  tag: number,
): Promise<boolean> {
  const { port } = desk;
  if (desk.account !== request.account) {
    const login = await port.login(account, password, TIMEOUT_MS);
    if (login.kind !== "ok") return false;
    desk.account = request.account;
  }
  if (request.kind === "read") return (await port.account(account, TIMEOUT_MS)).kind === "ok";
  const reading = await port.read(account, { symbol: "EURUSD" }, TIMEOUT_MS);
  if (reading.kind !== "ok" || !reading.tick) return false;
  const comment = tagComment(tag);
  const order = { action: 1, symbol: "EURUSD", volume: 0.01, type: 0, price: reading.tick.ask, deviation: 20 };
  const times = { notAfterMs: performance.now() + TIMEOUT_MS, timeoutMs: TIMEOUT_MS };
  const full = { ...order, type_filling: 0, type_time: 0, magic: tag, comment };
  const reply = await port.send({ tag, commandId: `fifo-${tag}`, account, request: full, ...times });
  return reply.kind === "sent" && reply.result?.retcode === 10009;
}

function portTo({ host, port }: { host: string; port: number }, name: string): RpycTerminal {
  return createRpycTerminal({
    ...{ name, endpoint: { host, port }, owner: "bench", now: () => performance.now() },
    ...{ handshakeTimeoutMs: TIMEOUT_MS, callTimeoutMs: TIMEOUT_MS },
  });
}

/** What the terminals say of it. */
async function judge(scale: Scale, terminals: readonly Terminal[], served: Served[]): Promise<Run> {
  const logins = (await Promise.all(terminals.map((terminal) => terminal.logins()))).reduce((a, b) => a + b, 0);
  const booked = (await Promise.all(terminals.map((terminal) => terminal.ledger()))).flat();
  const accounts = accountsOf(scale);
  const asked = new Map(served.filter(({ tag }) => tag > 0).map((one) => [String(one.tag), one]));
  const isWrong = ({ magic, login }: { magic: string; login: string }): boolean =>
    login !== accounts[asked.get(magic)?.request.account ?? -1]?.account.login;
  const tags = new Set(booked.map(({ magic }) => magic));
  const lost = [...asked.values()].filter(({ ok, tag }) => ok && !tags.has(String(tag))).length;
  return { served, logins, wrongAccount: booked.filter(isWrong).length, lost };
}

function figuresOf({ served, logins, wrongAccount, lost }: Run): object {
  const waits = (list: Served[]): object => {
    const sorted = list.map(({ waitMs }) => waitMs).sort((a, b) => a - b);
    const at = (share: number): number => Math.round(percentile(sorted, share));
    return { n: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  };
  return {
    ...{ switches: logins, refused: served.filter(({ ok }) => !ok).length, wrong_account: wrongAccount, lost },
    trades: waits(served.filter(({ request }) => request.kind !== "read")),
    reads: waits(served.filter(({ request }) => request.kind === "read")),
  };
}
