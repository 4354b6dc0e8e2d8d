// The workload: sessions that arrive at random, each a chain of commands on one account with time to think between.
// One hour, open loop; every duration is drawn here, so that all policies get the very same requests.
import type { WorkKind } from "../../bridge-worker/src/scheduler/policy/work.ts";
import { exponential, logNormal, randomOf } from "./random.ts";

export type LoginTime = { median: number; sigma: number; min: number; max: number };

export type Shape = {
  terminals: number;
  /** Sessions per second and terminal. */
  sessionRate: number;
  hours: number;
  accountsPerTerminal: number;
  zipf: number;
  /** Mean number of commands in a session. */
  commands: number;
  thinkMs: number;
  /** Sigma of a log-normal think time with that mean; null: exponential. */
  thinkSigma: number | null;
  tradeShare: number;
  /** Share of the reads that a snapshot can answer. */
  snapshotable: number;
  /** Login times of the broker servers; accounts are spread over them in turn. */
  logins: readonly LoginTime[];
  /** Of the trades on an account that holds positions and that change none: the rest opens another one. */
  closeShare: number;
  /** 2 K sessions more at once, every five minutes. */
  bursts: boolean;
  /** One user sends a command on each of his fifty accounts at once, every ten minutes. */
  bulk: boolean;
};

export type Request = {
  index: number;
  account: number;
  user: string;
  server: number;
  kind: Exclude<WorkKind, "verify">;
  arrivedMs: number;
  workMs: number;
  snapshotable: boolean;
};

const LOGIN: LoginTime = { median: 1_200, sigma: 0.6, min: 500, max: 5_000 };
const TRADE = { median: 150, sigma: 0.5, min: 50, max: 500 };
const READ = { median: 12, sigma: 0.6, min: 4, max: 60 };
/** Of the trades on an account that holds a position. */
const CHANGE_SHARE = 0.1;
const BURST_EVERY_MS = 300_000;
const BULK_EVERY_MS = 600_000;
const BULK_ACCOUNTS = 50;

export const BASE: Shape = {
  ...{ terminals: 16, sessionRate: 0.08, hours: 1, accountsPerTerminal: 25, zipf: 0.8, commands: 11.5 },
  ...{
    thinkMs: 4_000,
    thinkSigma: null,
    tradeShare: 0.3,
    snapshotable: 1,
    closeShare: 1,
    logins: [LOGIN],
    bursts: false,
    bulk: false,
  },
};

export function generate(shape: Shape, seed: number): Request[] {
  const { terminals, accountsPerTerminal } = shape;
  const endMs = shape.hours * 3_600_000;
  const accounts = terminals * accountsPerTerminal;
  const [arrivals, inside, whole, bulk] = [1, 2, 3, 4].map((stream) => randomOf(seed, stream)) as Streams;
  const pick = zipfPicker(accounts, shape.zipf);
  const requests: Drawn[] = [];
  const draw = (account: number, user: string, arrivedMs: number): Drawn => {
    const isTrade = inside() < shape.tradeShare;
    const workMs = logNormal(inside, isTrade ? TRADE : READ);
    const snapshotable = (shape.snapshotable === 1 || whole() < shape.snapshotable) && !isTrade;
    const server = account % shape.logins.length;
    return { account, user, server, kind: isTrade ? "trade" : "read", arrivedMs, workMs, snapshotable };
  };
  const session = (startMs: number): void => {
    const account = pick(inside());
    for (let atMs = startMs; atMs < endMs; atMs += thinkTime(shape, inside)) {
      requests.push(draw(account, `user ${account}`, atMs));
      if (inside() < 1 / shape.commands) break;
    }
  };
  const gapMs = 1_000 / (shape.sessionRate * terminals);
  for (let atMs = exponential(arrivals, gapMs); atMs < endMs; atMs += exponential(arrivals, gapMs)) session(atMs);
  if (shape.bursts) {
    for (let atMs = BURST_EVERY_MS; atMs < endMs; atMs += BURST_EVERY_MS) {
      for (let extra = 0; extra < 2 * terminals; extra++) session(atMs);
    }
  }
  if (shape.bulk) {
    for (let atMs = BULK_EVERY_MS; atMs < endMs; atMs += BULK_EVERY_MS) {
      for (let own = 0; own < BULK_ACCOUNTS; own++) {
        const request = draw(accounts + own, "bulk", atMs);
        requests.push({ ...request, kind: bulk() < shape.tradeShare ? "open" : request.kind });
      }
    }
  }
  requests.sort((a, b) => a.arrivedMs - b.arrivedMs);
  return tradesNamed(requests, shape.closeShare, randomOf(seed, 6)).map((request, index) => ({ index, ...request }));
}

type Drawn = Omit<Request, "index" | "kind"> & { kind: "read" | "trade" | "open" };

/**
 * A close where nothing is held does not exist, so closes and opens are not two colours of the same thing. Where there is
 * no position a trade opens one; where there is, it changes or closes it (or opens another, if the shape says so). Half of
 * the accounts hold one at first.
 */
function tradesNamed(requests: readonly Drawn[], closeShare: number, random: () => number): Omit<Request, "index">[] {
  const held = new Map<number, number>();
  return requests.map((request) => {
    if (request.kind === "read") return { ...request, kind: request.kind };
    const positions = held.get(request.account) ?? Number(random() < 0.5);
    const changes = random() < CHANGE_SHARE;
    const opens = request.kind === "open" || positions === 0 || (!changes && random() >= closeShare);
    const kind = opens ? "open" : changes ? "change" : "close";
    held.set(request.account, positions + (opens ? 1 : changes ? 0 : -1));
    return { ...request, kind };
  });
}

type Streams = [() => number, () => number, () => number, () => number];

function thinkTime({ thinkMs, thinkSigma }: Shape, random: () => number): number {
  if (thinkSigma === null) return exponential(random, thinkMs);
  const median = thinkMs / Math.exp(thinkSigma ** 2 / 2);
  return logNormal(random, { median, sigma: thinkSigma, min: 0, max: Number.POSITIVE_INFINITY });
}

/** Account by its rank: the first is used most. */
function zipfPicker(accounts: number, exponent: number): (chance: number) => number {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= accounts; rank++) {
    sum += rank ** -exponent;
    sums.push(sum);
  }
  return (chance) => {
    const target = chance * sum;
    let [low, high] = [0, accounts - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < target) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
