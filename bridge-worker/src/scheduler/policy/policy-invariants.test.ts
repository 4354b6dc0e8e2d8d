// Whatever comes in, ends, fails or is taken away, in any order: what must always hold. A model beside the policy keeps
// its own record of who is where, and disagrees loudly.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Desk } from "./testdata/desk.ts";
import type { Decision, TerminalState, Work, WorkKind } from "./work.ts";

const TERMINALS = 3;
const LANES = 6;
const KINDS: readonly WorkKind[] = ["read", "read", "open", "close", "change", "verify"];
const STATES: readonly TerminalState[] = ["up", "up", "held", "draining", "quarantined", "disconnected"];

type Spot = { state: TerminalState; account: string | null; leaves: string | null; running: Work | null };

class Model {
  readonly desk = new Desk({ terminals: TERMINALS, params: { settleMs: 100, doubtfulShare: 0.5 } });
  readonly spots = new Map<string, Spot>(
    Array.from({ length: TERMINALS }, (_, index) => [
      `t${index + 1}`,
      { state: "up", account: null, leaves: null, running: null },
    ]),
  );
  /** Waiting works in order of submission. */
  readonly waiting: Work[] = [];
  #id = 0;

  submit(lane: number, kind: WorkKind, timeMs: number, proven: boolean, maxAgeMs: number): void {
    this.#id += 1;
    const { nowMs } = this.desk;
    const work: Work = {
      ...{ id: `w${this.#id}`, lane: `L${lane}`, server: `S${lane % 2}`, user: `U${lane % 3}`, kind, proven, maxAgeMs },
      ...{ arrivedMs: nowMs, deadlineMs: nowMs + timeMs, snapshotable: true },
    };
    const admission = this.desk.policy.submit(nowMs, work);
    if (admission.kind === "queued") this.waiting.push(work);
    if (admission.kind === "refused") assert.ok(admission.retryAfterMs >= 100 || admission.reason === "slow_login");
    if (admission.kind !== "snapshot") return;
    assert.ok(proven && kind === "read" && admission.takenAtMs >= nowMs - maxAgeMs);
    this.#noChangeBefore(work);
  }

  decide(): void {
    for (const decision of this.desk.decisions()) this.#check(decision);
  }

  finish(terminal: string, onAccount: boolean, hasSnapshot: boolean): void {
    const spot = this.#spot(terminal);
    const work = spot.running;
    if (work === null) return;
    const { nowMs } = this.desk;
    const snapshotAtMs = hasSnapshot && work.kind === "read" ? nowMs : null;
    const exposed = snapshotAtMs === null ? null : nowMs % 2 === 0;
    spot.running = null;
    spot.leaves = null;
    if (!onAccount || !["up", "held"].includes(spot.state)) spot.account = null;
    this.#answer(
      work.lane,
      this.desk.policy.finished(nowMs, terminal, {
        ...{ loginMs: onAccount ? 700 : null, workMs: 50, snapshotAtMs, exposed, onAccount },
        stranded: !onAccount && nowMs % 2 === 0,
      }),
    );
  }

  depart(terminal: string): void {
    const spot = this.#spot(terminal);
    const lane = spot.leaves;
    spot.leaves = null;
    const answered = this.desk.policy.departed(this.desk.nowMs, terminal, {
      ...{ snapshotAtMs: this.desk.nowMs, exposed: false },
    });
    if (lane === null) assert.deepEqual(answered, []);
    else this.#answer(lane, answered);
  }

  change(terminal: string, state: TerminalState): void {
    const spot = this.#spot(terminal);
    spot.state = state;
    if (spot.running === null && !["up", "held"].includes(state)) spot.account = null;
    this.desk.policy.terminalChanged(this.desk.nowMs, terminal, state);
  }

  cancel(index: number): void {
    const work = this.waiting[index % Math.max(1, this.waiting.length)];
    if (work === undefined) return;
    assert.equal(this.desk.policy.cancel(this.desk.nowMs, work.id), true);
    this.#remove(work);
  }

  #check(decision: Decision): void {
    const { work } = decision;
    const index = this.#remove(work);
    if (decision.kind === "expire") return;
    const spot = this.#spot(decision.terminal);
    assert.equal(spot.running, null, "one work on a terminal");
    assert.equal(spot.state, "up", "only on a terminal that is up");
    assert.ok(this.desk.nowMs < work.deadlineMs, "nothing begins after its deadline");
    for (const other of this.spots.values()) {
      assert.notEqual(other.leaves, work.lane, "not while another terminal still reads the account");
      if (other !== spot) assert.notEqual(other.account, work.lane, "an account is on one terminal");
    }
    if (decision.kind === "run") assert.equal(spot.account, work.lane);
    else spot.leaves = decision.farewell?.lane ?? null;
    spot.account = work.lane;
    spot.running = work;
    // Behind a change that came before it, nothing but a verification begins.
    if (work.kind !== "verify")
      assert.equal(this.#changeBefore(work.lane, index), undefined, "changes keep their order");
  }

  #answer(lane: string, answered: readonly Work[]): void {
    for (const work of answered) {
      assert.deepEqual([work.lane, work.kind, work.proven], [lane, "read", true]);
      this.#noChangeBefore(work);
      this.#remove(work);
    }
  }

  #noChangeBefore(work: Work): void {
    const index = this.waiting.indexOf(work);
    assert.equal(this.#changeBefore(work.lane, index < 0 ? this.waiting.length : index), undefined);
    for (const { running } of this.spots.values()) {
      assert.ok(running?.lane !== work.lane || running.kind === "read" || running.kind === "verify");
    }
  }

  #changeBefore(lane: string, index: number): Work | undefined {
    return this.waiting
      .slice(0, index)
      .find((work) => work.lane === lane && work.kind !== "read" && work.kind !== "verify");
  }

  #remove(work: Work): number {
    const index = this.waiting.indexOf(work);
    assert.ok(index >= 0, `${work.id} waits, and ends once`);
    this.waiting.splice(index, 1);
    return index;
  }

  #spot(terminal: string): Spot {
    return this.spots.get(terminal) as Spot;
  }
}

