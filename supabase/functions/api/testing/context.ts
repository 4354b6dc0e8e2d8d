// The services' surroundings for tests: every call of the database and the bridge fails the test unless it was given.
import type { Bridge } from "../bridge/mod.ts";
import type { Database } from "../db/mod.ts";
import { createLog } from "../log.ts";
import type { Caller, ServiceContext } from "../services/mod.ts";

export const USER_ID = "11111111-1111-4111-8111-111111111111";
export const ACCOUNT_ID = "22222222-2222-4222-8222-222222222222";
export const COMMAND_ID = "33333333-3333-4333-8333-333333333333";
export const CALLER: Caller = { userId: USER_ID, token: "user-token", requestId: "request-1" };
export const ACCOUNT = { id: ACCOUNT_ID, login: "5001234", server: "MetaQuotes-Demo" };

export type FakeContext = ServiceContext & { logged: string[] };

export function makeContext(
  given: { db?: Partial<Database>; bridge?: Partial<Bridge>; workerIds?: string[] } & Partial<
    Omit<ServiceContext, "db" | "bridge">
  >,
): FakeContext {
  const logged: string[] = [];
  let ids = 0;
  return {
    sealPassword: refuse("sealPassword"),
    verifyResult: refuse("verifyResult"),
    workerIds: ["w1"],
    clock: { monotonicMs: () => 1_000, wallMs: () => Date.parse("2026-11-22T12:00:00Z") },
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`,
    log: createLog({ write: (line) => logged.push(line), level: "debug", wallMs: () => 0 }),
    ...given,
    db: onlyGiven<Database>("db", given.db),
    bridge: onlyGiven<Bridge>("bridge", { confirm: () => {}, ...given.bridge }),
    logged,
  };
}

function onlyGiven<T extends object>(room: string, given: Partial<T> = {}): T {
  return new Proxy(given as T, {
    get: (target, name) => Reflect.get(target, name) ?? refuse(`${room}.${String(name)}`),
  });
}

function refuse(what: string): () => never {
  return () => {
    throw new Error(`unexpected call of ${what}`);
  };
}

export const TIMINGS = { queued_ms: 0, login_ms: 0, prepare_ms: 1, send_ms: 2, total_ms: 3 };
export const TRADE_RESULT = {
  retcode: 10009,
  retcode_name: "DONE",
  order_ticket: "9007199254740993",
  deal_ticket: "700",
  position_ticket: "9007199254740993",
  price: 1.1,
  volume: 0.1,
  filled_volume: 0.1,
};

export const INFO = {
  login: ACCOUNT.login,
  server: ACCOUNT.server,
  name: "A. Trader",
  company: "MetaQuotes Ltd.",
  currency: "USD",
  currency_digits: 2,
  balance: 10_000,
  equity: 10_000,
  profit: 0,
  credit: 0,
  margin: 0,
  margin_free: 10_000,
  margin_level: 0,
  leverage: 100,
  trade_mode: "demo" as const,
  margin_mode: "hedging" as const,
  trade_allowed: true,
  trade_expert: true,
};
export const AS_OF = "2026-11-22T12:00:00.000Z";

/** Notes what a fake was asked, and gives the fake's answer. */
export async function note<Asked, Answer>(list: Asked[], asked: Asked, answer: Answer): Promise<Answer> {
  list.push(asked);
  return answer;
}
