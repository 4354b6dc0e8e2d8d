// What a run is judged by. Waits in seconds, from arrival to answer, login included.
import { percentile } from "../statistics.ts";
import { leastSwitches, type Window } from "./bounds.ts";
import { DEADLINE_MS, type Run } from "./simulate.ts";
import type { Request } from "./workload.ts";

export type Waits = { p50: number; p95: number; p99: number; max: number };

export type Figures = {
  switches: number;
  busy: number;
  trades: Waits;
  opens: Waits;
  closes: Waits;
  reads: Waits;
  /** Of the trades: answered too late; not begun in time. */
  late: number;
  expiredShare: number;
  expiredReads: number;
  refused: number;
  served: number;
  /** Jain's index over the mean waits of users with some requests: 1 when all wait alike. */
  fairness: number;
};

export function figuresOf(run: Run, isCounted: (request: Request) => boolean = () => true): Figures {
  const counted = run.requests.filter(isCounted);
  const answered = counted.filter(({ index }) => run.endings[index] === "served" || run.endings[index] === "snapshot");
  const wait = ({ index, arrivedMs }: Request): number => (run.answerMs[index] as number) - arrivedMs;
  const waits = (isIn: (request: Request) => boolean): Waits => waitsOf(answered.filter(isIn).map(wait));
  const trades = counted.filter(isTrade);
  const expired = (list: readonly Request[]): number =>
    list.filter(({ index }) => run.endings[index] === "expired").length;
  return {
    switches: run.switches,
    busy: round(run.busyShare, 3),
    trades: waits(isTrade),
    opens: waits(({ kind }) => kind === "open"),
    closes: waits(({ kind }) => kind === "close"),
    reads: waits(({ kind }) => kind === "read"),
    late: answered.filter((request) => isTrade(request) && wait(request) > DEADLINE_MS).length,
    expiredShare: round(expired(trades) / trades.length, 5),
    expiredReads: expired(counted.filter((request) => !isTrade(request))),
    refused: counted.filter(({ index }) => run.endings[index] === "refused").length,
    served: answered.length,
    fairness: round(jain(answered, wait), 3),
  };
}

/** LB(0): nobody waits and nothing is answered from a snapshot. */
export function boundWithoutWaiting(requests: readonly Request[], terminals: number): number {
  const windows = requests.map(({ account, arrivedMs }) => ({ account, fromMs: arrivedMs, untilMs: arrivedMs }));
  return leastSwitches(windows, terminals);
}

/** No request begins later than it did in this run; snapshots of that age count in the bound's favour. */
export function boundWithSameWaits(run: Run, terminals: number, maxAgeMs: number): number {
  const lastTradeMs = new Map<number, number>();
  const windows: Window[] = [];
  for (const request of run.requests) {
    const { index, account, arrivedMs, snapshotable } = request;
    const tradeMs = lastTradeMs.get(account) ?? Number.NEGATIVE_INFINITY;
    if (isTrade(request)) lastTradeMs.set(account, arrivedMs);
    if (run.endings[index] !== "served" && run.endings[index] !== "snapshot") continue;
    const fromMs = snapshotable ? Math.max(arrivedMs - maxAgeMs, tradeMs) : arrivedMs;
    windows.push({ account, fromMs, untilMs: run.startMs[index] as number });
  }
  return leastSwitches(windows, terminals);
}

export function isTrade({ kind }: Request): boolean {
  return kind !== "read";
}

function waitsOf(samples: number[]): Waits {
  samples.sort((a, b) => a - b);
  const at = (share: number): number => round(percentile(samples, share) / 1_000, 3);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

const FEW = 20;

function jain(answered: readonly Request[], wait: (request: Request) => number): number {
  const users = new Map<string, { sum: number; count: number }>();
  for (const request of answered) {
    const user = users.get(request.user) ?? { sum: 0, count: 0 };
    user.sum += wait(request);
    user.count += 1;
    users.set(request.user, user);
  }
  const means = [...users.values()].filter(({ count }) => count >= FEW).map(({ sum, count }) => sum / count);
  const sum = means.reduce((total, mean) => total + mean, 0);
  const squares = means.reduce((total, mean) => total + mean ** 2, 0);
  return sum ** 2 / (means.length * squares);
}

export function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