const terminal = fc.integer({ min: 1, max: TERMINALS }).map((number) => `t${number}`);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("submit" as const),
      lane: fc.nat(LANES - 1),
      kind: fc.constantFrom(...KINDS),
      timeMs: fc.constantFrom(300, 2_000, 10_000, 30_000),
      proven: fc.boolean(),
      maxAgeMs: fc.constantFrom(0, 1_000, 5_000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("finish" as const),
      terminal,
      onAccount: fc.integer({ min: 0, max: 9 }),
      snapshot: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("wait" as const), ms: fc.constantFrom(1, 50, 400, 3_000) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("depart" as const), terminal }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant("change" as const), terminal, state: fc.constantFrom(...STATES) }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("cancel" as const), index: fc.nat(99) }) },
);

function play(model: Model, one: typeof step extends fc.Arbitrary<infer Step> ? Step : never): void {
  switch (one.what) {
    case "submit":
      model.submit(one.lane, one.kind, one.timeMs, one.proven, one.maxAgeMs);
      break;
    case "finish":
      model.finish(one.terminal, one.onAccount > 0, one.snapshot);
      break;
    case "wait":
      model.desk.after(one.ms);
      break;
    case "depart":
      model.depart(one.terminal);
      break;
    case "change":
      model.change(one.terminal, one.state);
      break;
    case "cancel":
      model.cancel(one.index);
  }
  model.decide();
}

/** Everything that waits begins when every terminal is up and whoever runs gets done, woken only when it asks to be. */
function drain(model: Model): void {
  for (const id of model.spots.keys()) model.change(id, "up");
  model.decide();
  for (let turn = 0; turn < 1_000 && model.waiting.length > 0; turn++) {
    const isBusy = [...model.spots.values()].some(({ running }) => running !== null);
    const { nowMs, policy } = model.desk;
    const wakeMs = policy.wakeAtMs(nowMs);
    assert.ok(isBusy || wakeMs !== null, "work that waits has a time at which it is looked at");
    model.desk.after(isBusy ? 100 : Math.max(0, (wakeMs ?? nowMs) - nowMs));
    for (const id of model.spots.keys()) model.finish(id, true, false);
    model.decide();
  }
  assert.deepEqual(model.waiting, [], "nothing starves");
}

describe("the policy, always", () => {
  it("one work on a terminal, one terminal for an account, changes in order, nothing late, nothing lost", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 150 }), (steps) => {
        const model = new Model();
        for (const one of steps) play(model, one);
        assert.equal(model.desk.policy.waiting, model.waiting.length);
        drain(model);
      }),
      { numRuns: 300 },
    );
  });
});
