// One terminal of the run: the process behind it, which can be restarted, moved to another account or cut off, and the
// observer's record of every order that was sent there.
import type { TerminalPort } from "../../../bridge-worker/src/mt5/mod.ts";
import type { AccountRef } from "../../../bridge-worker/src/protocol.ts";
import { type SimBroker, SimProcess } from "../../../bridge-worker/src/simulator/mod.ts";
import type { Sending } from "../invariants/mod.ts";
import type { FaultPlan } from "./faults.ts";
import { hostPort, type WrapGuard } from "./host-port.ts";
import type { Lifeline } from "./lifeline.ts";
import type { Loop } from "./loop.ts";
import type { Observer } from "./observer.ts";
import type { Oddities } from "./paper-broker.ts";
import type { Random } from "./random.ts";
import type { Struck } from "./strikes.ts";

export type HostOptions = {
  name: string;
  loop: Loop;
  random: Random;
  plan: FaultPlan;
  broker: SimBroker;
  elsewhere: readonly AccountRef[];
  oddities: Oddities;
  /** Of the machine, and of the broker. */
  wallClock: () => number;
  brokerClock: () => number;
  observer: Pick<Observer, "sendings" | "logins">;
  trace: (what: string) => void;
};

const RESTART_LATER_MS = 5_000;
/** A signature and a write, with room. */
const WRITTEN_WITHIN_MS = 5_000;

export class TerminalHost {
  readonly name: string;
  /** Tags in whose send somebody switched the terminal: the order may be on either account. */
  readonly disturbed = new Set<number>();
  /** Of these, orders that certainly went astray, as long as only this process can tell: it lives on until it has told. */
  readonly #untold = new Set<number>();
  readonly #options: HostOptions;
  #process: SimProcess;
  readonly #open = new Set<TerminalPort>();
  /** Tag → whose send it was that asked for it. */
  readonly #askedBy = new Map<number, string>();
  /** Orders that are being sent by the process of now. */
  #running = new Map<number, Sending>();

  constructor(options: HostOptions) {
    this.name = options.name;
    this.#options = options;
    this.#process = this.#newProcess();
  }

  get process(): SimProcess {
    return this.#process;
  }

  /** The process ends and another one begins: it knows no tag, and nobody is connected to it. */
  readonly restart = (): void => {
    if (this.#untold.size > 0) return void this.#options.loop.after(RESTART_LATER_MS, this.restart);
    this.#options.trace(`${this.name} restarts`);
    const shown = this.#process.shown;
    this.#process = this.#newProcess();
    // A terminal comes back on the account it was left on.
    this.#process.shown = shown;
    for (const port of this.#open) void port.close();
    this.#open.clear();
  };

  moveByHand(): void {
    this.#switchTo(this.#options.random.pick(this.#options.elsewhere));
  }

  /** Something of this terminal does not work until the answer is called. */
  cut(what: "isConnected" | "isAutoTradingOn" | "isReachable"): () => void {
    const process = this.#process;
    process[what] = false;
    return () => {
      process[what] = true;
    };
  }

  heal(): void {
    Object.assign(this.#process, { isConnected: true, isAutoTradingOn: true, isReachable: true });
  }

  /** A worker's connection. `owner` names the worker's life, `now` is its clock. */
  port(owner: string, now: () => number, life: Lifeline, wrap: WrapGuard = (port) => port): TerminalPort {
    const { broker, wallClock, brokerClock, observer, loop } = this.#options;
    const host = {
      ...{ name: this.name, broker, wallClock, brokerClock, struck: () => this.#struck() },
      // Whoever lives on for a while has written down what he was told.
      onTold: (tag: number) => void life.after(WRITTEN_WITHIN_MS, () => void this.#untold.delete(tag)),
      onConnected: (port: TerminalPort) => void this.#open.add(port),
      onSend: (tag: number, by: string) => void this.#askedBy.set(tag, by),
      onJudged: ({ login, server }: AccountRef, ok: boolean) =>
        void observer.logins.push({ atMs: loop.now, login, server, ok }),
    };
    return hostPort(host, owner, now, life, wrap);
  }

  #struck(): Struck {
    const { loop, random, plan, elsewhere } = this.#options;
    const process = this.#process;
    return {
      ...{ process, loop, random, plan, elsewhere, restart: this.restart },
      switchTo: (account) => this.#switchTo(account),
      // Something else in the terminal's process takes its time.
      holdLock: (ms) => void process.exclusive(() => loop.sleep(ms)),
      disturb: (tag) => void this.disturbed.add(tag),
      mark: (tag, oddity) => {
        this.#options.oddities.orders.set(tag, { ...this.#options.oddities.orders.get(tag), ...oddity });
        if (oddity.strays !== undefined) this.#untold.add(tag);
      },
    };
  }

  #switchTo(account: AccountRef): void {
    this.#options.trace(`${this.name} is switched to ${account.login} on ${account.server}`);
    for (const tag of this.#running.keys()) this.disturbed.add(tag);
    this.#process.switchBehindBack(account);
  }

  /** A process whose own step from waiting to sending, and whose end of it, are written down. */
  #newProcess(): SimProcess {
    const { name } = this;
    const { loop, observer, random } = this.#options;
    const process = new SimProcess({ path: `C:\\Simulated\\${name}` });
    Object.defineProperty(process, "epoch", { value: random.uuid() });
    const { tags } = process;
    const start = tags.startSending.bind(tags);
    const settle = tags.settle.bind(tags);
    const running = new Map<number, Sending>();
    this.#running = running;
    tags.startSending = (entry) => {
      const may = start(entry);
      if (may && process.shown !== null) {
        const { login, server } = process.shown.account;
        const sending: Sending = {
          ...{
            tag: entry.tag,
            terminal: name,
            process: process.epoch,
            login,
            server,
            beganMs: loop.now,
            endedMs: null,
          },
          ...{ owner: this.#askedBy.get(entry.tag) ?? "", owned: process.owner },
        };
        observer.sendings.push(sending);
        running.set(entry.tag, sending);
      }
      return may;
    };
    tags.settle = (entry, reply) => {
      const sending = running.get(entry.tag);
      if (sending !== undefined) sending.endedMs = loop.now;
      running.delete(entry.tag);
      return settle(entry, reply);
    };
    return process;
  }
}
