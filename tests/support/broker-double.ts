// A real RPyC server with the MetaTrader5 double behind it, and a line of its own to the double's ledger: what the broker
// truly did, whatever anyone answered.
import { connectRpc } from "../../bridge-worker/src/rpyc/mod.ts";
import { startRpycServer } from "./rpyc-server.ts";

const TIMEOUT_MS = 10_000;

export type LedgerEntry = { login: string; server: string; magic: string; comment: string; ticket: string };

export type BrokerDouble = {
  host: string;
  port: number;
  pid: number;
  ledger(): Promise<LedgerEntry[]>;
  /** Faults and settings; see `_control` in tests/support/mt5/MetaTrader5.py. */
  control(order: Record<string, unknown>): Promise<void>;
  /** Gives an account of the double another trading password. */
  setPassword(login: string, server: string, password: string): Promise<void>;
  /** Which calls it was asked, and how many order_send hang. */
  seen(): Promise<{ calls: string[]; hanging: number }>;
  stop(): Promise<void>;
};

export async function startBrokerDouble(): Promise<BrokerDouble> {
  const server = await startRpycServer({ pythonPath: ["tests/support/mt5"] });
  const line = await connectRpc({ host: server.host, port: server.port }, { handshakeTimeoutMs: TIMEOUT_MS });
  await line.execute("import MetaTrader5", TIMEOUT_MS);
  const ask = async (expression: string): Promise<string> => String(await line.evaluate(expression, TIMEOUT_MS));
  return {
    host: server.host,
    port: server.port,
    pid: server.pid,
    ledger: async () => JSON.parse(await ask("MetaTrader5._ledger()")) as LedgerEntry[],
    // A JSON text inside a JSON text is a Python literal too, as long as it is plain ASCII.
    control: async (order) => void (await ask(`MetaTrader5._control(${JSON.stringify(JSON.stringify(order))})`)),
    async setPassword(login, server, password) {
      const key = JSON.stringify([server, Number(login)]);
      await line.execute(`MetaTrader5._t.books[tuple(${key})].password = ${JSON.stringify(password)}`, TIMEOUT_MS);
    },
    seen: async () => JSON.parse(await ask("MetaTrader5._seen()")) as { calls: string[]; hanging: number },
    async stop() {
      line.close();
      await server.stop();
    },
  };
}
