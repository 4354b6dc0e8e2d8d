// A worker's connection to a terminal: the simulator's own port to whatever process is there now, until the worker dies or
// the process does.
import { type ReadParts, TerminalLost, type TerminalPort } from "../../../bridge-worker/src/mt5/mod.ts";
import { createSimTerminal, type SimBroker, type SimProcess } from "../../../bridge-worker/src/simulator/mod.ts";
import type { Lifeline } from "./lifeline.ts";
import type { Loop } from "./loop.ts";
import { type Struck, strikeLogin, strikeRead, strikeSend } from "./strikes.ts";

/** A broken build of the guard: stands between the worker's port and the terminal. */
export type WrapGuard = (port: TerminalPort, inside: Inside) => TerminalPort;
/** What a guard sees of where it runs. */
export type Inside = {
  process: () => SimProcess;
  broker: SimBroker;
  now: () => number;
  wallClock: () => number;
  brokerClock: () => number;
};

/** The terminal behind the port. */
export type Host = {
  name: string;
  broker: SimBroker;
  wallClock: () => number;
  brokerClock: () => number;
  /** As it is now: the process may be another one at the next call. */
  struck: () => Struck;
  onConnected: (port: TerminalPort) => void;
  onSend: (tag: number, owner: string) => void;
  /** A worker has heard how the send of this tag ended. */
  onTold: (tag: number) => void;
  onJudged: (account: { login: string; server: string }, isAccepted: boolean) => void;
};

/** `owner` names the worker's life, `now` is its clock. */
export function hostPort(host: Host, owner: string, now: () => number, life: Lifeline, wrap: WrapGuard): TerminalPort {
  let inner: TerminalPort | undefined;
  let process: SimProcess | undefined;
  const current = (): TerminalPort => {
    if (inner === undefined || process !== host.struck().process)
      throw new TerminalLost("connection", "The terminal's process is another one");
    return inner;
  };
  const connect = (): TerminalPort => {
    const { process: present, loop } = host.struck();
    if (inner !== undefined && process === present) return inner;
    process = present;
    const { name, broker, wallClock, brokerClock } = host;
    const wait = (ms: number, signal?: AbortSignal): Promise<void> => limitedSleep(loop, ms, signal);
    const real = createSimTerminal({ name, broker, owner, now, wait, utcNow: brokerClock, process });
    inner = wrap(real, { process: () => host.struck().process, broker, now, wallClock, brokerClock });
    host.onConnected(inner);
    return inner;
  };
  const reading = (parts: ReadParts = {}): TerminalPort => {
    const port = current();
    // Positions, orders and no symbol: beside it only the removal of an order is prepared so.
    strikeRead(host.struck(), Object.keys(parts).sort().join() === "orders,positions");
    return port;
  };
  life.onDeath(() => {
    // The system may take long to notice that the other end is gone, or never.
    if (inner !== undefined && host.struck().random.chance(0.7)) void inner.close();
  });
  return {
    name: host.name,
    open: () => life.through(async () => await connect().open()),
    login: (account, password, timeoutMs) =>
      life.through(async () => {
        const port = current();
        strikeLogin(host.struck());
        const reply = await port.login(account, password, timeoutMs);
        if (reply.kind === "ok" || reply.reason === "auth_failed") host.onJudged(account, reply.kind === "ok");
        return reply;
      }),
    account: (account, timeoutMs) => life.through(async () => await reading().account(account, timeoutMs)),
    read: (account, parts, timeoutMs) => life.through(async () => await reading(parts).read(account, parts, timeoutMs)),
    send: (order) =>
      life.through(async () => {
        const port = current();
        host.onSend(order.tag, owner);
        strikeSend(host.struck(), order);
        const reply = await port.send(order);
        host.onTold(order.tag);
        return reply;
      }),
    query: (tag) => life.through(async () => await current().query(tag)),
    poison: (tag, commandId, epoch) =>
      life.through(async () => {
        const state = await current().poison(tag, commandId, epoch);
        if (state.kind === "finished" || state.kind === "poisoned") host.onTold(tag);
        return state;
      }),
    history: (account, query, timeoutMs) =>
      life.through(async () => await reading().history(account, query, timeoutMs)),
    records: (account, query, timeoutMs) =>
      life.through(async () => await reading().records(account, query, timeoutMs)),
    close: () => life.through(async () => await inner?.close()),
  };
}

/** Resolves after `ms`; rejects when the signal aborts first. */
function limitedSleep(loop: Loop, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const callOff = loop.after(ms, resolve);
    signal?.addEventListener("abort", () => {
      callOff();
      reject(new Error("the limit was called off"));
    });
  });
}
