// Whatever comes in, ends, fails or is taken away, in any order: what must always hold. A model beside the policy keeps
// its own record of who is where, and disagrees loudly.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Desk } from "./testdata/desk.ts";
import type { Decision, TerminalState, Work, WorkKind } from "./work.ts";

const TERMINALS = 4;
const LANES = 8;
const DOUBTFUL_SHARE = 0.5;
/** A server that was reached longer ago is in doubt. */
const REACHED_MS = 300_000;
const KINDS: readonly WorkKind[] = ["read", "read", "open", "close", "change", "verify"];
const STATES: readonly TerminalState[] = ["up", "up", "held", "draining", "quarantined", "disconnected"];

type Spot = {
  state: TerminalState;
  account: string | null;
  leaves: string | null;
  running: Work | null;
  /** Of what runs: it came with a switch, after a last look at another account, and its login tries a server in doubt. */
  switching: boolean;
  hadFarewell: boolean;
  doubtful: boolean;
};
/** How a work ends: on its account, on none, or without having reached its broker. */
type End = "on" | "off" | "stranded";

class Model {
  readonly desk: Desk;
  /** Nobody is ever above his share: then a change has no reason to wait but the terminals. */
  readonly #unshared: boolean;
  readonly spots = new Map<string, Spot>(
    Array.from({ length: TERMINALS }, (_, index) => [
      `t${index + 1}`,
      {
        ...{ state: "up", account: null, leaves: null, running: null },
        ...{ switching: false, hadFarewell: false, doubtful: false },
      },
    ]),
  );
  /** Waiting works in order of submission. */
  readonly waiting: Work[] = [];
  readonly #order = new Map<Work, number>();
  /** Server → when a login was last accepted there, and when one got no answer since. */
  readonly #reachedMs = new Map<string, number>();
  readonly #lostMs = new Map<string, number>();

  constructor(unshared: boolean) {
    this.#unshared = unshared;
    const params = { settleMs: 100, doubtfulShare: DOUBTFUL_SHARE, ...(unshared && { userBurst: 1e9 }) };
    this.desk = new Desk({ terminals: TERMINALS, params });
  }

  submit(lane: number, kind: WorkKind, timeMs: number, proven: boolean, maxAgeMs: number): void {
    const { nowMs } = this.desk;
    const work: Work = {
      ...{
        id: `w${this.#order.size}`,
        lane: `L${lane}`,
        server: `S${lane % 3}`,
        user: `U${lane % 3}`,
        kind,
        proven,
        maxAgeMs,
      },
      ...{ arrivedMs: nowMs, deadlineMs: nowMs + timeMs, snapshotable: true },
    };
    this.#order.set(work, this.#order.size);
    const admission = this.desk.policy.submit(nowMs, work);
    if (admission.kind === "queued") this.waiting.push(work);
    if (admission.kind === "refused") assert.ok(admission.retryAfterMs >= 100 || admission.reason === "slow_login");
    if (admission.kind !== "snapshot") return;
    assert.ok(proven && kind === "read" && admission.takenAtMs >= nowMs - maxAgeMs);
    this.#noChangeBefore(work);
  }

