// Two terminals, two accounts that are used alike, and a third one that needs a terminal: the account that holds a
// position stays. What a command or a read saw is enough to know.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import { type Actor, createWorkerFixture, type WorkerFixture } from "../../../tests/support/worker-fixture.ts";
import type { SendRequest } from "../mt5/mod.ts";
import type { ReadRequest } from "../protocol.ts";

const WHOLE: ReadRequest = { kind: "positions", max_age_ms: 1 };
const FRESH: ReadRequest = { kind: "positions", max_age_ms: 0 };
type Doing = (worker: WorkerFixture, holder: Actor) => Promise<void>;

/** Which of the two accounts the third one drives away, when the second is used a little more than the first. */
async function drivenAway(works: number, doing: Doing): Promise<string | undefined> {
  const worker = await createWorkerFixture({ terminals: 2 });
  const logins = ["5000001", "5000002", "5000003"];
  const [first, second, third] = (await Promise.all(logins.map((login) => worker.actor({ account: { login } })))) as [
    Actor,
    Actor,
    Actor,
  ];
  await doing(worker, first);
  for (let read = 0; read <= works; read++) await look(worker, second);
  worker.clock.advance(500);
  await idle(worker);
  await look(worker, third);
  const there = worker.processes.map(({ shown }) => shown?.account.login);
  await worker.stop();
  return logins.find((login) => !there.includes(login));
}

const idle = (worker: WorkerFixture): Promise<void> =>
  until("nothing runs", () => worker.scheduler.health().every(({ state }) => state === "idle"));

/** A deal that the worker did not make. */
function deal({ broker, clock }: WorkerFixture, { account }: Actor, wish: Partial<SendRequest>): void {
  const session = { account, access: "trade", isAutoTradingOn: true } as const;
  const request = { action: 1, symbol: "EURUSD", type: 0, volume: 0.1, type_filling: 0, magic: 0, comment: "" };
  assert.equal(broker.execute(session, { ...request, ...wish }, clock.wallClock()).retcode, 10009);
}

async function look(worker: WorkerFixture, actor: Actor, request = FRESH): Promise<void> {
  assert.ok((await worker.read(actor, request)).ok);
}

async function open(worker: WorkerFixture, holder: Actor, volume = 0.1): Promise<string> {
  const outcome = await worker.run(worker.trade(holder, { volume }));
  assert.ok(outcome.state === "done" && outcome.result.position_ticket !== null, JSON.stringify(outcome));
  return outcome.result.position_ticket;
}

async function close(worker: WorkerFixture, holder: Actor, ticket: string, volume?: number): Promise<void> {
  const params = { ticket, ...(volume === undefined ? {} : { volume }) };
  const outcome = await worker.run(worker.command(holder, { kind: "close_position", params }));
  assert.equal(outcome.state, "done", JSON.stringify(outcome));
}

describe("Scheduler: an account that holds a position", () => {
  /** What, how many works that takes, the works, and who goes. */
  const cases: [string, number, Doing, string][] = [
    ["stays", 1, async (worker, holder) => void (await open(worker, holder)), "5000002"],
    [
      "stays when only a part was closed",
      2,
      async (worker, holder) => close(worker, holder, await open(worker, holder), 0.04),
      "5000002",
    ],
    [
      "goes like any other once all is closed",
      2,
      async (worker, holder) => close(worker, holder, await open(worker, holder)),
      "5000001",
    ],
    [
      "stays when one of two is closed",
      3,
      async (worker, holder) => {
        await open(worker, holder);
        await close(worker, holder, await open(worker, holder));
      },
      "5000002",
    ],
    [
      "goes when the position was never opened",
      2,
      async (worker, holder) => {
        const outcome = await worker.run(worker.trade(holder, { volume: 50 }));
        assert.equal(outcome.state, "rejected", "no money");
        await look(worker, holder);
      },
      "5000001",
    ],
    [
      "is found by a whole reading: the broker closed it meanwhile",
      2,
      async (worker, holder) => {
        const position = await open(worker, holder);
        deal(worker, holder, { type: 1, position });
        worker.clock.advance(500);
        await look(worker, holder, WHOLE);
      },
      "5000001",
    ],
    [
      "is found by the last look before it goes: it stays the next time",
      2,
      async (worker, holder) => {
        const others = await Promise.all(["5000004", "5000005"].map((login) => worker.actor({ account: { login } })));
        const [busy, passing] = others as [Actor, Actor];
        for (const actor of [busy, busy, busy, holder]) await look(worker, actor);
        deal(worker, holder, {});
        for (const actor of [passing, holder]) {
          worker.clock.advance(500);
          await idle(worker);
          await look(worker, actor);
        }
        await idle(worker);
      },
      "5000002",
    ],
  ];
  for (const [what, works, doing, gone] of cases) {
    it(what, async () => assert.equal(await drivenAway(works, doing), gone));
  }
});
