// A real RPyC server with the MetaTrader5 double behind it, and a line of its own to the double's ledger: what the broker
// truly did, whatever anyone answered.
import { connectRpc, type RpcConnection } from "../../bridge-worker/src/rpyc/mod.ts";
import { type RpycServer, startRpycServer } from "./rpyc-server.ts";

const TIMEOUT_MS = 10_000;

export type LedgerEntry = {
  login: string;
  server: string;
  magic: string;
  comment: string;
  ticket: string;
  action: number;
  symbol: string;
  type: number;
  volume: number;
  /** The position that a close named. */
  position: string | null;
  /** There is one position more than before. */
  opened: boolean;
  /** Unix milliseconds. */
  time_ms: number;
};

/** One call of `order_send`; `ended_ms` null: it runs, or its process was killed in it. Unix milliseconds. */
export type SendCall = {
  tag: string;
  login: string | null;
  server: string | null;
  pid: number;
  began_ms: number;
  ended_ms: number | null;
};

export type BrokerDouble = {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  ledger(): Promise<LedgerEntry[]>;
  /** Faults and settings; see `_control` in tests/support/mt5/MetaTrader5.py. */
  control(order: Record<string, unknown>): Promise<void>;
  /** Gives an account of the double another trading password. */
  setPassword(login: string, server: string, password: string): Promise<void>;
  /** Which calls it was asked, how many order_send hang, and every order_send of this broker. */
  seen(): Promise<{ calls: string[]; hanging: number; sendings: SendCall[] }>;
  /** SIGKILL to the terminal's process, and a new one at another port. With a book file the broker remembers. */
  replaceProcess(): Promise<void>;
  stop(): Promise<void>;
};

/** `bookFile`: where the broker's book and ledger outlive the process. */
export async function startBrokerDouble(options: { bookFile?: string } = {}): Promise<BrokerDouble> {
  const { bookFile } = options;
  const keep =
    bookFile === undefined ? {} : { setup: `import MetaTrader5; MetaTrader5._keep_book(${quote(bookFile)})` };
  let server: RpycServer;
  let line: RpcConnection;
  const start = async (): Promise<void> => {
    server = await startRpycServer({ pythonPath: ["tests/support/mt5"], ...keep });
    line = await connectRpc({ host: server.host, port: server.port }, { handshakeTimeoutMs: TIMEOUT_MS });
    await line.execute("import MetaTrader5", TIMEOUT_MS);
  };
  await start();
  const ask = async (expression: string): Promise<string> => String(await line.evaluate(expression, TIMEOUT_MS));
  return {
    get host() {
      return server.host;
    },
    get port() {
      return server.port;
    },
    get pid() {
      return server.pid;
    },
    ledger: async () => JSON.parse(await ask("MetaTrader5._ledger()")) as LedgerEntry[],
    control: async (order) => void (await ask(`MetaTrader5._control(${quote(JSON.stringify(order))})`)),
    async setPassword(login, server, password) {
      const key = JSON.stringify([server, Number(login)]);
      await line.execute(`MetaTrader5._t.books[tuple(${key})].password = ${quote(password)}`, TIMEOUT_MS);
    },
    seen: async () => JSON.parse(await ask("MetaTrader5._seen()")) as Awaited<ReturnType<BrokerDouble["seen"]>>,
    async replaceProcess() {
      await server.kill();
      line.close();
      await start();
    },
    async stop() {
      line.close();
      await server.stop();
    },
  };
}

/** A JSON string is a Python literal too, as long as it is plain ASCII. */
function quote(text: string): string {
  return JSON.stringify(text);
}
