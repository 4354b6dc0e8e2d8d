// Numbered commands for the journal's tests: the same number always gives the same command.
import type { Ending, Intent, OpenIntent } from "../journal.ts";

export const WORKER_ID = "worker-1";
export const ACCOUNT = { login: "5012345", server: "MetaQuotes-Demo" };
export const USER_ID = "0f8fad5b-d9cb-469f-a165-70867728950e";

export function idOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

export function intentOf(number: number, change: Partial<Intent> = {}): Intent {
  return {
    id: idOf(number),
    userId: USER_ID,
    kind: "trade",
    tag: 2 ** 40 + number,
    account: { ...ACCOUNT, id: "7c9e6679-7425-40de-944b-e07fc1f90ae7" },
    request: { kind: "trade", params: { symbol: "EURUSD", order_type: "buy", volume: 0.1, comment: "mine" } },
    credential: `sealed-${number}`,
    plan: { action: 1, magic: 2 ** 40 + number },
    baseline: { positions: [], equity: 1000.5 },
    terminal: "terminal-1",
    epoch: "epoch-1",
    ...change,
  };
}

export function endingOf(number: number, result: string, final = true): Ending {
  return { id: idOf(number), userId: USER_ID, kind: "trade", result, final };
}

/** The same as the journal gives it back, begun at `begunAt` and without an ending so far. */
export function openOf(number: number, begunAt = 1_000_000): OpenIntent {
  return { ...intentOf(number), begunAt, acknowledged: false, evidence: null };
}
