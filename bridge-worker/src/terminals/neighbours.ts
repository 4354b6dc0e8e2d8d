// What the terminals of one worker know of each other. Two names that lead to one process, or two processes that drive
// one MetaTrader, would move each other's account; neither can be seen from one terminal alone.
import { type AccountRef, isSameAccount } from "../protocol.ts";

export type Neighbour = { readonly name: string; readonly epoch: string | null; readonly account: AccountRef | null };

export class Neighbours {
  readonly #all: Neighbour[] = [];

  join(neighbour: Neighbour): void {
    this.#all.push(neighbour);
  }

  /** The other terminal whose process this is. */
  inProcess(self: Neighbour, epoch: string): string | undefined {
    return this.#all.find((one) => one !== self && one.epoch === epoch)?.name;
  }

  /** The other terminal that is on this account. */
  onAccount(self: Neighbour, account: AccountRef): string | undefined {
    const there = (one: Neighbour): boolean => one.account !== null && isSameAccount(one.account, account);
    return this.#all.find((one) => one !== self && there(one))?.name;
  }
}
