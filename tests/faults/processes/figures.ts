// What a campaign did, in figures: printed as one JSON line at its end.
import type { Violation } from "../invariants/mod.ts";
import type { Hit } from "./campaign.ts";
import type { World } from "./world.ts";

type Done = { hit: Hit; states: ReadonlyMap<string, string>; broken: readonly Violation[]; tookMs: number };

export class Figures {
  readonly #fired = new Map<string, number>();
  readonly #states = new Map<string, number>();
  #runs = 0;
  #broken = 0;
  #slowestMs = 0;

  add(name: string, { hit, states, broken, tookMs }: Done): void {
    this.#runs += 1;
    this.#broken += broken.length;
    this.#slowestMs = Math.max(this.#slowestMs, Math.round(tookMs));
    this.#fired.set(name, (this.#fired.get(name) ?? 0) + hit.fired);
    for (const state of states.values()) this.#states.set(state, (this.#states.get(state) ?? 0) + 1);
  }

  summary({ booked, rows, undelivered }: World): object {
    return {
      layer: "processes",
      runs: this.#runs,
      commands: rows.length,
      orders: booked.length,
      undelivered,
      invariants_broken: this.#broken,
      slowest_run_ms: this.#slowestMs,
      states: Object.fromEntries(this.#states),
      fired: Object.fromEntries(this.#fired),
    };
  }
}