  decide(): void {
    for (const decision of this.desk.decisions()) this.#check(decision);
    const { nowMs, policy } = this.desk;
    assert.ok(
      this.waiting.every(({ deadlineMs }) => deadlineMs > nowMs),
      "nothing waits beyond its time",
    );
    const wakeMs = policy.wakeAtMs(nowMs);
    assert.ok(this.waiting.length === 0 || (wakeMs !== null && wakeMs > nowMs), "looked at again, and not at once");
    if (this.#unshared) this.#nothingHeldBack();
  }

  finish(terminal: string, end: End, hasSnapshot: boolean): void {
    const spot = this.#spot(terminal);
    const work = spot.running;
    if (work === null) return;
    const { nowMs } = this.desk;
    const onAccount = end === "on";
    // What the worker itself does on an account logs in as well, and says nothing of it.
    const isTold = nowMs % 5 > 0;
    const loginMs = onAccount && isTold && (spot.switching || !work.proven) ? 700 : null;
    if (end === "stranded" && (work.proven || !this.#isReached(work.server))) {
      this.#reachedMs.delete(work.server);
      this.#lostMs.set(work.server, nowMs);
    }
    if (loginMs !== null || (onAccount && spot.switching)) this.#reached(work);
    const snapshotAtMs = hasSnapshot && work.kind === "read" ? nowMs : null;
    const exposed = snapshotAtMs === null ? null : nowMs % 2 === 0;
    Object.assign(spot, { running: null, leaves: null, doubtful: false });
    if (!onAccount || !["up", "held"].includes(spot.state)) spot.account = null;
    this.#answer(
      work.lane,
      this.desk.policy.finished(nowMs, terminal, {
        ...{ loginMs, workMs: 50, snapshotAtMs, exposed, onAccount },
        stranded: end === "stranded",
      }),
    );
  }

  /** The login of what runs there has succeeded. */
  arrive(terminal: string): void {
    const spot = this.#spot(terminal);
    if (spot.leaves !== null) return;
    if (spot.running !== null) this.#reached(spot.running);
    spot.doubtful = false;
    this.desk.policy.arrived(this.desk.nowMs, terminal);
  }

  /** Lost by the last look at the account that it left. */
  giveBack(terminal: string): void {
    const spot = this.#spot(terminal);
    const work = spot.running;
    if (work === null || !spot.hadFarewell) return;
    Object.assign(spot, { running: null, leaves: null, account: null, doubtful: false });
    const place = this.waiting.findIndex((other) => this.#place(other) > this.#place(work));
    this.waiting.splice(place < 0 ? this.waiting.length : place, 0, work);
    this.desk.policy.returned(this.desk.nowMs, terminal);
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
    const switching = decision.kind === "switch";
    if (!switching) assert.equal(spot.account, work.lane);
    else spot.leaves = decision.farewell?.lane ?? null;
    const doubtful = switching && !this.#isReached(work.server);
    if (doubtful) assert.ok(this.#mayDoubt(), "no more terminals than may try servers in doubt");
    if (doubtful && this.#isLost(work.server))
      assert.ok(!this.#tried().includes(work.server), "one terminal tries a server that did not answer");
    Object.assign(spot, { switching, doubtful, hadFarewell: spot.leaves !== null && switching });
    spot.account = work.lane;
    spot.running = work;
    // Behind a change that came before it, nothing but a verification begins.
    if (work.kind !== "verify")
      assert.equal(this.#changeBefore(work.lane, index), undefined, "changes keep their order");
  }

  /** A change that waits for a terminal while one is free waits for servers in doubt, and for nothing else. */
  #nothingHeldBack(): void {
    const spots = [...this.spots.values()];
    const waits = (lane: string | null): boolean => this.waiting.some((work) => work.lane === lane);
    if (!spots.some(({ state, running, account }) => state === "up" && running === null && !waits(account))) return;
    for (const { id, lane, server, kind } of this.waiting) {
      const isServed = spots.some(
        ({ account, leaves, running }) => account === lane || leaves === lane || running?.lane === lane,
      );
      if (kind === "read" || kind === "verify" || isServed) continue;
      // Also when its five minutes are over meanwhile: it is looked at again when who tries now has ended.
      const isInTheWay = this.#lostMs.has(server) ? this.#tried().length > 0 : !this.#mayDoubt();
      assert.ok(!this.#isReached(server) && isInTheWay, `${id} waits, and a terminal is free`);
    }
  }

  #isReached(server: string): boolean {
    return this.desk.nowMs - (this.#reachedMs.get(server) ?? Number.NEGATIVE_INFINITY) < REACHED_MS;
  }

  #reached({ server }: Work): void {
    this.#reachedMs.set(server, this.desk.nowMs);
    this.#lostMs.delete(server);
  }

  #isLost(server: string): boolean {
    return this.desk.nowMs - (this.#lostMs.get(server) ?? Number.NEGATIVE_INFINITY) < REACHED_MS;
  }

  /** Servers in doubt that are tried, each as often as it is. */
  #tried(): string[] {
    return [...this.spots.values()].flatMap(({ doubtful, running }) => (doubtful && running ? [running.server] : []));
  }

  /** One more terminal may try a server in doubt. */
  #mayDoubt(): boolean {
    const up = [...this.spots.values()].filter(({ state }) => state === "up").length;
    return this.#tried().length < Math.max(1, Math.floor(up * DOUBTFUL_SHARE));
  }

  #place(work: Work): number {
    return this.#order.get(work) as number;
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
const end = fc.constantFrom<End>("on", "on", "on", "on", "on", "on", "off", "stranded");
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
      end,
      snapshot: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 1, 50, 50, 400, 400, 3_000, 3_000, 150_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("depart" as const), terminal }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("arrive" as const), terminal }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("giveBack" as const), terminal }) },
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
      model.finish(one.terminal, one.end, one.snapshot);
      break;
    case "wait":
      model.desk.after(one.ms);
      break;
    case "depart":
      model.depart(one.terminal);
      break;
    case "arrive":
      model.arrive(one.terminal);
      break;
    case "giveBack":
      model.giveBack(one.terminal);
      break;
    case "change":
      model.change(one.terminal, one.state);
      break;
    case "cancel":
      model.cancel(one.index);
  }
  model.decide();
}

/**
 * Everything that waits begins, or expires, when every terminal is up and whoever runs gets done, well or not: woken only
 * when it asks to be.
 */
function drain(model: Model, end: End): void {
  for (const id of model.spots.keys()) model.change(id, "up");
  model.decide();
  for (let turn = 0; turn < 1_000 && model.waiting.length > 0; turn++) {
    const isBusy = [...model.spots.values()].some(({ running }) => running !== null);
    const { nowMs, policy } = model.desk;
    const wakeMs = policy.wakeAtMs(nowMs);
    assert.ok(isBusy || wakeMs !== null, "work that waits has a time at which it is looked at");
    model.desk.after(isBusy ? 100 : Math.max(0, (wakeMs ?? nowMs) - nowMs));
    for (const id of model.spots.keys()) model.finish(id, end, false);
    model.decide();
  }
  assert.deepEqual(model.waiting, [], "nothing starves");
}

describe("the policy, always", () => {
  it("one work on a terminal, one terminal for an account, changes in order, nothing late, nothing lost", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 20, maxLength: 150, size: "max" }),
        fc.boolean(),
        end,
        (steps, unshared, last) => {
          const model = new Model(unshared);
          for (const one of steps) play(model, one);
          assert.equal(model.desk.policy.waiting, model.waiting.length);
          drain(model, last);
        },
      ),
      { numRuns: 300 },
    );
  });
});
