// Scripted faults of a simulated terminal: what goes wrong with its next call of a kind, one after the other. Pure.
import type { LastError } from "../mt5/mod.ts";
import type { AccountRef } from "../protocol.ts";

/** `executes`: the broker carries the order out although the terminal does not say so. */
export type SendFault =
  /** The connection breaks before the request arrives: the terminal's process never hears of it. */
  | { kind: "lost_request" }
  /** The order is carried out, and the connection breaks before the answer is back. */
  | { kind: "lost_reply" }
  /** `order_send` does not return before `until`. The order is at the broker from the beginning, or not at all. */
  | { kind: "hang"; until: Promise<void>; executes: boolean }
  /** `order_send` answers this return code. */
  | { kind: "retcode"; retcode: number; executes: boolean }
  /** `order_send` returns None. */
  | { kind: "none"; lastError: LastError; executes: boolean }
  /** Somebody at the terminal's window changes the account while `order_send` runs; null: logs it out. */
  | { kind: "switch_account"; to: AccountRef | null };

export type LoginFault =
  /** The broker takes this long to answer. */
  | { kind: "slow"; ms: number }
  /** The broker never judges the password. */
  | { kind: "no_connection"; lastError: LastError }
  /** The connection to the terminal's process breaks while it logs in; the login happens. */
  | { kind: "lost_reply" };

/** For `read`, `history` and `records`. */
export type ReadFault =
  /** This call returns None. */
  { kind: "failed"; call: string; lastError: LastError } | { kind: "lost_reply" };

/** Each fault serves one call, in the order they were added; a call without one goes well. */
export class FaultScript {
  readonly #sends: SendFault[] = [];
  readonly #logins: LoginFault[] = [];
  readonly #reads: ReadFault[] = [];

  addSend(fault: SendFault): void {
    this.#sends.push(fault);
  }

  addLogin(fault: LoginFault): void {
    this.#logins.push(fault);
  }

  addRead(fault: ReadFault): void {
    this.#reads.push(fault);
  }

  takeSend(): SendFault | undefined {
    return this.#sends.shift();
  }

  takeLogin(): LoginFault | undefined {
    return this.#logins.shift();
  }

  takeRead(): ReadFault | undefined {
    return this.#reads.shift();
  }
}
