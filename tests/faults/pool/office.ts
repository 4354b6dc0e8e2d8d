// Terminals over real RPyC and a worker that uses them, in real time: accounts at work, and what the brokers booked for
// them.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../../../bridge-worker/src/config.ts";
import type { AccountRef, Outcome } from "../../../bridge-worker/src/protocol.ts";
import { connectRpc, type RpcConnection } from "../../../bridge-worker/src/rpyc/mod.ts";
import { createTerminals } from "../../../bridge-worker/src/terminal-pool.ts";
import { UNLIMITED } from "../../../bridge-worker/src/terminals/mod.ts";
import type { LedgerEntry, SendCall } from "../../support/broker-double.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type RpycServer, startRpycServer } from "../../support/rpyc-server.ts";
import { type Actor, createWorkerFixture, createWorld, type WorkerFixture } from "../../support/worker-fixture.ts";

const SERVER = "Alpha-Demo";
const FIRST_LOGIN = 3_001;
/** What a call may take here, milliseconds. */
const PATIENCE_MS = 3_000;
const THINK_MS = 20;
const TIMEOUT_MS = 10_000;

class RealClock extends ManualClock {
  override readonly now = (): number => performance.now();
  override readonly wallClock = (): number => Date.now();
}

/** One trade that somebody asked for, and its end. */
export type Deal = { login: string; tag: string; askedMs: number; endedMs: number; outcome: Outcome };

export type Terminal = {
  readonly server: RpycServer;
  readonly line: RpcConnection;
  control(order: Record<string, unknown>): Promise<void>;
  /** Logins that it was asked for so far. */
  logins(): Promise<number>;
  /** The accounts whose order hangs in it. */
  hanging(): Promise<string[]>;
  /** What its broker has, also after the process is dead. */
  ledger(): Promise<LedgerEntry[]>;
};

export type Scale = { terminals: number; accounts: number; loginMs: number; sendMs?: number };

export type Office = {
  worker: WorkerFixture;
  terminals: Terminal[];
  /** Each on an account of its own; every user has two. */
  actors: Actor[];
  stop(): Promise<void>;
};

export async function openOffice(scale: Scale): Promise<Office> {
  const { dir, terminals, remove } = await startTerminals(scale);
  const clock = new RealClock();
  const config = {
    terminals: terminals.map(({ server: { host, port } }, index) => ({
      ...{ name: `t${index}`, endpoint: { host, port }, limits: UNLIMITED },
    })),
  } as unknown as Config;
  const worker = await createWorkerFixture({
    ...{ world: { ...(await createWorld(0)), clock }, journalPath: join(dir, "journal.db") },
    sessions: (log) => createTerminals({ config, log, owner: "worker-1", now: clock.now, statePath: "" }).sessions,
  });
  const users = Array.from({ length: Math.ceil(scale.accounts / 2) }, () => randomUUID());
  const actors = await Promise.all(
    accountsOf(scale).map(({ account, password }, index) => {
      const userId = users[index % users.length] ?? "";
      return worker.actor({ userId, account, password });
    }),
  );
  // Else the first order of each is looked for in the records, in a turn of its own that may wait as long as a test.
  for (const { account } of actors) worker.journal.recordMarkCheck(account, { magic: true, comment: true });
  return {
    ...{ worker, terminals, actors },
    async stop() {
      for (const terminal of terminals) await terminal.control({ release: true }).catch(() => {});
      await worker.stop();
      await remove();
    },
  };
}

export function accountsOf({ accounts }: Scale): { account: AccountRef; password: string }[] {
  return Array.from({ length: accounts }, (_, index) => {
    const login = String(FIRST_LOGIN + index);
    return { account: { login, server: SERVER }, password: `pool-${login}` };
  });
}

/** The processes alone, each with a broker of its own that knows all accounts. */
export async function startTerminals(scale: Scale) {
  const dir = mkdtempSync(join(tmpdir(), "switchyard-pool-"));
  const books = Array.from({ length: scale.terminals }, (_, index) => join(dir, `book-${index}`));
  const terminals = await Promise.all(books.map((book) => startTerminal(scale, book)));
  const remove = async (): Promise<void> => {
    for (const { line } of terminals) line.close();
    await Promise.all(terminals.map(({ server }) => server.stop()));
    rmSync(dir, { recursive: true });
  };
  return { dir, terminals, remove };
}

/** Everybody trades until `until` holds; whoever is refused comes back. */
export async function tradeAll({ worker, actors }: Office, deals: Deal[], until: () => boolean): Promise<void> {
  await Promise.all(actors.map((actor) => tradeUntil(worker, actor, deals, until)));
}

async function tradeUntil(worker: WorkerFixture, actor: Actor, deals: Deal[], until: () => boolean): Promise<void> {
  const { login } = actor.account;
  // By turns, because an unknown opening stops others of its symbol.
  for (let turn = 0; !until(); turn++) {
    const symbol = turn % 2 === 0 ? "EURUSD" : "XAUUSD";
    const askedMs = performance.now();
    const call = worker.trade(actor, { symbol }, { notAfterMs: askedMs + PATIENCE_MS });
    const outcome = await worker.run(call);
    deals.push({ login, tag: String(call.body.tag), askedMs, endedMs: performance.now(), outcome });
    await pause(THINK_MS);
  }
}

async function startTerminal({ accounts, loginMs, sendMs = 0 }: Scale, bookFile: string): Promise<Terminal> {
  const setup = `
import MetaTrader5 as mt5
for login in range(${FIRST_LOGIN}, ${FIRST_LOGIN + accounts}):
    mt5._t.books[("${SERVER}", login)] = mt5._Account(
        login, "${SERVER}", "pool-%d" % login, "", mt5._HEDGING, "USD", 1000000.0, 0)
mt5._t.login_ms = ${loginMs}
mt5._t.send_ms = ${sendMs}
mt5._keep_book(${JSON.stringify(bookFile)})
`;
  const start = async (): Promise<{ server: RpycServer; line: RpcConnection }> => {
    const server = await startRpycServer({ pythonPath: ["tests/support/mt5"], setup });
    const line = await connectRpc({ host: server.host, port: server.port }, { handshakeTimeoutMs: TIMEOUT_MS });
    await line.execute("import MetaTrader5", TIMEOUT_MS);
    return { server, line };
  };
  const { server, line } = await start();
  const seen = async () => JSON.parse(String(await line.evaluate("MetaTrader5._seen()", TIMEOUT_MS)));
  return {
    ...{ server, line },
    async control(order) {
      // A JSON string of plain ASCII is a Python literal too.
      await line.evaluate(`MetaTrader5._control(${JSON.stringify(JSON.stringify(order))})`, TIMEOUT_MS);
    },
    async logins() {
      const { calls } = await seen();
      return (calls as string[]).filter((call) => call === "login").length;
    },
    async hanging() {
      const { sendings } = await seen();
      return (sendings as SendCall[]).filter(({ ended_ms }) => ended_ms === null).map(({ login }) => String(login));
    },
    async ledger() {
      // Another process on the same book: the first one may be dead, or hang.
      const reader = await start();
      try {
        return JSON.parse(String(await reader.line.evaluate("MetaTrader5._ledger()", TIMEOUT_MS)));
      } finally {
        reader.line.close();
        await reader.server.stop();
      }
    },
  };
}
