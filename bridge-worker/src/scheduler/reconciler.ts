// Settles commands whose outcome is not known: those that a crash interrupted and those whose answer was lost. Each account
// by itself (settle-lane.ts): one that cannot be looked into delays no other, and nobody's question makes the worker
// look into somebody else's account.
import type { OpenIntent } from "../journal/mod.ts";
import { type AccountRef, laneKey } from "../protocol.ts";
import { LaneSettler, type SettleDeps } from "./settle-lane.ts";

export class Reconciler {
  readonly #deps: SettleDeps;
  readonly #lanes = new Map<string, LaneSettler>();
  #stopped = false;

  constructor(deps: SettleDeps) {
    this.#deps = deps;
  }

  /** A command of this account has become unknown: attempts begin anew, from the shortest pause. */
  wake(account: AccountRef): void {
    if (!this.#stopped) this.#lane(account).wake();
  }

  /** Somebody asks: one attempt now, at most one in ten seconds and account. Resolves when it has ended. */
  onDemand(account: AccountRef): Promise<void> {
    return this.#lane(account).onDemand();
  }

  /** After a start: one attempt for every account, queued before this returns, then on schedule. */
  async start(open: readonly OpenIntent[]): Promise<void> {
    const lanes = [...Map.groupBy(open, ({ account }) => laneKey(account)).values()];
    const settlers = lanes.flatMap(([first]) => (first === undefined ? [] : [this.#lane(first.account)]));
    await Promise.all(settlers.map((settler) => settler.attempt(true).then(() => settler.wake())));
  }

  /** What becomes unknown from now on waits for the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#lanes.values()].map((settler) => settler.stop()));
  }

  #lane(account: AccountRef): LaneSettler {
    const key = laneKey(account);
    let settler = this.#lanes.get(key);
    if (settler === undefined) {
      settler = new LaneSettler(this.#deps, account, () => this.#lanes.delete(key));
      this.#lanes.set(key, settler);
    }
    return settler;
  }
}
