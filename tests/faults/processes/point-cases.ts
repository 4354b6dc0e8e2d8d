// The fourteen points. Odd turns open a position, even turns close one: an order that is doubled is seen in both.
import assert from "node:assert/strict";
import { until } from "../../support/stack.ts";
import type { FaultCase } from "./campaign.ts";
import type { WorkerPoint } from "./crash-points.ts";
import { killWithChildren } from "./kill-with-children.ts";
import type { Player } from "./players.ts";
import type { Run } from "./run.ts";

/** Time that a send may take to start; a worker that is killed and started again needs less than a second. */
const PATIENT = { timeout_ms: 8_000 };
const IMPATIENT = { timeout_ms: 500 };

export const PointCases: readonly FaultCase[] = [
  atWorkerPoint("admitted", "done"),
  atWorkerPoint("before_login", "done", { onOtherAccount: true }),
  atWorkerPoint("logged_in", "done", { onOtherAccount: true }),
  atWorkerPoint("before_intent", "done"),
  atWorkerPoint("intent_written", "not_executed"),
  atWorkerPoint("answered", "done"),
  atWorkerPoint("result_written", "done"),
  atWorkerPoint("told", "done"),
  {
    name: "worker killed while the terminal sends",
    async run({ rig, run, turn }) {
      const order = await prepareOrder(run, rig.ann, turn);
      await rig.broker.control({ send: [turn % 2 ? { hang: true } : { hang_after: true }] });
      const answer = order();
      await rig.hanging();
      await rig.killWorker();
      await rig.broker.control({ release: true });
      await answer;
      return { fired: 1, expect: "done" };
    },
  },
  {
    name: "worker killed at tombstone_written",
    async run({ rig, run, turn }) {
      await rig.freshLink();
      rig.link.takeHits();
      rig.link.treat("drop", "up", "down");
      const answer = await run.trade(rig.ann, IMPATIENT);
      const fired = rig.link.takeHits();
      rig.link.heal();
      assert.equal(answer?.status, 202, answer?.text);
      const id: string = answer.body.command_id;
      // Cancelled and asked for: both bury what the worker never saw.
      const bury = (): Promise<unknown> => (turn % 2 ? run.cancel(rig.ann, id) : askUntilBuried(run, rig.ann, id));
      const { result } = await rig.killWorkerAt("tombstone_written", bury);
      await result;
      return { fired, expect: turn % 2 ? "cancelled" : "expired" };
    },
  },
  {
    name: "worker killed at settling",
    async run({ rig, run, turn }) {
      const order = await prepareOrder(run, rig.ann, turn);
      await rig.broker.control({ send: [turn % 2 ? { hang: true } : { hang_after: true }] });
      const answer = order();
      await rig.hanging();
      await rig.killWorker();
      await rig.killWorkerAt("settling", () => rig.broker.control({ release: true }));
      await answer;
      return { fired: 1, expect: "done" };
    },
  },
  {
    name: "Python killed inside order_send",
    async run({ rig, run, turn }) {
      const order = await prepareOrder(run, rig.ann, turn);
      await rig.broker.control({ send: [turn % 2 ? { hang: true } : { hang_after: true }] });
      const answer = order();
      await rig.hanging();
      await rig.killPython();
      await answer;
      return { fired: 1, expect: turn % 2 ? "not_executed" : "done" };
    },
  },
  {
    name: "function killed before the frame is answered",
    async run({ rig, run, turn }) {
      const order = await prepareOrder(run, rig.ann, turn);
      await rig.broker.control({ send: [{ hang: true }] });
      const answer = order();
      await rig.hanging();
      rig.stack.parts.function.kill("SIGKILL");
      await rig.broker.control({ release: true });
      await rig.stack.parts.function.restart();
      // Whatever came, it is not the function's word.
      const fired = (await answer)?.body?.command_id === undefined ? 1 : 0;
      return { fired, expect: "done" };
    },
  },
  {
    name: "Postgres killed before the result is stored",
    async run({ rig, run, campaign, turn }) {
      const order = await prepareOrder(run, rig.ann, turn);
      await rig.broker.control({ send: [{ hang: true }] });
      const answer = order();
      await rig.hanging();
      killWithChildren(rig.stack.parts.postgres);
      await rig.broker.control({ release: true });
      // Told from the worker's signed result, although nobody could store it yet.
      const told = await answer;
      assert.equal(told?.status, 200, told?.text);
      await rig.stack.parts.postgres.restart();
      return { fired: (await campaign.stateOf(told.body.command_id)) === "accepted" ? 1 : 0, expect: "done" };
    },
  },
];

function atWorkerPoint(point: WorkerPoint, expect: string, options: { onOtherAccount?: boolean } = {}): FaultCase {
  return {
    name: `worker killed at ${point}`,
    async run({ rig, run, turn }) {
      const order = await prepareOrder(run, rig.ann, turn);
      if (options.onOtherAccount === true) await run.trade(rig.bob);
      const { result } = await rig.killWorkerAt(point, order);
      await result;
      return { fired: 1, expect };
    },
  };
}

/** Everything that the order needs is there before the fault: the order itself is the only thing that meets it. */
async function prepareOrder(run: Run, player: Player, turn: number): Promise<() => ReturnType<Run["trade"]>> {
  if (turn % 2) return () => run.trade(player, PATIENT);
  const opened = await run.trade(player, PATIENT);
  assert.equal(opened?.status, 200, opened?.text);
  const path = `/positions/${opened.body.result.position_ticket}/close`;
  return () => run.command(player, path, PATIENT);
}

/** Its time has to be over for a while before the ledger calls it unknown and the worker may bury it. */
function askUntilBuried(run: Run, player: Player, commandId: string): Promise<void> {
  return until("it is buried", async () => (await run.ask(player, commandId))?.body?.executed !== null);
}
