// A series of runs on one stack: commands, a fault in their midst, mending, the question what became of every command,
// and the invariants over everything that was ever done and said on this stack.
import assert from "node:assert/strict";
import { until } from "../../support/stack.ts";
import {
  type Answer,
  allSettled,
  checkLedgerKnows,
  checkSafety,
  type LedgerRow,
  type Violation,
} from "../invariants/mod.ts";
import { Figures } from "./figures.ts";
import type { Player } from "./players.ts";
import type { Rig } from "./rig.ts";
import { Run } from "./run.ts";
import { lookAt, type World } from "./world.ts";

/** From the first command of a run to the proof of the last one. */
export const RUN_LIMIT_MS = 20_000;
/** Until the outbox, which waits longer after every failure, has delivered everything. */
const DELIVERY_LIMIT_MS = 30_000;

export type Stage = {
  rig: Rig;
  run: Run;
  campaign: Campaign;
  /** 1, 2, …: the same fault once more. */
  turn: number;
};

export type Hit = {
  /** How often the fault met a command of the run. Zero: the run proves nothing. */
  fired: number;
  /** The state in which the last command of the run ends, if this fault leaves no choice. */
  expect?: string;
  /** Nobody can prove what became of its commands: they may end visibly unknown. */
  mayStayUnknown?: boolean;
};

export type FaultCase = { name: string; limitMs?: number; run: (stage: Stage) => Promise<Hit> };

export class Campaign {
  readonly rig: Rig;
  readonly figures = new Figures();
  readonly players: Player[];
  readonly #answers: Answer[] = [];
  /** Commands that may stay unknown for ever. */
  readonly #unprovable = new Set<string>();
  /** Commands whose terminal was moved while their order was under way: no software keeps that from happening. */
  readonly #moved = new Set<string>();
  /** What an earlier run has been blamed for. */
  readonly #blamed = new Set<string>();
  /** Rows that a reset of the database has taken away. */
  readonly #lostRows: LedgerRow[] = [];

  constructor(rig: Rig) {
    this.rig = rig;
    this.players = [rig.ann, rig.bob];
  }

  /** Rejects when a promise is broken, when the fault met nothing, or when it takes longer than a run may. */
  async perform({ name, run: fault, limitMs = RUN_LIMIT_MS }: FaultCase, turn: number): Promise<void> {
    await this.rig.forgetTroubles();
    const startedMs = performance.now();
    const sinceMs = Date.now();
    const run = new Run(this.rig, limitMs);
    let hit: Hit;
    let states: Map<string, string>;
    try {
      hit = await this.#strike(fault, { rig: this.rig, run, campaign: this, turn });
      await this.rig.serves();
      states = await run.settle({ mayStayUnknown: hit.mayStayUnknown === true });
    } finally {
      this.#answers.push(...run.answers);
      await acknowledgeOpen(run);
    }
    const broken = this.#broken(recentOf(await this.#look(), sinceMs));
    const tookMs = performance.now() - startedMs;
    this.figures.add(name, { hit, states, broken, tookMs });
    assert.deepEqual(broken, []);
    assert.ok(hit.fired > 0, `${name}: the fault met nothing`);
    if (hit.expect !== undefined) assert.equal([...states.values()].at(-1), hit.expect);
    assert.ok(tookMs < limitMs, `${name} took ${Math.round(tookMs)} ms`);
  }

