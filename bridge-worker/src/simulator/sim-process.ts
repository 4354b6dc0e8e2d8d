// The process of one simulated terminal: what survives when a worker's connection to it breaks. Ports come and go; the
// account shown, the owner, the tags and the terminal's lock stay here.
import { randomUUID } from "node:crypto";
import type { TerminalFacts } from "../mt5/mod.ts";
import type { AccountRef } from "../protocol.ts";
import { FaultScript } from "./faults.ts";
import type { Access } from "./sim-accounts.ts";
import { TagRegistry } from "./sim-tags.ts";

const BUILD = 5000;
const PING_MICROSECONDS = 40_000;

export class SimProcess {
  /** The folder of the terminal's program, as `terminal_info` shows it. */
  readonly path: string;
  readonly tags: TagRegistry;
  /** What this process is called; another one remembers nothing of its tags. */
  readonly epoch = randomUUID();
  readonly faults = new FaultScript();
  /** Whoever opened last. */
  owner: string | null = null;
  /** The account logged in, and what its password permits. */
  shown: { account: AccountRef; access: Access } | null = null;
  /** False: nobody can connect to the process; what is connected is not cut. */
  isReachable = true;
  /** False: the terminal was closed at its window; `open` and `login` start it again. */
  isRunning = true;
  /** To the broker. */
  isConnected = true;
  /** The AutoTrading button. */
  isAutoTradingOn = true;
  /** The option that forbids Python to trade. */
  isApiDisabled = false;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: { path: string; tags?: TagRegistry }) {
    this.path = options.path;
    this.tags = options.tags ?? new TagRegistry();
  }

  /** Somebody at the terminal's window logs in to another account, or out. */
  switchBehindBack(account: AccountRef | null): void {
    this.shown = account === null ? null : { account, access: "trade" };
  }

  /** MetaTrader does one thing at a time: `work` runs when everything asked for before it has ended. */
  exclusive<T>(work: () => T | Promise<T>): Promise<T> {
    const run = this.#tail.then(work);
    this.#tail = run.catch(() => undefined);
    return run;
  }

  describe(): TerminalFacts {
    return {
      connected: this.isConnected,
      trade_allowed: this.isAutoTradingOn,
      tradeapi_disabled: this.isApiDisabled,
      build: BUILD,
      path: this.path,
      ping_last: this.isConnected ? PING_MICROSECONDS : 0,
    };
  }
}
