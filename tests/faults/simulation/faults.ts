// What can go wrong, how often in this run, and how often it did inside its window: while something of ours depended on
// it. Each run has its own mixture, made from the seed, so that rare faults meet each other undiluted.
import type { Random } from "./random.ts";

/** Chance per opportunity when a fault is in the mixture at full strength. */
export const Faults = {
  // While an order is being sent
  send_hangs_executed: 0.06,
  send_hangs_not_executed: 0.06,
  send_slow: 0.1,
  send_answer_lost: 0.08,
  send_request_lost: 0.06,
  send_rejected: 0.05,
  send_10012_executed: 0.06,
  send_10012_not_executed: 0.05,
  send_none_executed: 0.06,
  send_none_not_executed: 0.05,
  switched_before_send: 0.08,
  switched_inside_send: 0.06,
  switched_to_same_login_elsewhere: 0.06,
  lock_held_before_send: 0.05,
  terminal_restarted_in_send: 0.06,
  // At the terminal otherwise
  login_slow: 0.1,
  login_no_connection: 0.06,
  login_answer_lost: 0.06,
  read_failed: 0.05,
  read_answer_lost: 0.05,
  last_look_lost: 0.5,
  moved_by_hand: 0.03,
  broker_link_lost: 0.02,
  trading_switched_off: 0.015,
  terminal_unreachable: 0.02,
  // At the broker
  order_strays: 0.05,
  filled_in_part: 1,
  stopped_at_once: 1,
  marks_overwritten: 1,
  records_late: 1,
  lists_late: 1,
  // Between function and worker
  frame_dropped: 0.04,
  frame_delayed: 0.1,
  frame_duplicated: 0.06,
  frame_reordered: 0.06,
  frame_replayed_elsewhere: 0.05,
  frame_held: 0.04,
  greeting_late: 0.5,
  link_reset: 0.04,
  link_cut_towards_worker: 0.03,
  link_cut_towards_function: 0.03,
  post_lost: 0.3,
  post_answer_lost: 0.3,
  // Between function and database
  database_down_at_submit: 0.03,
  database_down_at_complete: 0.1,
  database_slow: 0.06,
  database_answer_lost_at_submit: 0.05,
  database_answer_lost_at_complete: 0.08,
  database_reset: 0.01,
  // Ends of processes
  worker_killed: 0.012,
  killed_before_intent: 0.05,
  killed_after_intent: 0.05,
  killed_before_outcome: 0.04,
  killed_after_outcome: 0.04,
  killed_before_unknown: 0.06,
  killed_after_unknown: 0.06,
  killed_before_tombstone: 0.5,
  killed_after_tombstone: 0.5,
  killed_before_acknowledgement: 0.5,
  killed_after_acknowledgement: 0.5,
  killed_before_confirmation: 0.03,
  killed_after_confirmation: 0.03,
  killed_before_proof: 0.05,
  killed_after_proof: 0.05,
  journal_write_failed: 0.01,
  journal_lost: 0.3,
  function_killed: 0.02,
  worker_stalled: 0.02,
  worker_clock_jumped: 0.01,
  clock_behind_at_start: 0.3,
  clock_ahead_at_start: 0.3,
  signing_slow: 0.15,
} as const;

/** Named points of the worker's writes → the fault that ends it there. */
export const DEATHS: Readonly<Record<string, Fault>> = {
  "before recordIntent": "killed_before_intent",
  "after recordIntent": "killed_after_intent",
  "before final": "killed_before_outcome",
  "after final": "killed_after_outcome",
  "before unknown": "killed_before_unknown",
  "after unknown": "killed_after_unknown",
  "before tombstone": "killed_before_tombstone",
  "after tombstone": "killed_after_tombstone",
  "before acknowledge": "killed_before_acknowledgement",
  "after acknowledge": "killed_after_acknowledgement",
  "before confirmDelivery": "killed_before_confirmation",
  "after confirmDelivery": "killed_after_confirmation",
  "before prove": "killed_before_proof",
  "after prove": "killed_after_proof",
};

export type Fault = keyof typeof Faults;
export const FaultNames = Object.keys(Faults) as Fault[];

export type Fired = Record<Fault, number>;

export function noneFired(): Fired {
  return Object.fromEntries(FaultNames.map((name) => [name, 0])) as Fired;
}

/** A third of the faults are in a run's mixture; these change what a run may promise and are rarer. */
const SHARE = 0.35;
const RARE: Partial<Record<Fault, number>> = {
  marks_overwritten: 0.08,
  records_late: 0.2,
  lists_late: 0.3,
  clock_behind_at_start: 0.15,
  clock_ahead_at_start: 0.15,
  database_reset: 0.1,
  journal_lost: 0.15,
};

export class FaultPlan {
  readonly fired = noneFired();
  readonly #random: Random;
  readonly #strength: Record<Fault, number>;
  #isOver = false;

  /** `only`: exactly these, and whenever they can. */
  constructor(random: Random, only?: readonly Fault[]) {
    this.#random = random;
    this.#strength = noneFired();
    for (const name of FaultNames) {
      if (only !== undefined) this.#strength[name] = only.includes(name) ? 1 : 0;
      else if (random.chance(RARE[name] ?? SHARE)) this.#strength[name] = Faults[name] * random.between(0.3, 1);
    }
  }

  /** Does it happen now? Only to be asked where it would happen inside its window. */
  strikes(name: Fault): boolean {
    if (this.#isOver || this.#strength[name] === 0 || !this.#random.chance(this.#strength[name])) return false;
    this.fired[name] += 1;
    return true;
  }

  /** In the mixture; what it does to whom is decided and counted elsewhere. */
  includes(name: Fault): boolean {
    return !this.#isOver && this.#strength[name] > 0;
  }

  count(name: Fault): void {
    this.fired[name] += 1;
  }

  /** From now on everything works. */
  heal(): void {
    this.#isOver = true;
  }

  /** What the seed has decided, for whoever replays it. */
  describe(): string {
    const names = FaultNames.filter((name) => this.#strength[name] > 0);
    return names.map((name) => `${name} ${this.#strength[name].toFixed(3)}`).join(", ");
  }
}