  /** All runs together: no promise is broken, nothing is open, and the ledger knows all that the journal holds. */
  async conclude(): Promise<void> {
    assert.deepEqual(this.#broken(await this.#look()), []);
    let broken: Violation[] = [];
    await until(
      "every outcome is in the ledger",
      async () => {
        const world = await this.#look();
        const facts = { ...world, answers: this.#answers };
        broken = [...allSettled(facts, this.#unprovable), ...checkLedgerKnows(facts)];
        return broken.length === 0;
      },
      DELIVERY_LIMIT_MS,
    ).catch(() => assert.deepEqual(broken, []));
  }

  async summary(): Promise<object> {
    return this.figures.summary(await this.#look());
  }

  /** As the database has it this moment. */
  async stateOf(commandId: string): Promise<string | undefined> {
    return (await this.#look()).rows.find(({ id }) => id === commandId)?.state;
  }

  /** Until it is shown as unknown, with this reason as evidence. */
  async isShownUnknown(run: Run, player: Player, id: string, reason: string, limitMs?: number): Promise<void> {
    const isShown = async (): Promise<boolean> => {
      const shown = await run.ask(player, id);
      return shown?.body.state === "unknown" && JSON.stringify(shown.body.evidence).includes(reason);
    };
    await until(`${id} is unknown because of ${reason}`, isShown, limitMs);
  }

  /** One more user, whose account counts as proven from then on. */
  async invite(join: () => Promise<Player>): Promise<Player> {
    const player = await join();
    this.players.push(player);
    return player;
  }

  mayStayUnknown(commandId: string): void {
    this.#unprovable.add(commandId);
  }

  wasMoved(commandId: string): void {
    this.#moved.add(commandId);
    this.#unprovable.add(commandId);
  }

  /** To be called before the rows are gone. */
  async loseRows(): Promise<void> {
    const { rows } = await this.#look();
    this.#lostRows.push(...rows.filter(({ lost }) => !lost).map((row) => ({ ...row, lost: true })));
  }

  async #strike(fault: FaultCase["run"], stage: Stage): Promise<Hit> {
    try {
      return await fault(stage);
    } finally {
      await this.rig.heal();
    }
  }

  async #look(): Promise<World> {
    const world = await lookAt(this.rig, this.players);
    return { ...world, rows: [...this.#lostRows, ...world.rows] };
  }

  #broken(world: World): Violation[] {
    const all = checkSafety({ ...world, answers: this.#answers });
    const bare = [...world.evidence].filter(([id, evidence]) => this.#unprovable.has(id) && evidence === null);
    const withoutEvidence = bare.map(([id]) => ({ invariant: "I8", what: `${id} is unknown without evidence` }));
    const isExcused = ({ invariant, what }: Violation): boolean =>
      invariant === "I2" && [...this.#moved].some((id) => what.startsWith(`command ${id} `));
    const broken = [...all.filter((one) => !isExcused(one)), ...withoutEvidence];
    const fresh = broken.filter(({ what }) => !this.#blamed.has(what));
    for (const { what } of fresh) this.#blamed.add(what);
    return fresh;
  }
}

/** What stays unknown would stand in the way of the next run's orders. A final command takes no notice. */
async function acknowledgeOpen(run: Run): Promise<void> {
  for (const { key, player } of run.sent) {
    const told = run.answers.filter((answer) => answer.key === key && answer.commandId !== null);
    const id = told[0]?.commandId;
    if (id === undefined || told.some(({ executed }) => executed !== null)) continue;
    const path = `/commands/${id}/acknowledge`;
    const { status, text } = await player.trader.post(path, { reason: "nobody can know more of it" });
    assert.equal(status, 200, text);
  }
}

/**
 * What a run has touched: its commands, older ones that something was booked for meanwhile, and all that belongs to them.
 * Everything together is looked through once, at the end.
 */
function recentOf(world: World, sinceMs: number): World {
  const tags = new Set([
    ...world.rows.filter(({ createdMs }) => createdMs >= sinceMs).map(({ tag }) => tag),
    ...world.booked.filter(({ atMs }) => atMs >= sinceMs).map(({ magic }) => magic),
  ]);
  return {
    ...world,
    rows: world.rows.filter(({ tag }) => tags.has(tag)),
    booked: world.booked.filter(({ magic }) => tags.has(magic)),
    sendings: world.sendings.filter(({ tag }) => tags.has(tag)),
  };
}
